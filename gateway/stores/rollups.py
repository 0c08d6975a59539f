"""Sums of a journal's records, kept beside them: what a dashboard shows of a million requests without reading them.

INVARIANT: at any moment they are what summing the records would give; both are written in one transaction.
"""

import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping

from gateway.core.records import Record
from gateway.core.types import Sensitivity, Tier

SPAN_S = 600
"""Sums are kept for each ten minutes of the clock."""
DAY_S = 86_400
"""And once more for each day (UTC), so that a month costs no more to look at than a day."""
PERCENT = 2
"""Scores are counted in steps of so many hundredths."""
_LARGEST = 2**63 - 1
LONGEST_CODE = 64
LATEST = 2.0**40  # seconds: no clock shows it
_LONGEST_MS = 2.0**30

TOTAL, FIRST_BYTE = "total", "first_byte"
_ANSWERED = ("span", "sensitivity", "tier", "rule", "backend", "zone", "ending", "code")
_ANSWERED_SUMS = ("requests", "prompt_tokens", "completion_tokens", "cached_tokens", "priced", "cost_nano", "total_ms")
_SENT = ("span", "sensitivity", "backend", "zone", "error")
_SENT_SUMS = ("attempts", "masked", "tokens", "first_bytes", "first_byte_ms", "charged_nano")
TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "answered": (_ANSWERED, _ANSWERED_SUMS),
    "sent": (_SENT, _SENT_SUMS),
    "struck": (("span", "sensitivity", "backend", "veto"), ("requests",)),
    "timed": (("span", "backend", "what", "up_to_ms"), ("times",)),
    "scored": (("span", "tier", "percent"), ("requests",)),
}
"""By table: what its sums are kept by, and the sums. `answered` counts each request once, `sent` each attempt by the
class of what was sent, `struck` each backend that a veto struck out of a request's routes; `timed` counts whole answers
(`total`) and first bytes in bins that are half as wide as their end, `scored` requests by their complexity."""

LEVELS: Mapping[str, int] = {"": SPAN_S, "_day": DAY_S}
"""By the ending of a table's name: the seconds that a row of it sums up."""

Key = tuple[str | int, ...]
Sums = dict[str, dict[Key, list[int]]]
_SENSITIVITIES = tuple(level.label for level in Sensitivity)
_TIERS = tuple(tier.label for tier in Tier)


def _table(name: str, level: str) -> str:
    keys, totals = TABLES[name]
    columns = ", ".join([*(f"{key} NOT NULL" for key in keys), *(f"{total} INTEGER NOT NULL" for total in totals)])
    return f"CREATE TABLE rolled_{name}{level} ({columns}, PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID"


SCHEMA = tuple(_table(name, level) for name in TABLES for level in LEVELS)
ANEW = (*(f"DROP TABLE IF EXISTS rolled_{name}{level}" for name in TABLES for level in LEVELS), *SCHEMA)
"""What empties them, of whatever version they were."""


def rolled_up(records: Iterable[Record]) -> Sums:
    """By table and key: the sums of each ten minutes."""
    sums: Sums = {name: _zeros(len(totals)) for name, (_, totals) in TABLES.items()}
    for record in records:
        span = int(max(0.0, min(record.at, LATEST)) // SPAN_S) * SPAN_S
        _add_answered(sums["answered"], span, record)
        _add_sent(sums["sent"], span, record)
        _add_timed(sums["timed"], span, record)
        verdict = record.verdict
        sums["scored"][span, _TIERS[verdict.tier], percent_of(verdict.complexity)][0] += 1
        for backend, exclusion in record.decision.excluded:
            sums["struck"][span, _SENSITIVITIES[verdict.sensitivity], backend, exclusion.veto.value][0] += 1
    return sums


def by_day(sums: Sums) -> Sums:
    """The same for each day."""
    days: Sums = {name: _zeros(len(totals)) for name, (_, totals) in TABLES.items()}
    for name, rows in sums.items():
        for (span, *rest), some in rows.items():
            day = days[name][int(span) // DAY_S * DAY_S, *rest]
            day[:] = [had + more for had, more in zip(day, some, strict=True)]
    return days


def add(writer: sqlite3.Connection, records: Iterable[Record]) -> None:
    """In the transaction that is open."""
    fine = rolled_up(records)
    for level, sums in (("", fine), ("_day", by_day(fine))):
        for name, rows in sums.items():
            values = [(*key, *(max(0, min(each, _LARGEST)) for each in some)) for key, some in rows.items()]
            writer.executemany(_UPSERTS[name, level], values)


def percent_of(score: float) -> int:
    """The lower end of the step that a score of 0 to 1 falls into, in hundredths."""
    return int(max(0.0, min(score, 1.0)) * 100 / PERCENT + 1e-9) * PERCENT if score == score else 0


def up_to_ms(took: float) -> int:
    """The end of the bin that a duration falls into: 1, 2, 3, 4, 6, 8, 11, 16 ... ms."""
    return math.ceil(2 ** (math.ceil(2 * math.log2(max(1.0, min(took, _LONGEST_MS)))) / 2))


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
        outcome.code[:LONGEST_CODE],
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


def _add_timed(sums: dict[Key, list[int]], span: int, record: Record) -> None:
    if record.backend:
        sums[span, record.backend, TOTAL, up_to_ms(record.outcome.total_ms)][0] += 1
    for attempt in record.outcome.attempts:
        if attempt.first_byte_ms is not None:
            sums[span, attempt.backend, FIRST_BYTE, up_to_ms(attempt.first_byte_ms)][0] += 1


def _upsert(name: str, level: str) -> str:
    keys, totals = TABLES[name]
    columns = (*keys, *totals)
    adding = ", ".join(f"{each} = min({each} + excluded.{each}, {_LARGEST})" for each in totals)
    return (
        f"INSERT INTO rolled_{name}{level} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT DO UPDATE SET {adding}"
    )


_UPSERTS: Mapping[tuple[str, str], str] = {(name, level): _upsert(name, level) for name in TABLES for level in LEVELS}
