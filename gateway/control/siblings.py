"""The workers of one address ask each other: what do you serve, what have you counted, read the policy file now."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

PATIENCE_S = 1.0
"""How long a worker is waited for. One that does not answer is said to be missing."""


class Question(StrEnum):
    """Everything that is asked."""

    STATE = "state"
    METRICS = "metrics"
    RELOAD = "reload"  # and then the state


class Seat(NamedTuple):
    """The place of one worker among `of`, numbered from 1, and the folder that only they can read."""

    folder: Path
    number: int
    of: int

    def door(self, number: int) -> Path:
        return self.folder / f"worker-{number}"


class Siblings:
    """Owns the socket at which the others ask. Without a seat there are no others."""

    def __init__(self, seat: Seat | None, answers: Mapping[Question, Callable[[], Awaitable[bytes]]]) -> None:
        self.seat = seat
        self._answers = answers
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        if self.seat is not None:
            door = self.seat.door(self.seat.number)
            door.unlink(missing_ok=True)  # of the one before, which died
            self._server = await asyncio.start_unix_server(self._answer, door)

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()

    async def ask(self, question: Question) -> dict[int, bytes | None]:
        """What each of the others answers, by its number; None: nothing in time."""
        if self.seat is None:
            return {}
        others = [number for number in range(1, self.seat.of + 1) if number != self.seat.number]
        answers = await asyncio.gather(*(_asked(self.seat.door(number), question) for number in others))
        return dict(zip(others, answers, strict=True))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            question = (await reader.readline()).decode(errors="replace").strip()
            if question in self._answers:
                writer.write(await self._answers[Question(question)]())
                await writer.drain()


async def _asked(door: Path, question: Question) -> bytes | None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_unix_connection(door)
            with contextlib.closing(writer):
                writer.write(f"{question}\n".encode())
                return await reader.read() or None
    except (OSError, TimeoutError):
        return None
