"""Sums beside the records: at any moment what summing the records would give."""

import math
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from any_records import numbered
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.records import Attempt, Ending, Outcome, Record
from gateway.core.types import Exclusion, Veto
from gateway.core.usage import Usage
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.stores.journal_view import JournalView, Wanted
from gateway.stores.rollups import DAY_S, PERCENT, SPAN_S, TABLES, percent_of, rolled_up, up_to_ms

Sums = dict[str, dict[tuple[object, ...], tuple[int, ...]]]


def kept(path: Path, level: str = "") -> Sums:
    with closing(sqlite3.connect(path)) as connection:
        return {
            name: {
                row[: len(keys)]: row[len(keys) :]
                for row in connection.execute(f"SELECT {', '.join((*keys, *totals))} FROM rolled_{name}{level}")
            }
            for name, (keys, totals) in TABLES.items()
        }


def summed(records: list[Record]) -> Sums:
    return {name: {key: tuple(some) for key, some in sums.items()} for name, sums in rolled_up(records).items()}


def summed_by_day(records: list[Record]) -> Sums:
    """From the records themselves: as if each had come at the beginning of its day."""
    days = [msgspec.structs.replace(record, at=record.at // DAY_S * DAY_S) for record in records]
    return summed(days)


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
    plain = numbered(draw(st.integers(0, 2**40)), at=draw(st.integers(0, 5 * SPAN_S) | st.integers(0, 3 * DAY_S)))
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
    records = [record for batch in batches for record in batch]
    assert kept(path) == summed(records)
    assert kept(path, "_day") == summed_by_day(records)


@settings(max_examples=40)
@given(st.lists(some_record(), max_size=12), st.integers(0, 3 * DAY_S), st.integers(0, 3 * DAY_S))
def test_any_stretch_of_time_adds_up_to_the_records_in_it(tmp_path_factory, records, one, other) -> None:
    path = tmp_path_factory.mktemp("stretch") / "journal.sqlite"
    journal = SqliteJournal(path)
    journal.write(records)
    journal.close()
    first, last = sorted((one // SPAN_S * SPAN_S, other // SPAN_S * SPAN_S))
    within = [record for record in records if first <= record.at < last]
    found = JournalView(path).sums(first, last)
    for name, (keys, totals) in TABLES.items():
        expected: Counter[tuple[object, ...]] = Counter()
        for key, some in rolled_up(within)[name].items():
            for total, each in zip(totals, some, strict=True):
                expected[(*key[1:], total)] += each
        told = {(*(row[key] for key in keys[1:]), total): row[total] for row in found[name] for total in totals}
        assert told == expected


CHOSEN = st.fixed_dictionaries(
    {},
    optional={
        "backend": BACKENDS,
        "ending": st.sampled_from([each.value for each in Ending]),
        "caller": st.sampled_from(["billing", "nobody"]),
    },
)


@settings(max_examples=40)
@given(st.lists(some_record(), max_size=12), CHOSEN, st.integers(1, 4), st.integers(0, DAY_S))
def test_page_after_page_shows_each_chosen_record_once_the_newest_first(
    tmp_path_factory, records, chosen, limit, since
) -> None:
    path = tmp_path_factory.mktemp("pages") / "journal.sqlite"
    journal = SqliteJournal(path)
    journal.write(records)
    journal.close()
    view, shown, after = JournalView(path), [], ""
    while True:
        page = view.page(Wanted(chosen, since, 2.0 * DAY_S), after, limit)
        shown += page.records
        after = page.after
        if not after:
            break
    expected = [
        record
        for record in records
        if since <= record.at < 2 * DAY_S
        and chosen.get("backend", record.backend) == record.backend
        and chosen.get("ending", record.outcome.ending) == record.outcome.ending
        and chosen.get("caller", record.caller.id) == record.caller.id
    ]
    assert [record.at for record in shown] == sorted((record.at for record in expected), reverse=True)
    assert Counter(record.id for record in shown) == Counter(record.id for record in expected)


@pytest.mark.parametrize("after", ["x", "1", "1:x", ":1", f"1:{10**30}"])
def test_a_place_that_no_page_gave_is_refused(tmp_path: Path, after: str) -> None:
    SqliteJournal(tmp_path / "journal.sqlite").close()
    with pytest.raises(ValueError, match=r"."):
        JournalView(tmp_path / "journal.sqlite").page(Wanted({}), after, 5)


@given(st.floats(0, 10**9))
def test_a_duration_is_counted_in_a_bin_that_ends_after_it_and_at_most_half_as_much_again(took: float) -> None:
    assert took <= up_to_ms(took) <= max(1, math.ceil(took * 1.5))


@given(st.floats(0, 1))
def test_a_score_is_counted_in_the_step_that_holds_it(score: float) -> None:
    assert percent_of(score) <= score * 100 + 1e-6 < percent_of(score) + PERCENT + 1e-5


def test_a_request_counts_once_where_it_was_answered_and_in_its_own_ten_minutes() -> None:
    sums = rolled_up([numbered(0), numbered(1, at=SPAN_S - 0.5), numbered(2, at=SPAN_S)])
    per_span = Counter()
    for (span, *_), (requests, *_) in sums["answered"].items():
        per_span[span] += requests
    assert per_span == {0: 2, SPAN_S: 1}


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_from_before_there_were_these_sums_gets_them(tmp_path: Path, version: int) -> None:
    path = tmp_path / "journal.sqlite"
    records = [numbered(number) for number in range(700)]
    journal = SqliteJournal(path)
    journal.write(records)
    journal.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for name in TABLES:
            old.execute(f"DROP TABLE rolled_{name}_day")
            if version == 1 or name in ("timed", "scored"):
                old.execute(f"DROP TABLE rolled_{name}")
        old.execute(f"PRAGMA user_version = {version}")
    SqliteJournal(path).close()
    assert kept(path) == summed(records)
    assert kept(path, "_day") == summed_by_day(records)


@pytest.mark.slow
def test_workers_that_open_an_older_journal_at_once_sum_it_up_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    records = [numbered(number) for number in range(60_000)]
    journal = SqliteJournal(path)
    journal.write(records)
    journal.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("PRAGMA user_version = 2")
    with ThreadPoolExecutor(4) as workers:
        for opened in workers.map(SqliteJournal, [path] * 4):
            opened.close()
    assert kept(path) == summed(records)


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
