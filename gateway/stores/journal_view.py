"""Looking into a journal that is being written: its sums over a stretch of time, its records by what became of them.

Blocking, so it is called off the event loop. Each question has a connection of its own, which cannot write.
"""

import math
import sqlite3
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from gateway.core.errors import JournalUnavailable
from gateway.core.records import Record
from gateway.stores.rollups import DAY_S, LATEST, LONGEST_CODE, SPAN_S, TABLES

FILTERS = ("sensitivity", "tier", "rule", "backend", "zone", "ending", "code", "caller", "team", "endpoint")
"""Columns that records can be chosen by."""
MOST = 200
PATIENCE_S = 0.15
"""How long records are looked for; what is found by then is a page, from which the next goes on."""
_SUMMED = FILTERS[:7]
"""Those that sums are kept by too, so that stretches without any such record need not be read."""
_DAYS_FROM_S, _HOURS_FROM_S = 14 * DAY_S, 2 * DAY_S
_LARGEST = 2**63 - 1
_decode = msgspec.json.Decoder(Record).decode

Row = Mapping[str, str | int]
Rows = Sequence[Row]
BY_ALL: Mapping[str, Sequence[str]] = {name: keys[1:] for name, (keys, _) in TABLES.items()}


class Page(msgspec.Struct, frozen=True):
    """Records, the newest first, and the place where the next page begins; `after` "": there is none."""

    records: tuple[Record, ...]
    after: str


class Timeline(msgspec.Struct, frozen=True):
    """`step_s`: the seconds that a row sums up."""

    step_s: int
    rows: Sequence[Row]


class Wanted(msgspec.Struct, frozen=True):
    """Which records: those whose columns (of `FILTERS`) have these values, accepted from `since` to before `until`."""

    chosen: Mapping[str, str]
    since: float = 0.0
    until: float = math.inf


class Fresh(msgspec.Struct, frozen=True):
    """What was written since a place: where that ends, how many requests went which way, the newest of them."""

    last: int
    flow: Sequence[Row]
    newest: tuple[Record, ...]


