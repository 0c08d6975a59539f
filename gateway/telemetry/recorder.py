"""Takes every Record without waiting: counts it, and sends it to the journal and to the log, each at its own pace."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol, TextIO

from gateway.core.records import Record
from gateway.telemetry.log_line import JsonLines
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.outbox import Journal, Outbox


class Telling(Journal, Protocol):
    """A journal with a connection to close."""

    def close(self) -> None: ...


EMPTY: Mapping[str, Telling] = MappingProxyType({})
MOST_TOLD = 10_000
"""Records that wait for a collector, each: it may be away for long, and is owed less than the journal."""


class Recorder:
    """Implements `core.ports.Recorder`. A log that nobody reads holds up no journal, nor the other way round."""

    def __init__(
        self, journal: Journal, metrics: Metrics, out: TextIO | None, told: Mapping[str, Telling] = EMPTY
    ) -> None:
        """`told`: what a collector hears, by the word that metrics have for it."""
        self._metrics = metrics
        self._journal = Outbox("journal", journal)
        self._told = told
        self._outboxes = [self._journal, *(Outbox(name, telling, MOST_TOLD) for name, telling in told.items())]
        if out is not None:
            self._outboxes.append(Outbox("log", JsonLines(out)))
        for outbox in self._outboxes:
            metrics.watch(outbox)

    def record(self, record: Record) -> None:
        for outbox in self._outboxes:
            outbox.put(record)
        self._metrics.count(record)

    async def start(self) -> None:
        for outbox in self._outboxes:
            outbox.start()

    async def flushed(self) -> None:
        """Returns when everything recorded so far is in the journal and in the log."""
        await asyncio.gather(*(outbox.flushed() for outbox in self._outboxes))

    async def aclose(self) -> None:
        await asyncio.gather(*(outbox.aclose() for outbox in self._outboxes))
        await asyncio.gather(*(asyncio.to_thread(telling.close) for telling in self._told.values()))

    def health(self) -> dict[str, object]:
        """The journal's, for /readyz."""
        journal = self._journal
        return {
            "ok": not journal.error,
            "waiting": journal.waiting,
            "dropped": journal.dropped,
            "error": journal.error,
        }
