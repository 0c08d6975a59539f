"""What a collector is told of one request: a span of the gateway's own, and one of each attempt within it.

By OpenTelemetry's conventions for HTTP and for generative AI, which are in development (version 1.41 of
https://opentelemetry.io/docs/specs/semconv/gen-ai/); what they have no word for is called `gateway.…`. Never content: a
Record has none.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from gateway.core.records import Attempt, Ending, Record
from gateway.core.tracing import attempt_span_id, request_span_id
from gateway.core.types import BackendKind, BackendSpec, Endpoint

Value = str | bool | int | float | list[str]

ROUTES: Mapping[Endpoint, str] = MappingProxyType(
    {
        Endpoint.CHAT: "/v1/chat/completions",
        Endpoint.COMPLETIONS: "/v1/completions",
        Endpoint.EMBEDDINGS: "/v1/embeddings",
        Endpoint.GENERATE_ROOT: "/",
        Endpoint.GENERATE: "/generate",
        Endpoint.GENERATE_STREAM: "/generate_stream",
        Endpoint.TOKENIZE: "/tokenize",
        Endpoint.CHAT_TOKENIZE: "/chat_tokenize",
        Endpoint.UNKNOWN: "/v1/*",
    }
)
OPERATIONS: Mapping[Endpoint, str] = MappingProxyType(
    {
        Endpoint.CHAT: "chat",
        Endpoint.COMPLETIONS: "text_completion",
        Endpoint.EMBEDDINGS: "embeddings",
        Endpoint.GENERATE_ROOT: "text_completion",
        Endpoint.GENERATE: "text_completion",
        Endpoint.GENERATE_STREAM: "text_completion",
    }
)
"""`gen_ai.operation.name`; elsewhere nothing is generated, and the endpoint's own word stands for it."""
PROVIDERS: Mapping[BackendKind, str] = MappingProxyType({BackendKind.OPENAI: "openai"})
"""`gen_ai.provider.name`; where the conventions know none, the kind's own word."""

_NANOSECONDS = 1_000_000_000


class Span(NamedTuple):
    """One span, as plain values. Times are nanoseconds since the epoch; ids hexadecimal; `parent_id` "" for none."""

    name: str
    is_server: bool
    trace_id: str
    span_id: str
    parent_id: str
    started: int
    ended: int
    attributes: Mapping[str, Value]
    error: str


def spans(record: Record, backends: Mapping[str, BackendSpec]) -> list[Span]:
    """Of a Record whose trace is sampled; else none. `backends` are those of the policy in use: what it does not know
    is left out."""
    trace = record.trace
    if trace is None or not trace.is_joined or not trace.is_sampled:
        return []
    own, began = request_span_id(record.id), int(record.at * _NANOSECONDS)
    ended = began + _ns(record.outcome.total_ms)
    request = Span(
        name=f"{'POST ' if record.endpoint is not Endpoint.UNKNOWN else ''}{ROUTES[record.endpoint]}",
        is_server=True,
        trace_id=trace.trace_id,
        span_id=own,
        parent_id=trace.parent_id,
        started=began,
        ended=ended,
        attributes=_of_request(record),
        error=_error(record),
    )
    return [request, *_attempts(record, backends, own, began, ended)]


def _attempts(
    record: Record, backends: Mapping[str, BackendSpec], parent_id: str, began: int, ended: int
) -> list[Span]:
    """A failed attempt ends, as far as a Record knows, where the next begins."""
    attempts = record.outcome.attempts
    starts = [began + _ns(attempt.started_ms) for attempt in attempts]
    assert record.trace is not None
    return [
        Span(
            name=" ".join(filter(None, (_operation(record), _model(record, backends.get(attempt.backend))))),
            is_server=False,
            trace_id=record.trace.trace_id,
            span_id=attempt_span_id(record.id, number),
            parent_id=parent_id,
            started=started,
            ended=max(started, until),
            attributes=_of_attempt(record, attempt, backends.get(attempt.backend), is_last=number == len(attempts) - 1),
            error=attempt.error,
        )
        for number, (attempt, started, until) in enumerate(zip(attempts, starts, [*starts[1:], ended], strict=True))
    ]


