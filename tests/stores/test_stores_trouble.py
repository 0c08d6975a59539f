"""Trouble with the journal's file: told at start with the remedy, or said in one way and survived without loss."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from any_records import numbered

from gateway.core.errors import ConfigError, JournalUnavailable
from gateway.stores.journal_sqlite import APPLICATION_ID, SqliteJournal


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """The superuser may write anywhere; for a moment we are somebody who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def a_text(path: Path) -> None:
    path.write_text("this is no database\n" * 100)


def a_short_text(path: Path) -> None:
    path.write_text("no")


def of_something_else(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")


def of_another_version(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 7")


def damaged(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.write([numbered(1)])
    journal.close()
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 8000)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (a_text, "it is not an SQLite file"),
        (a_short_text, "it is not an SQLite file"),
        (of_something_else, "is a database of something else"),
        (of_another_version, "is of version 7, this gateway writes version 3; move it away"),
        (damaged, "move it away"),
        (Path.mkdir, "unable to open database file; create its folder and make it writable"),
    ],
)
def test_a_file_that_is_no_journal_is_told_at_start(tmp_path: Path, file, said: str) -> None:
    path = tmp_path / "journal.sqlite"
    file(path)
    with pytest.raises(ConfigError) as told:
        SqliteJournal(path)
    assert said in str(told.value)
    assert f"`{path}`" in str(told.value)
    assert str(told.value).endswith("give another file as `--journal`")


def test_a_missing_folder_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="create its folder"):
        SqliteJournal(tmp_path / "missing" / "journal.sqlite")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that anybody may look into, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        yield Path(folder)
        Path(folder).chmod(0o755)


def test_a_folder_that_may_not_be_written_is_told_at_start(open_folder: Path) -> None:
    with as_nobody(), pytest.raises(ConfigError, match="create its folder and make it writable"):
        SqliteJournal(open_folder / "journal.sqlite")


def test_a_file_that_may_not_be_written_is_told_at_start(open_folder: Path) -> None:
    path = open_folder / "journal.sqlite"
    open_folder.chmod(0o777)
    SqliteJournal(path).close()
    path.chmod(0o444)
    with as_nobody(), pytest.raises(ConfigError, match="make the file and its folder writable"):
        SqliteJournal(path)


def test_a_file_that_is_held_at_start_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with held(path), pytest.raises(ConfigError, match="end the other process that holds it"):
        SqliteJournal(path)
    SqliteJournal(path).close()


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield


def test_a_held_file_can_be_read_not_written_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path)
    journal.write([numbered(1)])
    with held(path):
        with pytest.raises(JournalUnavailable, match="cannot be written: database is locked; end the other process"):
            journal.write([numbered(2)])
        assert journal.read(0, 10) == [numbered(1)]
    journal.write([numbered(2)])
    assert journal.read(0, 10) == [numbered(1), numbered(2)]
    journal.close()


FULL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from any_records import numbered
from gateway.core.errors import JournalUnavailable
from gateway.stores.journal_sqlite import SqliteJournal

journal, written, failures = SqliteJournal(Path(sys.argv[1])), 0, 0
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
while written < 1000:
    try:
        journal.write([numbered(each) for each in range(written, written + 50)])
        written += 50
    except JournalUnavailable as trouble:
        assert "make room on its disk" in str(trouble), trouble
        assert len(journal.read(0, 10_000)) == written
        failures += 1
        if failures == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert failures == 3, failures
assert journal.read(0, 10_000) == [numbered(each) for each in range(1000)]
journal.close()
"""


def test_a_file_that_may_not_grow_loses_and_doubles_nothing_once_it_may(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "journal.sqlite"), str(Path(__file__).parent)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
