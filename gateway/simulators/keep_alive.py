"""Comments into an event stream that has been silent for a while, with one timer and no task until it fires."""

import asyncio
from collections.abc import Awaitable, Callable


class KeepAlive:
    """While open, `say` is awaited whenever `every_s` seconds have passed without a `touch`."""

    def __init__(self, every_s: float, say: Callable[[], Awaitable[None]]) -> None:
        self._every_s = every_s
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._touched = self._loop.time()
        self._saying: asyncio.Future[None] | None = None
        self._timer = self._loop.call_later(every_s, self._look)

    def touch(self) -> None:
        self._touched = self._loop.time()

    def close(self) -> None:
        self._timer.cancel()
        if self._saying is not None:
            self._saying.cancel()

    def _look(self) -> None:
        silent = self._loop.time() - self._touched
        if silent >= self._every_s:
            self._saying = asyncio.ensure_future(self._say())
            self.touch()
            silent = 0
        self._timer = self._loop.call_later(self._every_s - silent, self._look)
