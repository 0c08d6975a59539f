"""Records on their way to one journal: a bounded queue, emptied in order and in batches by a thread of its own."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from gateway.core.errors import JournalUnavailable
from gateway.core.records import Record

BOUND = 100_000
BATCH = 500
EVERY_S = 0.2
LONGEST_PAUSE_S = 5.0
FLUSH_S = 5.0
"""How long closing waits for what is still to be delivered."""

_log = logging.getLogger("gateway")


class Journal(Protocol):
    """Where Records are kept. `write` may block; it raises `JournalUnavailable` where a later try may succeed."""

    def write(self, records: Sequence[Record]) -> None: ...


class Outbox:
    """Owns the queue, the task that empties it and the thread that writes. All state belongs to the event loop.

    INVARIANT: what is delivered is delivered in the order it was put, and only the oldest beyond `bound` is dropped.
    """

    def __init__(self, name: str, journal: Journal, bound: int = BOUND) -> None:
        self.name = name
        self.dropped = 0
        self.failures = 0
        self.error = ""  # of the last write; empty when it succeeded
        self._journal = journal
        self._waiting: deque[Record] = deque(maxlen=bound)
        self._bound = bound
        self._batch = BATCH
        self._sending = 0
        self._put = 0
        self._wake = asyncio.Event()
        self._turn = asyncio.Condition()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return len(self._waiting) + self._sending

    @property
    def _settled(self) -> int:
        """How many have been delivered or dropped."""
        return self._put - self.waiting

    def put(self, record: Record) -> None:
        """Never waits, never raises."""
        self._put += 1
        if len(self._waiting) == self._bound:
            self.dropped += 1
        self._waiting.append(record)
        if len(self._waiting) == BATCH:
            self._wake.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def flushed(self) -> None:
        """Returns when everything put so far has been delivered (or dropped)."""
        until = self._put
        self._wake.set()
        async with self._turn:
            await self._turn.wait_for(lambda: self._settled >= until)

    async def aclose(self) -> None:
        """Deliver what waits, within `FLUSH_S`; what is not delivered by then is lost, and that is said."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self.flushed()
        lost = self.waiting
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if lost:
            _log.error("%d records were not written to the %s: %s", lost, self.name, self.error or "it takes too long")
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        pause = EVERY_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            self._wake.clear()
            pause = EVERY_S if await self._empty() else min(2 * pause, LONGEST_PAUSE_S)
            async with self._turn:
                self._turn.notify_all()

    async def _empty(self) -> bool:
        """Write all that waits now, batch after batch; False as soon as the journal is unavailable."""
        until = self._put
        while self._settled < until:
            batch = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            self._sending = len(batch)
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._journal.write, batch)
            except JournalUnavailable as trouble:
                self._put_back(batch, str(trouble))
                return False
            except Exception as bug:
                self._isolate(batch, bug)
            else:
                self.error = ""
                self._batch = min(2 * self._batch, BATCH)
            finally:
                self._sending = 0
        return True

    def _put_back(self, batch: list[Record], error: str) -> None:
        """To the front again, as far as there is room: the newest stay."""
        self.failures += 1
        self.error = error
        room = self._bound - len(self._waiting)
        self._waiting.extendleft(reversed(batch[max(0, len(batch) - room) :]))
        self.dropped += max(0, len(batch) - room)

    def _isolate(self, batch: list[Record], bug: Exception) -> None:
        """One Record that cannot be written must not hold up the others: halve the batch until it stands alone."""
        if len(batch) > 1:
            self._put_back(batch, type(bug).__name__)
            self._batch = len(batch) // 2
        else:
            self.dropped += 1
            self.error = ""
            _log.error("a record cannot be written to the %s: %s", self.name, type(bug).__name__)
