"""Records that are older than they are to be kept go, a few at a time, beside everything else."""

import asyncio
import contextlib
import logging
from typing import Protocol

from gateway.core.errors import JournalUnavailable
from gateway.core.ports import Clock

EVERY_S = 60.0
AT_ONCE = 500
PAUSE_S = 0.1
"""Between two lots, so that records on their way in are not kept waiting."""

_log = logging.getLogger("gateway")


class Prunable(Protocol):
    def prune(self, before: float, most: int) -> int: ...


class Pruning:
    """Keeps a journal to the last `keep_s` seconds; 0: for ever."""

    def __init__(self, journal: Prunable, keep_s: float, clock: Clock) -> None:
        self._journal = journal
        self._keep_s = keep_s
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._keep_s:
            self._task = asyncio.create_task(self._run(), name="pruning")

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                while await self._lot() == AT_ONCE:
                    await asyncio.sleep(PAUSE_S)
            except JournalUnavailable as trouble:
                _log.warning("old records stay for now: %s", trouble)
            await asyncio.sleep(EVERY_S)

    async def _lot(self) -> int:
        return await asyncio.to_thread(self._journal.prune, self._clock.wall() - self._keep_s, AT_ONCE)
