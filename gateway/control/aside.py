"""Work that takes long, done in a thread that gives way to the requests."""

import asyncio
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

GIVE_WAY_S = 0.0005
"""So long such a thread may keep the interpreter while a request wants it. The interpreter's own 5 ms would be waited
for at each of a request's turns: proving 200 rules held each of them up by 9 ms, and so by 2."""

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


class Aside:
    """Of one process, since the interval is the interpreter's."""

    def __init__(self) -> None:
        self._running = 0
        self._usual_s = sys.getswitchinterval()

    async def do(self, work: Callable[_Given, _Answer], *given: _Given.args, **named: _Given.kwargs) -> _Answer:
        """As `asyncio.to_thread`."""
        self._running += 1
        sys.setswitchinterval(GIVE_WAY_S)
        try:
            return await asyncio.to_thread(work, *given, **named)
        finally:
            self._running -= 1
            if not self._running:
                sys.setswitchinterval(self._usual_s)
