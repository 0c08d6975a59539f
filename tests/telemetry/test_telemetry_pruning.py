"""Old records go, the sums of them stay, and what is young enough is not touched."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec
from recorded import a_record

from gateway.stores.journal_sqlite import SqliteJournal
from gateway.telemetry.pruning import AT_ONCE, Pruning

DAY_S = 86_400


class Now:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


async def test_records_older_than_they_are_kept_are_deleted_and_their_sums_stay(tmp_path: Path) -> None:
    path, now = tmp_path / "journal.sqlite", time.time()
    journal = SqliteJournal(path)
    old = [msgspec.structs.replace(a_record(number), at=now - 40 * DAY_S) for number in range(AT_ONCE + 3)]
    young = [msgspec.structs.replace(a_record(number), at=now - 20 * DAY_S) for number in range(9_000, 9_004)]
    journal.write(old + young)
    pruning = Pruning(journal, 30 * DAY_S, Now())
    pruning.start()
    async with asyncio.timeout(10):
        while len(journal.read(0, 10_000)) != len(young):
            await asyncio.sleep(0.01)
    await pruning.aclose()
    assert journal.read(0, 10_000) == young
    journal.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT sum(requests) FROM rolled_answered").fetchone() == (len(old) + len(young),)


async def test_without_an_age_nothing_is_deleted(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    pruning = Pruning(journal, 0, Now())
    pruning.start()
    await pruning.aclose()
    journal.close()


def test_a_lot_is_no_larger_than_was_asked_and_the_oldest_go_first(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    records = [msgspec.structs.replace(a_record(number), at=float(number)) for number in range(10)]
    journal.write(records)
    assert journal.prune(9, 4) == 4
    assert journal.read(0, 100) == records[4:]
    journal.close()
