"""Deadlines and leaving clients for every request in flight, with one sweep instead of a task and a timer per request.

The sweep looks at all requests a few times a second. One whose time is up, or whose client has left, has its task
cancelled with the reason written down first, so that whoever catches the cancellation knows what it means. Only a
request that has already waited `WATCH_AFTER_S` gets a watcher task for its client (measured: a task per request costs
20-40 µs and its cyclic garbage more; docs/decisions/0004-one-sweep.md).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from enum import StrEnum

from gateway.core.ports import Clock

SWEEP_EVERY_S = 0.025
WATCH_AFTER_S = 0.05


class Interruption(StrEnum):
    """Why a request's task was cancelled by the sweep."""

    CLIENT_LEFT = "client_left"
    DEADLINE = "deadline"  # the whole chain's
    ATTEMPT = "attempt"  # no first byte in this attempt's time, or its total time is over


class Vigil:
    """What the sweep knows of one request. Times are of the monotonic clock, in seconds."""

    __slots__ = ("attempt_until", "client_left", "has_left", "interruption", "started", "task", "until", "watcher")

    def __init__(self, client_left: Callable[[], Awaitable[None]], started: float, until: float) -> None:
        task = asyncio.current_task()
        assert task is not None, "a vigil belongs to a task"
        self.task = task
        self.client_left = client_left
        self.has_left = False
        self.started = started
        self.until = until
        self.attempt_until: float | None = None
        self.interruption: Interruption | None = None
        self.watcher: asyncio.Task[None] | None = None

    def interrupt(self, reason: Interruption) -> None:
        """Cancel the request's task, once: a second reason cannot overtake the first."""
        if self.interruption is None:
            self.interruption = reason
            self.task.cancel()

    def absorb(self, reason: Interruption) -> bool:
        """In an `except CancelledError`: was it this reason? Then the cancellation is answered and forgotten."""
        if self.interruption is not reason:
            return False
        self.interruption = None
        return self.task.uncancel() == 0


class Sweep:
    """Owns the vigils, their watchers and the one task that walks them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._vigils: set[Vigil] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        return len(self._vigils)

    def enter(self, client_left: Callable[[], Awaitable[None]], deadline_s: float) -> Vigil:
        """Begin to watch the current task. Must be followed by `leave`."""
        now = self._clock.monotonic()
        vigil = Vigil(client_left, now, now + deadline_s)
        self._vigils.add(vigil)
        return vigil

    def leave(self, vigil: Vigil) -> None:
        """Stop watching; idempotent."""
        self._vigils.discard(vigil)
        if vigil.watcher is not None:
            vigil.watcher.cancel()
            vigil.watcher = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="sweep")

    async def aclose(self) -> None:
        for vigil in tuple(self._vigils):
            self.leave(vigil)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            self.look(self._clock.monotonic())

    def look(self, now: float) -> None:
        """One walk over everything in flight."""
        for vigil in self._vigils:
            if vigil.interruption is not None:
                continue
            if vigil.has_left:  # told while another interruption was being answered
                vigil.interrupt(Interruption.CLIENT_LEFT)
            elif now >= vigil.until:
                vigil.interrupt(Interruption.DEADLINE)
            elif vigil.attempt_until is not None and now >= vigil.attempt_until:
                vigil.interrupt(Interruption.ATTEMPT)
            elif vigil.watcher is None and now - vigil.started >= WATCH_AFTER_S:
                vigil.watcher = asyncio.create_task(_watch(vigil), name="client watcher")


async def _watch(vigil: Vigil) -> None:
    await vigil.client_left()
    vigil.has_left = True
    vigil.interrupt(Interruption.CLIENT_LEFT)