def _of_request(record: Record) -> dict[str, Value]:
    verdict, decision, outcome = record.verdict, record.decision, record.outcome
    told: dict[str, Value | None] = {
        "http.route": ROUTES[record.endpoint],
        "http.request.method": "POST" if record.endpoint is not Endpoint.UNKNOWN else None,
        "http.response.status_code": outcome.status or None,
        "error.type": _error(record) or None,
        "gateway.request_id": record.id,
        "gateway.decision_id": record.decision_id,
        "gateway.caller": record.caller.id,
        "gateway.team": record.caller.team or None,
        "gateway.rule": decision.rule,
        "gateway.sensitivity": verdict.sensitivity.label,
        "gateway.complexity.tier": verdict.tier.label,
        "gateway.task": str(verdict.task),
        "gateway.complexity.score": round(verdict.complexity, 3),
        "gateway.backend": record.backend or None,
        "gateway.zone": record.zone or None,
        "gateway.ending": str(outcome.ending),
        "gateway.excluded": [f"{backend}={exclusion.veto}" for backend, exclusion in decision.excluded] or None,
        "gateway.masked": list(record.masked) or None,
        "gateway.cost.nano_usd": outcome.cost,
        "gateway.policy.digest": decision.policy_digest,
    }
    return {name: value for name, value in told.items() if value is not None}


def _of_attempt(record: Record, attempt: Attempt, spec: BackendSpec | None, *, is_last: bool) -> dict[str, Value]:
    usage = record.outcome.usage if is_last and not attempt.error else None
    host, _, port = attempt.replica.rpartition(":")
    told: dict[str, Value | None] = {
        **operation_attributes(record, spec),
        "gen_ai.request.max_tokens": record.max_tokens,
        "gen_ai.request.stream": record.stream or None,
        "gen_ai.usage.input_tokens": None if usage is None else usage.prompt_tokens,
        "gen_ai.usage.output_tokens": None if usage is None else usage.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": None if usage is None else usage.cached_tokens or None,
        "gen_ai.usage.reasoning.output_tokens": None if usage is None else usage.reasoning_tokens or None,
        "gen_ai.response.time_to_first_chunk": _seconds(attempt.first_byte_ms) if record.stream else None,
        "server.address": host or None,
        "server.port": int(port) if host and port.isdigit() else None,
        "error.type": attempt.error or None,
        "gateway.backend": attempt.backend,
        "gateway.zone": None if spec is None else spec.zone.name,
    }
    return {name: value for name, value in told.items() if value is not None}


def operation_attributes(record: Record, spec: BackendSpec | None) -> dict[str, Value]:
    """What every figure and every attempt is told with: few different values, all of them the policy's."""
    told = {"gen_ai.operation.name": _operation(record)}
    if spec is not None:
        told["gen_ai.provider.name"] = PROVIDERS.get(spec.kind, str(spec.kind))
    model = _model(record, spec)
    return {**told, "gen_ai.request.model": model} if model else {**told}


def _operation(record: Record) -> str:
    return OPERATIONS.get(record.endpoint, str(record.endpoint))


def _model(record: Record, spec: BackendSpec | None) -> str:
    return ("" if spec is None else spec.model_for(record.endpoint)) or ""


def _error(record: Record) -> str:
    """The gateway's own failures, and what it could not finish: that a client left, or was wrong, is no error here."""
    outcome = record.outcome
    if outcome.ending is Ending.ABANDONED or 400 <= outcome.status < 500:
        return ""
    return outcome.code


def _ns(milliseconds: float) -> int:
    return int(milliseconds * 1_000_000)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