class JournalView:
    """Raises JournalUnavailable where the journal cannot be read now."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sums(self, since: float, until: float, wanted: Mapping[str, Sequence[str]] = BY_ALL) -> Mapping[str, Rows]:
        """By table of the rollups: its sums by those of its keys that are `wanted`, over all spans of ten minutes that
        begin in [since, until)."""
        with self._connected() as connection:
            return {name: _added(connection, name, keys, since, until) for name, keys in wanted.items()}

    def timeline(self, since: float, until: float) -> Timeline:
        """Requests, tokens and cost of each step, by backend; longer steps for a longer time."""
        longer = DAY_S if until - since > _DAYS_FROM_S else 3_600
        step = SPAN_S if until - since <= _HOURS_FROM_S else longer
        with self._connected() as connection:
            return Timeline(step, _stepped(connection, step, since, until))

    def page(self, wanted: Wanted, after: str, limit: int) -> Page:
        """Those older than the place `after`. Stretches without any are skipped by the sums; raises ValueError for a
        place that is none."""
        at, seq = _place(after)
        most, until = max(1, min(limit, MOST)), time.monotonic() + PATIENCE_S
        found: list[tuple[int, float, str]] = []
        with self._connected() as connection:
            for span in _spans(connection, wanted, min(at, wanted.until)):
                found += _of_span(connection, wanted, span, (at, seq), most + 1 - len(found))
                if len(found) > most:
                    break
                if time.monotonic() > until and span > 0:
                    return Page(tuple(_decode(text) for _, _, text in found), f"{float(span)!r}:{-1}")
        shown = found[:most]
        last = f"{shown[-1][1]!r}:{shown[-1][0]}" if len(found) > most else ""
        return Page(tuple(_decode(text) for _, _, text in shown), last)

    def last(self) -> int:
        """The place of the newest record; 0: there is none."""
        with self._connected() as connection:
            found: int = connection.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()[0]
        return found

    def fresh(self, after: int, most: int) -> Fresh:
        """What was written since the place `after`, whoever wrote it; at most `most` records themselves."""
        keys = ("sensitivity", "rule", "backend", "ending")
        order = ", ".join(keys)
        with self._connected() as connection:
            connection.execute("BEGIN")  # both questions are asked of the same moment
            rows = connection.execute(
                f"SELECT {order}, count(*), max(seq) FROM records WHERE seq > ? GROUP BY {order}", (after,)
            ).fetchall()
            newest = connection.execute(
                "SELECT record FROM records WHERE seq > ? ORDER BY seq DESC LIMIT ?", (after, most)
            ).fetchall()
        flow = [dict(zip((*keys, "requests"), row, strict=False)) for row in rows]
        last = max((row[-1] for row in rows), default=after)
        return Fresh(last, flow, tuple(_decode(text) for (text,) in newest))

    def newest(self, since: float, most: int) -> Generator[Record]:
        """At most `most` records accepted at `since` or later, the newest first; read as they are asked for."""
        with self._connected() as connection:
            query = "SELECT record FROM records WHERE at >= ? ORDER BY at DESC LIMIT ?"
            for (text,) in connection.execute(query, (since, most)):
                yield _decode(text)

    def count(self, since: float) -> int:
        """Of the records accepted at `since` or later."""
        with self._connected() as connection:
            found: int = connection.execute("SELECT count(*) FROM records WHERE at >= ?", (since,)).fetchone()[0]
        return found

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise JournalUnavailable(f"the journal `{self._path}` cannot be read: {str(error).lower()}") from None


def _added(connection: sqlite3.Connection, name: str, keys: Sequence[str], since: float, until: float) -> Sequence[Row]:
    """Whole days from the sums of days, what is left at both ends from those of ten minutes. Integers only: a sum
    beyond what SQLite counts in is an error there, and cut off before."""
    totals = TABLES[name][1]
    first, last = int(since // SPAN_S) * SPAN_S, max(0, math.ceil(min(until, LATEST)))
    day, end = -(-first // DAY_S) * DAY_S, last // DAY_S * DAY_S
    columns = ", ".join((*keys, *totals))
    table = f"SELECT {columns} FROM rolled_{name}"
    parts, bounds = [f"{table} WHERE span >= ? AND span < ?"], [first, last]
    if day < end:
        parts = [f"{table}_day WHERE span >= ? AND span < ?", *parts, *parts]
        bounds = [day, end, first, day, end, last]
    sums = ", ".join(f"sum({total})" for total in totals)
    order = ", ".join(keys)
    query = f"SELECT {order}, {sums} FROM ({' UNION ALL '.join(parts)}) GROUP BY {order} ORDER BY {order}"
    return [dict(zip((*keys, *totals), row, strict=True)) for row in connection.execute(query, bounds)]


def _stepped(connection: sqlite3.Connection, step: int, since: float, until: float) -> Sequence[Row]:
    totals = ("requests", "prompt_tokens", "completion_tokens", "cost_nano")
    level = "_day" if step == DAY_S else ""
    sums = ", ".join(f"sum({total})" for total in totals)
    query = (
        f"SELECT span / {step} * {step} AS step, backend, {sums} FROM rolled_answered{level} "
        "WHERE span >= ? AND span < ? GROUP BY step, backend ORDER BY step, backend"
    )
    rows = connection.execute(query, (int(since // step) * step, min(until, LATEST)))
    return [dict(zip(("span", "backend", *totals), row, strict=True)) for row in rows]


def _place(after: str) -> tuple[float, int]:
    if not after:
        return math.inf, 0
    at, _, seq = after.partition(":")
    if abs(int(seq)) > _LARGEST:
        raise ValueError("beyond what rows are numbered with")
    return float(at), int(seq)


def _spans(connection: sqlite3.Connection, wanted: Wanted, latest: float) -> Iterator[int]:
    """The ten minutes in which there is such a record as far as the sums can say, the latest first. Sums outlive the
    records that they are of, so it ends at the oldest of these."""
    (oldest,) = connection.execute("SELECT min(at) FROM records").fetchone()
    if oldest is None:
        return
    summed = {name: value for name, value in wanted.chosen.items() if name in _SUMMED}
    where = "".join(f" AND {name} = ?" for name in summed)
    values = [value[:LONGEST_CODE] if name == "code" else value for name, value in summed.items()]
    query = "SELECT DISTINCT span FROM rolled_answered{} WHERE span BETWEEN ? AND ?" + where + " ORDER BY span DESC"
    last, first = max(-1.0, min(latest, LATEST)), max(0.0, min(max(wanted.since, oldest), LATEST))
    for (day,) in connection.execute(query.format("_day"), (first // DAY_S * DAY_S, last, *values)):
        bounds = (max(day, first // SPAN_S * SPAN_S), min(last, day + DAY_S - 1))
        for (span,) in connection.execute(query.format(""), (*bounds, *values)).fetchall():
            yield span


def _of_span(
    connection: sqlite3.Connection, wanted: Wanted, span: int, before: tuple[float, int], most: int
) -> list[tuple[int, float, str]]:
    at, seq = before
    where = "".join(f" AND {name} = ?" for name in wanted.chosen)
    query = (
        "SELECT seq, at, record FROM records WHERE at >= ? AND at < ? AND (at < ? OR (at = ? AND seq < ?))"
        f"{where} ORDER BY at DESC, seq DESC LIMIT ?"
    )
    bounds = (max(span, wanted.since), min(span + SPAN_S, wanted.until), at, at, seq)
    return connection.execute(query, (*bounds, *wanted.chosen.values(), most)).fetchall()
