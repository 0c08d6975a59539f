"""Spans and figures to an OpenTelemetry collector over OTLP, where the standard variables name one.

Everything here runs in an outbox's thread. What cannot be delivered waits in its bounded queue and is then dropped and
counted; no request ever waits for it. The SDK reads its other variables itself: headers, timeouts, resource and so on.
"""

import importlib
import importlib.util
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.core.collector import Collector
from gateway.core.errors import JournalUnavailable
from gateway.core.records import Ending, Record
from gateway.core.types import BackendSpec
from gateway.telemetry.recorder import Telling
from gateway.telemetry.spans import Span, operation_attributes, spans

SCHEMA = "https://opentelemetry.io/schemas/1.41.0"
MISSING = (
    "a collector is named by `OTEL_EXPORTER_OTLP_…`, but OpenTelemetry is not installed, so it is told nothing; run "
    "`pip install 'hybrid-gateway[otel]'`, or set `OTEL_SDK_DISABLED=true`"
)
DURATIONS_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))
"""Upper bounds of the histograms' buckets, as the conventions say."""

Backends = Callable[[], Mapping[str, BackendSpec]]


def tellings(collector: Collector, backends: Backends, say: Callable[[str], None]) -> dict[str, Telling]:
    """What the collector is told, by the word that metrics have for it. Where that cannot be, `say` hears why."""
    if collector and not _is_installed():
        say(MISSING)
        return {}
    told: dict[str, Telling] = {}
    if collector.traces_url:
        told["traces"] = Spans(collector.traces_url, backends)
    if collector.figures_url:
        told["figures"] = Figures(collector.figures_url, backends)
    return told


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


class Spans:
    """Tells a collector of each request and of its attempts; implements `telemetry.outbox.Journal`."""

    def __init__(self, url: str, backends: Backends) -> None:
        self._backends = backends
        self._sdk = _Sdk()
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        self._exporter = otlp.OTLPSpanExporter(url)

    def write(self, records: Sequence[Record]) -> None:
        backends = self._backends()
        batch = [self._sdk.span(span) for record in records for span in spans(record, backends)]
        if batch and self._exporter.export(batch).name != "SUCCESS":
            raise JournalUnavailable(
                "the collector takes no traces; look at `OTEL_EXPORTER_OTLP_ENDPOINT` and at the collector"
            )

    def close(self) -> None:
        self._exporter.shutdown()


class Figures:
    """Tells a collector how long operations took and what they used; implements `telemetry.outbox.Journal`."""

    def __init__(self, url: str, backends: Backends) -> None:
        self._backends = backends
        sdk = importlib.import_module("opentelemetry.sdk.metrics")
        export = importlib.import_module("opentelemetry.sdk.metrics.export")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.metric_exporter")
        reader = export.PeriodicExportingMetricReader(otlp.OTLPMetricExporter(url))
        self._provider = sdk.MeterProvider([reader], _Sdk().resource, shutdown_on_exit=False)
        meter = self._provider.get_meter("hybrid-gateway", schema_url=SCHEMA)

        def histogram(name: str, unit: str, meaning: str, bounds: Sequence[float]) -> Any:
            return meter.create_histogram(name, unit, meaning, explicit_bucket_boundaries_advisory=bounds)

        self._seconds = histogram("gen_ai.client.operation.duration", "s", "GenAI operation duration", DURATIONS_S)
        self._tokens = histogram("gen_ai.client.token.usage", "{token}", "Tokens used, by type", TOKENS)
        self._first = histogram(
            "gen_ai.client.operation.time_to_first_chunk", "s", "From sending to the first chunk", DURATIONS_S
        )
        self._cost = meter.create_counter("gateway.cost", "{nano_usd}", "What answers cost, where the price is known")

    def write(self, records: Sequence[Record]) -> None:
        backends = self._backends()
        for record in records:
            self._count(record, operation_attributes(record, backends.get(record.backend)))

    def close(self) -> None:
        self._provider.shutdown(timeout_millis=2_000)

    def _count(self, record: Record, attributes: Mapping[str, Any]) -> None:
        outcome = record.outcome
        failed = {"error.type": outcome.code or "unknown"} if outcome.ending is not Ending.COMPLETED else {}
        self._seconds.record(outcome.total_ms / 1000, {**attributes, **failed})
        if outcome.usage is not None:
            self._tokens.record(outcome.usage.prompt_tokens, {**attributes, "gen_ai.token.type": "input"})
            self._tokens.record(outcome.usage.completion_tokens, {**attributes, "gen_ai.token.type": "output"})
        if record.stream and outcome.attempts and outcome.attempts[-1].first_byte_ms is not None:
            self._first.record(outcome.attempts[-1].first_byte_ms / 1000, attributes)
        if outcome.cost is not None:
            self._cost.add(outcome.cost, attributes)


class _Sdk:
    """What of the SDK turns a plain span into one of its own."""

    def __init__(self) -> None:
        resources = importlib.import_module("opentelemetry.sdk.resources")
        named = resources.OTELResourceDetector().detect()
        ours = {"service.name": "hybrid-gateway", "service.instance.id": uuid.uuid4().hex}
        self.resource = resources.Resource.create(ours).merge(named)
        self._scope = importlib.import_module("opentelemetry.sdk.util.instrumentation").InstrumentationScope(
            "hybrid-gateway", schema_url=SCHEMA
        )
        self._trace = importlib.import_module("opentelemetry.trace")
        self._readable = importlib.import_module("opentelemetry.sdk.trace").ReadableSpan

    def span(self, span: Span) -> Any:
        trace = self._trace
        code = trace.StatusCode.ERROR if span.error else trace.StatusCode.UNSET
        return self._readable(
            span.name,
            context=self._place(span.trace_id, span.span_id, is_remote=False),
            parent=self._place(span.trace_id, span.parent_id, is_remote=span.is_server) if span.parent_id else None,
            resource=self.resource,
            attributes=span.attributes,
            kind=trace.SpanKind.SERVER if span.is_server else trace.SpanKind.CLIENT,
            status=trace.Status(code),
            start_time=span.started,
            end_time=span.ended,
            instrumentation_scope=self._scope,
        )

    def _place(self, trace_id: str, span_id: str, *, is_remote: bool) -> Any:
        trace = self._trace
        return trace.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, trace.TraceFlags(1))
