"""Sums of a journal's records, kept beside them: what a dashboard shows of a million requests without reading them.

INVARIANT: at any moment they are what summing the records would give; both are written in one transaction.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gateway.core.records import Record
from gateway.core.types import Sensitivity, Tier

SPAN_S = 600
"""Sums are kept for each ten minutes of the clock."""
_LARGEST = 2**63 - 1
_LONGEST_CODE = 64
_LATEST = 2.0**40  # seconds: no clock shows it

_ANSWERED = ("span", "sensitivity", "tier", "rule", "backend", "zone", "ending", "code")
_ANSWERED_SUMS = ("requests", "prompt_tokens", "completion_tokens", "cached_tokens", "priced", "cost_nano", "total_ms")
_SENT = ("span", "sensitivity", "backend", "zone", "error")
_SENT_SUMS = ("attempts", "masked", "tokens", "first_bytes", "first_byte_ms", "charged_nano")
_STRUCK = ("span", "sensitivity", "backend", "veto")
_STRUCK_SUMS = ("requests",)
TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "answered": (_ANSWERED, _ANSWERED_SUMS),
    "sent": (_SENT, _SENT_SUMS),
    "struck": (_STRUCK, _STRUCK_SUMS),
}
"""By table: what its sums are kept by, and the sums. `answered` counts each request once, `sent` each attempt by the
class of what was sent, `struck` each backend that a veto struck out of a request's routes."""

SCHEMA = tuple(
    f"CREATE TABLE rolled_{name} ({', '.join(f'{key} NOT NULL' for key in keys)}, "
    f"{', '.join(f'{total} INTEGER NOT NULL' for total in totals)}, PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID"
    for name, (keys, totals) in TABLES.items()
)
Key = tuple[str | int, ...]
_SENSITIVITIES = tuple(level.label for level in Sensitivity)
_TIERS = tuple(tier.label for tier in Tier)


def rolled_up(records: Iterable[Record]) -> Mapping[str, Mapping[Key, Sequence[int]]]:
    """By table and key: the sums."""
    sums: dict[str, dict[Key, list[int]]] = {name: _zeros(len(totals)) for name, (_, totals) in TABLES.items()}
    for record in records:
        span = int(max(0.0, min(record.at, _LATEST)) // SPAN_S) * SPAN_S
        _add_answered(sums["answered"], span, record)
        _add_sent(sums["sent"], span, record)
        for backend, exclusion in record.decision.excluded:
            sums["struck"][span, _SENSITIVITIES[record.verdict.sensitivity], backend, exclusion.veto.value][0] += 1
    return sums


def add(writer: sqlite3.Connection, records: Iterable[Record]) -> None:
    """In the transaction that is open."""
    for name, sums in rolled_up(records).items():
        writer.executemany(
            _UPSERTS[name], [(*key, *(max(0, min(each, _LARGEST)) for each in some)) for key, some in sums.items()]
        )


def _zeros(width: int) -> dict[Key, list[int]]:
    return defaultdict(lambda: [0] * width)


def _add_answered(sums: dict[Key, list[int]], span: int, record: Record) -> None:
    verdict, outcome, usage = record.verdict, record.outcome, record.outcome.usage
    key = (
        span,
        _SENSITIVITIES[verdict.sensitivity],
        _TIERS[verdict.tier],
        record.decision.rule,
        record.backend,
        record.zone,
        outcome.ending.value,
        outcome.code[:_LONGEST_CODE],
    )
    some = sums[key]
    some[0] += 1
    if usage is not None:
        some[1] += usage.prompt_tokens
        some[2] += usage.completion_tokens
        some[3] += usage.cached_tokens
    if outcome.cost is not None:
        some[4] += 1
        some[5] += outcome.cost
    some[6] += int(outcome.total_ms)


def _add_sent(sums: dict[Key, list[int]], span: int, record: Record) -> None:
    usage, masked = record.outcome.usage, record.masked_classes() if record.maskings else {}
    for attempt in record.outcome.attempts:
        sensitivity = masked.get(attempt.backend, record.verdict.sensitivity)
        some = sums[span, _SENSITIVITIES[sensitivity], attempt.backend, attempt.zone, attempt.error]
        some[0] += 1
        some[1] += attempt.backend in masked
        if not attempt.error and usage is not None:
            some[2] += usage.prompt_tokens + usage.completion_tokens
        if attempt.first_byte_ms is not None:
            some[3] += 1
            some[4] += int(attempt.first_byte_ms)
        some[5] += attempt.charged or 0


def _upsert(name: str) -> str:
    keys, totals = TABLES[name]
    columns = (*keys, *totals)
    adding = ", ".join(f"{each} = min({each} + excluded.{each}, {_LARGEST})" for each in totals)
    return (
        f"INSERT INTO rolled_{name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT DO UPDATE SET {adding}"
    )


_UPSERTS: Mapping[str, str] = {name: _upsert(name) for name in TABLES}
