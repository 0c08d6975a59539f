"""A full disk under the journal: requests go on, records wait, and nothing is lost once there is room again."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded import a_record

from gateway.stores.journal_sqlite import SqliteJournal
from gateway.telemetry.recorder import Recorder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 512 KB; only the superuser may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount a file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_loses_and_doubles_nothing_once_there_is_room(small_disk: Path, metrics) -> None:
    ballast = small_disk / "ballast"
    journal = SqliteJournal(small_disk / "journal.sqlite")
    ballast.write_bytes(b"x" * 350_000)
    recorder = Recorder(journal, metrics, None)
    await recorder.start()
    sent = [a_record(number) for number in range(150)]
    for record in sent[:100]:
        recorder.record(record)
    async with asyncio.timeout(10):
        while recorder.health()["ok"]:
            await asyncio.sleep(0.01)
    for record in sent[100:]:
        recorder.record(record)
    assert "database or disk is full; make room on its disk" in str(recorder.health()["error"])
    assert recorder.health()["waiting"] == 150
    ballast.unlink()
    await recorder.flushed()
    assert recorder.health() == {"ok": True, "waiting": 0, "dropped": 0, "error": ""}
    assert journal.read(0, 1000) == sent
    await recorder.aclose()
    journal.close()
