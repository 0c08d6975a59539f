"""The recorder: every Record reaches the journal and the log, in order, without anybody waiting for it."""

import asyncio
import contextlib
import io
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from recorded import ANSWERED, a_record

from gateway.core.records import Record
from gateway.core.usage import Usage
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.outbox import BATCH, Outbox
from gateway.telemetry.recorder import Recorder

pytestmark = pytest.mark.slow

WELL = {"ok": True, "waiting": 0, "dropped": 0, "error": ""}


def records(count: int, first: int = 0) -> list[Record]:
    return [a_record(number) for number in range(first, first + count)]


def kept(journal: SqliteJournal) -> list[Record]:
    return journal.read(0, 1_000_000)


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process has the file for itself."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield


async def failing(outbox: Outbox) -> None:
    """Returns when a write has failed."""
    async with asyncio.timeout(10):
        while not outbox.failures:
            await asyncio.sleep(0.01)


async def test_what_is_recorded_reaches_the_journal_and_the_log_in_order(a_recorder, journal) -> None:
    out = io.StringIO()
    recorder: Recorder = await a_recorder(out)
    sent = records(3 * BATCH + 7)
    for record in sent:
        recorder.record(record)
    await recorder.flushed()
    assert kept(journal) == sent
    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == [record.id for record in sent]
    assert recorder.health() == WELL


async def test_records_arrive_soon_though_nobody_asks(a_recorder, journal) -> None:
    recorder: Recorder = await a_recorder()
    recorder.record(a_record(1))
    async with asyncio.timeout(5):
        while not kept(journal):
            await asyncio.sleep(0.02)


async def test_what_waits_before_the_start_is_delivered_after_it(journal, metrics) -> None:
    recorder = Recorder(journal, metrics, None)
    recorder.record(a_record(1))
    assert recorder.health()["waiting"] == 1
    await recorder.start()
    await recorder.flushed()
    await recorder.aclose()
    assert kept(journal) == [a_record(1)]


async def test_closing_delivers_what_still_waits(journal, metrics) -> None:
    out = io.StringIO()
    recorder = Recorder(journal, metrics, out)
    await recorder.start()
    for record in records(40):
        recorder.record(record)
    await recorder.aclose()
    assert kept(journal) == records(40)
    assert len(out.getvalue().splitlines()) == 40


async def test_closing_what_was_never_started_returns(journal, metrics) -> None:
    await Recorder(journal, metrics, io.StringIO()).aclose()


async def test_a_log_that_nobody_reads_holds_up_neither_the_loop_nor_the_journal(journal, metrics) -> None:
    reading, writing = os.pipe()
    out = os.fdopen(writing, "w")
    recorder = Recorder(journal, metrics, out)
    await recorder.start()
    sent = records(2 * BATCH)  # far more than a pipe takes
    for record in sent:
        recorder.record(record)
    async with asyncio.timeout(5):
        while len(kept(journal)) < len(sent):
            await asyncio.sleep(0.01)
    assert b'gateway_records_waiting{to="log"} 1000.0' in metrics.render()
    with os.fdopen(reading) as reader:
        said = asyncio.create_task(asyncio.to_thread(reader.read))
        await recorder.aclose()
        out.close()
        lines = (await said).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [record.id for record in sent]


async def test_a_log_whose_reader_has_gone_is_counted_and_harms_nothing_else(a_recorder, journal, metrics) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w")
    recorder: Recorder = await a_recorder(out)
    recorder.record(a_record(1))
    async with asyncio.timeout(5):
        while b'gateway_record_writes_failed_total{to="log"} 0.0' in metrics.render() or recorder.health() != WELL:
            await asyncio.sleep(0.01)
    assert kept(journal)
    with contextlib.suppress(BrokenPipeError):
        out.close()


async def test_a_held_file_delays_records_and_loses_none(a_recorder, journal, path, metrics) -> None:
    recorder: Recorder = await a_recorder()
    with held(path):
        for record in records(3):
            recorder.record(record)
        async with asyncio.timeout(10):
            while recorder.health()["ok"]:
                await asyncio.sleep(0.01)
        assert "database is locked" in str(recorder.health()["error"])
        recorder.record(a_record(3))
        assert recorder.health()["waiting"] == 4
        assert kept(journal) == []
    await recorder.flushed()
    assert kept(journal) == records(4)
    assert recorder.health() == WELL
    assert b'gateway_record_writes_failed_total{to="journal"} 0.0' not in metrics.render()


async def test_beyond_the_bound_the_oldest_are_dropped_and_counted(journal, path) -> None:
    outbox = Outbox("journal", journal, bound=10)
    outbox.start()
    with held(path):
        for record in records(8):
            outbox.put(record)
        await failing(outbox)
        for record in records(7, first=8):
            outbox.put(record)
        assert outbox.waiting <= 10 + 8
    await outbox.flushed()
    await outbox.aclose()
    assert kept(journal) == records(10, first=5)
    assert (outbox.dropped, outbox.waiting) == (5, 0)


@pytest.mark.parametrize("place", [0, 37, 99])
async def test_a_record_that_no_table_can_hold_is_dropped_alone(journal, caplog, place: int) -> None:
    sent = records(100)
    sent[place] = a_record(place, outcome=msgspec.structs.replace(ANSWERED, total_ms=float("nan")))
    outbox = Outbox("journal", journal)
    outbox.start()
    for record in sent:
        outbox.put(record)
    await outbox.aclose()
    assert kept(journal) == sent[:place] + sent[place + 1 :]
    assert (outbox.dropped, outbox.error) == (1, "")
    assert caplog.messages == ["a record cannot be written to the journal: IntegrityError"]


async def test_a_record_that_cannot_be_counted_is_kept_all_the_same(a_recorder, journal, metrics: Metrics) -> None:
    absurd = a_record(1, outcome=msgspec.structs.replace(ANSWERED, usage=Usage(10**400, 1)))
    recorder: Recorder = await a_recorder()
    recorder.record(absurd)
    await recorder.flushed()
    assert kept(journal) == [absurd]
    assert b"gateway_uncounted_total 1.0" in metrics.render()


@pytest.mark.slow
async def test_closing_gives_up_on_a_held_file_in_time_and_says_what_is_lost(journal, path, metrics, caplog) -> None:
    recorder = Recorder(journal, metrics, None)
    await recorder.start()
    with held(path):
        for record in records(3):
            recorder.record(record)
        began = time.monotonic()
        await recorder.aclose()
        assert time.monotonic() - began < 8
        journal.close()
    assert "3 records were not written to the journal" in caplog.text
    assert "database is locked" in caplog.text
