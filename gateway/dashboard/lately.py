"""Answers that several ask for at once, made once: ten open dashboards cost as much as one."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

FOR_S = 2.0
"""How old an answer may be. The page asks every five seconds."""
_MOST = 64

T = TypeVar("T")


class Lately:
    """By question the answer, or the task that makes it. What failed is not kept."""

    def __init__(self, for_s: float = FOR_S) -> None:
        self._for_s = for_s
        self._tasks: dict[Hashable, tuple[float, asyncio.Task[Any]]] = {}

    async def of(self, question: Hashable, made: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Whoever stops waiting takes the answer from nobody else."""
        now = time.monotonic()
        self._tasks = {asked: kept for asked, kept in self._tasks.items() if kept[0] > now and not _failed(kept[1])}
        if question not in self._tasks:
            if len(self._tasks) >= _MOST:
                return await made()
            self._tasks[question] = (now + self._for_s, asyncio.create_task(made(), name="an answer for the dashboard"))
        task: asyncio.Task[T] = self._tasks[question][1]
        return await asyncio.shield(task)


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
