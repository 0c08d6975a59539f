"""The journal: what is written comes back equal and in order, to one process or several, now or after a restart."""

import contextlib
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from any_records import any_record, numbered
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.records import Record
from gateway.stores.journal_sqlite import SqliteJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(path)
    yield opened
    opened.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(any_record(), min_size=1, max_size=4, unique_by=lambda record: record.id))
def test_any_record_comes_back_equal(records: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = SqliteJournal(Path(folder) / "journal.sqlite")
        journal.write(records)
        found = [journal.find(record.id) for record in records]
        decided = [journal.find(record.decision_id) for record in records]
        journal.close()
    assert found == decided == records


def test_what_was_accepted_first_is_read_first(journal: SqliteJournal) -> None:
    journal.write([numbered(3), numbered(1)])
    journal.write([numbered(2)])
    assert journal.read(since=0, limit=10) == [numbered(1), numbered(2), numbered(3)]


def test_of_the_same_moment_what_was_written_first_is_read_first(journal: SqliteJournal) -> None:
    batch = [numbered(number, at=7.0) for number in (5, 2, 9)]
    journal.write(batch)
    assert journal.read(since=7.0, limit=10) == batch


def test_reading_begins_at_a_time_and_ends_at_a_limit(journal: SqliteJournal) -> None:
    journal.write([numbered(number) for number in range(10)])
    assert journal.read(since=4.0, limit=2) == [numbered(4), numbered(5)]
    assert journal.read(since=10.0, limit=2) == []


def test_an_id_nobody_had_finds_nothing(journal: SqliteJournal) -> None:
    journal.write([numbered(1)])
    for unknown in ("", "req_", "dec_", "req_" + "f" * 24, numbered(1).id[4:], "xyz" + numbered(1).id[3:], "'; --"):
        assert journal.find(unknown) is None


def test_a_restart_finds_what_was_written_and_goes_on(journal: SqliteJournal, path: Path) -> None:
    journal.write([numbered(1)])
    journal.close()
    again = SqliteJournal(path)
    again.write([numbered(2)])
    assert again.read(0, 10) == [numbered(1), numbered(2)]
    again.close()
    again.close()


def test_two_connections_see_each_others_records(journal: SqliteJournal, path: Path) -> None:
    other = SqliteJournal(path)
    journal.write([numbered(1)])
    other.write([numbered(2)])
    assert journal.read(0, 10) == other.read(0, 10) == [numbered(1), numbered(2)]
    other.close()


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from any_records import numbered
from gateway.stores.journal_sqlite import SqliteJournal
sys.stdin.read()
journal, first = SqliteJournal(Path(sys.argv[1])), int(sys.argv[2])
for number in range(first, first + 200, 10):
    journal.write([numbered(each) for each in range(number, number + 10)])
journal.close()
"""


def test_several_processes_begin_a_new_file_at_once_and_share_it(path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(path)]
    firsts = [0, 1000, 2000]
    writers = [
        subprocess.Popen([*command, str(first), str(Path(__file__).parent)], stdin=subprocess.PIPE) for first in firsts
    ]
    for writer in writers:
        writer.stdin.close()
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    journal = SqliteJournal(path)
    assert journal.read(0, 1000) == [numbered(first + each) for first in firsts for each in range(200)]
    journal.close()


def test_a_batch_is_written_whole_or_not_at_all(journal: SqliteJournal) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        journal.write([numbered(1), numbered(2, total_ms=float("nan")), numbered(3)])
    assert journal.read(0, 10) == []
    journal.write([numbered(4)])
    assert journal.read(0, 10) == [numbered(4)]


def test_the_columns_answer_questions_by_themselves(journal: SqliteJournal, path: Path) -> None:
    journal.write([numbered(1)])
    with sqlite3.connect(path) as reader:
        row = reader.execute(
            "SELECT caller, team, endpoint, sensitivity, tier, rule, backend, zone, ending, status, prompt_tokens, "
            "completion_tokens, cost_nano, json_extract(record, '$.verdict.findings[0].kind') FROM records"
        ).fetchone()
    reader.close()
    answered = ("local", "on_prem", "completed", 200, 21, 8, 5000, "card")
    assert row == ("billing", "finance", "chat", "restricted", "simple", "private", *answered)


def test_the_documented_queries_work(journal: SqliteJournal, path: Path) -> None:
    journal.write([numbered(1)])
    docs = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    (block,) = re.findall(r"```sql\n(.*?)```", docs, re.DOTALL)
    with contextlib.closing(sqlite3.connect(path)) as operator:
        operator.executescript(block)
    assert journal.read(0, 10) == [numbered(1)]  # they only ask; what is old is deleted by `--journal-keep`
