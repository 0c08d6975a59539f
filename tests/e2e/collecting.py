"""A collector of OpenTelemetry's as far as OTLP over HTTP goes; it shows what it is sent as plain values."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Told(NamedTuple):
    """One span as it was sent."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    started: int
    ended: int
    attributes: dict[str, Any]
    is_error: bool


class Collector:
    """What it has been told so far; `raw` is every byte of it."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Told] = []
        self.resources: list[dict[str, Any]] = []
        self.schemas: set[str] = set()
        self.figures: dict[str, list[tuple[dict[str, Any], Any]]] = {}
        self.raw = b""
        self.status = 200

    async def traces(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await self._body(request))
        for group in sent.resource_spans if self.status == 200 else ():
            self.resources.append(attributes(group.resource.attributes))
            for scope in group.scope_spans:
                self.schemas.add(scope.schema_url)
                self.spans += [told(span) for span in scope.spans]
        return web.Response(status=self.status)

    async def metrics(self, request: web.Request) -> web.Response:
        sent = ExportMetricsServiceRequest.FromString(await self._body(request))
        for group in sent.resource_metrics:
            for metric in (each for scope in group.scope_metrics for each in scope.metrics):
                points = metric.histogram.data_points or metric.sum.data_points
                self.figures[metric.name] = [(attributes(point.attributes), point) for point in points]
        return web.Response(status=self.status)

    async def heard(self, claim: Callable[["Collector"], bool], within_s: float = 20) -> None:
        """Returns when it is so; looks again at every turn of the loop."""
        async with asyncio.timeout(within_s):
            while not claim(self):
                await asyncio.sleep(0.01)

    async def _body(self, request: web.Request) -> bytes:
        body = await request.read()
        plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        self.raw += plain
        return plain


def attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: value(pair.value) for pair in pairs}


def value(told: Any) -> Any:
    kind = told.WhichOneof("value")
    return [value(each) for each in told.array_value.values] if kind == "array_value" else getattr(told, kind)


def told(span: Any) -> Told:
    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
    times = span.start_time_unix_nano, span.end_time_unix_nano
    return Told(span.name, span.kind, *ids, *times, attributes(span.attributes), span.status.code == 2)


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/traces", collector.traces)
    app.router.add_post("/v1/metrics", collector.metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    collector.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    yield collector
    await runner.cleanup()
