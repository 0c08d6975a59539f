"""One flat line of JSON per request, made from its Record, for whoever collects standard output."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TextIO

import msgspec

from gateway.core.errors import JournalUnavailable
from gateway.core.labels import Task
from gateway.core.money import NanoUSD, dollars
from gateway.core.records import Attempt, Ending, Record
from gateway.core.shadow import Shadow
from gateway.core.types import Basis, Endpoint, Veto


class Try(msgspec.Struct, frozen=True):
    """One attempt, as the line tells it."""

    backend: str
    replica: str
    first_byte_ms: float | None
    error: str


class Copied(msgspec.Struct, frozen=True):
    """What became of a copy, as the line tells it."""

    backend: str
    status: int
    error: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: msgspec.Raw
    total_ms: float


class LogLine(msgspec.Struct, frozen=True):
    """The keys of a line, in order; docs/metrics.md says what each means, and a test holds the two equal."""

    at: datetime
    id: str
    decision_id: str
    trace_id: str
    caller: str
    team: str
    endpoint: Endpoint
    model: str
    stream: bool
    sensitivity: str
    basis: Basis
    tier: str
    complexity: float
    task: Task
    findings: Mapping[str, int]
    unknown: tuple[str, ...]
    rule: str
    backend: str
    zone: str
    masked: tuple[str, ...]
    spilled_from: str
    excluded: Mapping[str, Veto]
    attempts: tuple[Try, ...]
    ending: Ending
    status: int
    code: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: msgspec.Raw
    total_ms: float
    shadow: Copied | None
    policy: str


_NULL = msgspec.Raw(b"null")
_DIGITS = 12  # of the policy's digest

_encode_lines = msgspec.json.Encoder().encode_lines


class JsonLines:
    """Prints Records. A line may come twice where printing broke off half-way."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, records: Sequence[Record]) -> None:
        text = _encode_lines([log_line(record) for record in records]).decode()
        try:
            self._out.write(text)
            self._out.flush()
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise JournalUnavailable(f"the log cannot be written: {reason}; look who reads standard output") from None


def log_line(record: Record) -> LogLine:
    verdict, decision, outcome, usage = record.verdict, record.decision, record.outcome, record.outcome.usage
    return LogLine(
        at=datetime.fromtimestamp(record.at, UTC),
        id=record.id,
        decision_id=record.decision_id,
        trace_id="" if record.trace is None else record.trace.trace_id,
        caller=record.caller.id,
        team=record.caller.team,
        endpoint=record.endpoint,
        model=record.model,
        stream=record.stream,
        sensitivity=verdict.sensitivity.label,
        basis=verdict.basis,
        tier=verdict.tier.label,
        complexity=round(verdict.complexity, 3),
        task=verdict.task,
        findings={finding.kind: finding.count for finding in verdict.findings},
        unknown=verdict.unknown,
        rule=decision.rule,
        backend=record.backend,
        zone=record.zone,
        masked=record.masked,
        spilled_from=decision.spilled_from,
        excluded={backend: exclusion.veto for backend, exclusion in decision.excluded},
        attempts=tuple(_try(attempt) for attempt in outcome.attempts),
        ending=outcome.ending,
        status=outcome.status,
        code=outcome.code,
        prompt_tokens=None if usage is None else usage.prompt_tokens,
        completion_tokens=None if usage is None else usage.completion_tokens,
        cost_usd=_usd(outcome.cost),
        total_ms=round(outcome.total_ms, 1),
        shadow=None if record.shadow is None else _copied(record.shadow),
        policy=decision.policy_digest[:_DIGITS],
    )


def _usd(cost: NanoUSD | None) -> msgspec.Raw:
    return _NULL if cost is None else msgspec.Raw(dollars(cost).encode())


def _copied(shadow: Shadow) -> Copied:
    return Copied(
        backend=shadow.backend,
        status=shadow.status,
        error=shadow.error,
        prompt_tokens=shadow.prompt_tokens,
        completion_tokens=shadow.completion_tokens,
        cost_usd=_usd(shadow.cost),
        total_ms=round(shadow.total_ms, 1),
    )


def _try(attempt: Attempt) -> Try:
    waited = attempt.first_byte_ms
    return Try(attempt.backend, attempt.replica, None if waited is None else round(waited, 1), attempt.error)
