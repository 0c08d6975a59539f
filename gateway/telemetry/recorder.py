"""Takes every Record without waiting: counts it, and sends it to the journal and to the log, each at its own pace."""

import asyncio
from typing import TextIO

from gateway.core.records import Record
from gateway.telemetry.log_line import JsonLines
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.outbox import Journal, Outbox


class Recorder:
    """Implements `core.ports.Recorder`. A log that nobody reads holds up no journal, nor the other way round."""

    def __init__(self, journal: Journal, metrics: Metrics, out: TextIO | None) -> None:
        self._metrics = metrics
        self._journal = Outbox("journal", journal)
        self._outboxes = [self._journal] if out is None else [self._journal, Outbox("log", JsonLines(out))]
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

    def health(self) -> dict[str, object]:
        """The journal's, for /readyz."""
        journal = self._journal
        return {
            "ok": not journal.error,
            "waiting": journal.waiting,
            "dropped": journal.dropped,
            "error": journal.error,
        }
