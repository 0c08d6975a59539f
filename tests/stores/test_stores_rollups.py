"""Sums beside the records: at any moment what summing the records would give."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import msgspec
from any_records import numbered
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.records import Attempt, Ending, Outcome, Record
from gateway.core.types import Exclusion, Veto
from gateway.core.usage import Usage
from gateway.stores import rollups
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.stores.rollups import SPAN_S, TABLES, rolled_up

Sums = dict[str, dict[tuple[object, ...], tuple[int, ...]]]


def kept(path: Path) -> Sums:
    with closing(sqlite3.connect(path)) as connection:
        return {
            name: {
                row[: len(keys)]: row[len(keys) :]
                for row in connection.execute(f"SELECT {', '.join((*keys, *totals))} FROM rolled_{name}")
            }
            for name, (keys, totals) in TABLES.items()
        }


def summed(records: list[Record]) -> Sums:
    return {name: {key: tuple(some) for key, some in sums.items()} for name, sums in rolled_up(records).items()}


BACKENDS = st.sampled_from(["local", "frontier"])
ATTEMPTS = st.builds(
    Attempt,
    BACKENDS,
    st.just("a:1"),
    st.just(0.1),
    st.none() | st.integers(0, 9_000).map(float),
    st.sampled_from(["", "connect", "overloaded", "budget"]),
    st.none(),
    st.none() | st.integers(0, 10**9),
    st.sampled_from(["", "on_prem", "openai"]),
)
OUTCOMES = st.builds(
    Outcome,
    st.sampled_from(Ending),
    st.sampled_from([200, 400, 503]),
    st.sampled_from(["", "no_backend_available"]),
    st.lists(ATTEMPTS, max_size=3).map(tuple),
    st.none() | st.builds(Usage, st.integers(0, 9_999), st.integers(0, 999), st.integers(0, 99)),
    st.none() | st.integers(0, 10**9),
    st.integers(0, 99_999).map(float),
)


@st.composite
def some_record(draw: st.DrawFn) -> Record:
    excluded = draw(st.lists(st.tuples(BACKENDS, st.builds(Exclusion, st.sampled_from(Veto), st.just(""))), max_size=2))
    plain = numbered(draw(st.integers(0, 2**40)), at=draw(st.integers(0, 5 * SPAN_S)))
    return msgspec.structs.replace(
        plain,
        outcome=draw(OUTCOMES),
        backend=draw(BACKENDS),
        decision=msgspec.structs.replace(plain.decision, excluded=tuple(excluded)),
    )


@settings(max_examples=40)
@given(st.lists(st.lists(some_record(), max_size=6), max_size=4))
def test_the_sums_are_those_of_the_records(tmp_path_factory, batches) -> None:
    path = tmp_path_factory.mktemp("sums") / "journal.sqlite"
    journal = SqliteJournal(path)
    for batch in batches:
        journal.write(batch)
    journal.close()
    assert kept(path) == summed([record for batch in batches for record in batch])


def test_a_request_counts_once_where_it_was_answered_and_in_its_own_ten_minutes() -> None:
    sums = rolled_up([numbered(0), numbered(1, at=SPAN_S - 0.5), numbered(2, at=SPAN_S)])
    per_span = Counter()
    for (span, *_), (requests, *_) in sums["answered"].items():
        per_span[span] += requests
    assert per_span == {0: 2, SPAN_S: 1}


def test_a_journal_from_before_there_were_sums_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    records = [numbered(number) for number in range(700)]
    journal = SqliteJournal(path)
    journal.write(records)
    journal.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for name in TABLES:
            old.execute(f"DROP TABLE rolled_{name}")
        old.execute("PRAGMA user_version = 1")
    SqliteJournal(path).close()
    assert kept(path) == summed(records)
    assert rollups.SPAN_S == SPAN_S


def test_a_write_that_fails_adds_to_no_sum(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path)
    unwritable = msgspec.structs.replace(numbered(2), id=None)
    try:
        journal.write([numbered(1), unwritable])
    except sqlite3.IntegrityError:
        journal.write([numbered(1)])
    journal.close()
    assert kept(path) == summed([numbered(1)])
