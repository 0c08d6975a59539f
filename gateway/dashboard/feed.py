"""The live feed: what the journal got since the last look, told to every browser that listens, as server-sent events.

It reads the journal and not the requests: so it costs a request nothing, tells of all workers of an address, and lags
behind by about a second. One look serves all listeners.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator

import msgspec

from gateway.core.errors import GatewayError, JournalUnavailable
from gateway.dashboard import told
from gateway.stores.journal_view import Fresh, JournalView

EVERY_S = 1.0
LONGEST_S = 300.0
"""Then the browser asks again, and whether it still may is looked at again."""
STILL_S = 15.0
"""After so long without news a line is sent, so that nobody on the way takes the connection for dead."""
MOST_LISTENERS = 100
MOST_WAITING = 8
NEWEST = 20
_STILL = b": nothing new\n\n"


class Listener:
    """One browser. What it does not read in time is dropped, the oldest first, and counted in `missed`."""

    def __init__(self) -> None:
        self.missed = 0
        self._waiting: deque[bytes] = deque(maxlen=MOST_WAITING)
        self._news = asyncio.Event()

    def hear(self, event: bytes) -> None:
        self.missed += len(self._waiting) == MOST_WAITING
        self._waiting.append(event)
        self._news.set()

    def wake(self) -> None:
        self._news.set()

    async def news(self, within_s: float) -> bytes:
        """All that waits, as it goes over the wire; nothing where nothing came in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._news.wait()
        self._news.clear()
        missed = _event("missed", {"events": self.missed}) if self.missed else b""
        said = missed + b"".join(self._waiting)
        self._waiting.clear()
        self.missed = 0
        return said


class Feed:
    """Owns the task that looks, which there is while somebody listens."""

    def __init__(self, view: JournalView, every_s: float = EVERY_S) -> None:
        self.listeners: set[Listener] = set()
        self._view = view
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._is_over = False

    def listen(self) -> AsyncGenerator[bytes]:
        """Events until the listener leaves, the feed ends or time is up. Raises GatewayError: 503."""
        if len(self.listeners) >= MOST_LISTENERS or self._is_over:
            message = f"{MOST_LISTENERS} listen already, or the gateway is ending; ask for the sums instead"
            raise GatewayError(503, "feed_unavailable", message, type="server_error")
        return self._told()

    def join(self) -> Listener:
        """Who has joined must `leave`."""
        listener = Listener()
        self.listeners.add(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._look(), name="live feed")
        return listener

    def leave(self, listener: Listener) -> None:
        self.listeners.discard(listener)
        if not self.listeners and self._task is not None:
            self._task.cancel()
            self._task = None
            self._begun.clear()

    def end(self) -> None:
        """No connection of a listener is to hold up the gateway's end."""
        self._is_over = True
        for listener in self.listeners:
            listener.wake()

    async def _told(self) -> AsyncGenerator[bytes]:
        """The first line means: what is recorded from now on is told."""
        listener, until = self.join(), time.monotonic() + LONGEST_S
        try:
            await self._begun.wait()
            yield _STILL
            while not self._is_over and time.monotonic() < until:
                said = await listener.news(STILL_S)
                yield said or _STILL
        finally:
            self.leave(listener)

    async def _look(self) -> None:
        last: int | None = None
        while True:
            try:
                if last is None:
                    last = await asyncio.to_thread(self._view.last)
                fresh = await asyncio.to_thread(self._view.fresh, last, NEWEST)
            except JournalUnavailable as trouble:
                self._tell(_event("trouble", {"reason": str(trouble)}))
            else:
                last = fresh.last
                if fresh.flow:
                    self._tell(await asyncio.to_thread(_news, fresh))
            self._begun.set()
            await asyncio.sleep(self._every_s)

    def _tell(self, event: bytes) -> None:
        for listener in self.listeners:
            listener.hear(event)


def _news(fresh: Fresh) -> bytes:
    rows = [told.row(record) for record in fresh.newest]
    return _event("requests", {"at": time.time(), "flow": fresh.flow, "rows": rows})


def _event(name: str, content: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(content))
