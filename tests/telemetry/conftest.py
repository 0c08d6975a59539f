"""A journal in a file of its own, metrics of its own, and recorders that are closed when the test ends."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TextIO

import pytest
from recorded import Fleet, Sweep, a_policy

from gateway.stores.journal_sqlite import SqliteJournal
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.recorder import Recorder

OpenRecorder = Callable[..., Awaitable[Recorder]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(path)
    yield opened
    opened.close()


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def sweep() -> Sweep:
    return Sweep()


@pytest.fixture
def metrics(fleet: Fleet, sweep: Sweep) -> Metrics:
    return Metrics(a_policy(), fleet, sweep)


@pytest.fixture
async def a_recorder(journal: SqliteJournal, metrics: Metrics) -> AsyncIterator[OpenRecorder]:
    """`await a_recorder(out)`: started; without `out` it prints nothing."""
    async with AsyncExitStack() as stack:

        async def build(out: TextIO | None = None) -> Recorder:
            recorder = Recorder(journal, metrics, out)
            await recorder.start()
            stack.push_async_callback(recorder.aclose)
            return recorder

        yield build
