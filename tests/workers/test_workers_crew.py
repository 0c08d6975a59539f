"""Several workers behind one address: they share what is served and what is counted, and a dead one is replaced."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from crew import POLICY, Crew, broken, crew, numbered, replaced

from gateway.core.errors import ConfigError
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.workers import listening

pytestmark = pytest.mark.slow


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Crew]:
    async with crew(tmp_path) as running:
        yield running


async def test_a_policy_posted_to_one_worker_is_served_by_all_when_the_answer_comes(two: Crew) -> None:
    said = await two.json("POST", "/admin/policy", json={"text": numbered(1), "author": "ada"})
    assert {worker["policy"]["digest"] for worker in said["workers"]} == {said["policy"]["digest"]}
    assert len(said["workers"]) == 2
    assert {await two.chat() for _ in range(6)} == {(200, "v1", "frontier")}
    versions = (await two.json("GET", "/admin/policy/history"))["versions"]
    assert [(each["version"], each["source"]) for each in versions] == [(2, "api"), (1, "file")]


async def test_sighup_to_the_supervisor_has_every_worker_read_the_file(two: Crew) -> None:
    replaced(two.policy, broken(7))
    two.signal(signal.SIGHUP)
    await two.all_say(lambda worker: "lokal7" in (worker["policy"]["refused"] or {}).get("reason", ""))
    assert await two.chat() == (200, "v0", "local")


async def test_a_worker_that_dies_is_replaced_by_one_that_serves_what_the_others_do(two: Crew) -> None:
    await two.json("POST", "/admin/policy", json={"text": numbered(1)})
    replaced(two.policy, broken(2))
    before = {worker["worker"]: worker for worker in await two.workers()}
    os.kill(before[1]["pid"], signal.SIGKILL)
    digest = before[2]["policy"]["digest"]
    await two.all_say(lambda worker: worker["pid"] != before[1]["pid"] and worker["policy"]["digest"] == digest, 15)
    assert {await two.chat() for _ in range(6)} == {(200, "v1", "frontier")}
    assert "worker 1 ended with -9; another takes its place" in (two.folder / "stderr").read_text()


async def test_what_each_worker_counted_is_on_one_page_under_its_number(two: Crew) -> None:
    for _ in range(20):
        async with two.http.get("/health", headers={"connection": "close"}):
            await two.chat()
    async with two.http.get("/metrics") as answer:
        page = await answer.text()
    counts = re.findall(r'^gateway_requests_total\{.*worker="(\d)".* (\S+)$', page, re.MULTILINE)
    assert sum(float(count) for _, count in counts) == 20
    assert set(re.findall(r'^gateway_policy_info\{.*worker="(\d)"', page, re.MULTILINE)) == {"1", "2"}


async def test_sigterm_finishes_what_is_in_flight_and_ends_with_0(two: Crew) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Count"}], "stream": True}
    async with two.http.post("/v1/chat/completions", json=body) as answer:
        await answer.content.readany()
        two.signal(signal.SIGTERM)
        rest = await answer.content.read()
    assert rest.endswith(b"data: [DONE]\n\n")
    assert await asyncio.wait_for(two.supervisor.wait(), 20) == 0
    journal = SqliteJournal(two.journal)
    assert [record.outcome.ending.value for record in journal.read(0, 10)] == ["completed"]
    journal.close()


async def test_workers_whose_supervisor_is_gone_end_too(two: Crew) -> None:
    pids = [worker["pid"] for worker in await two.workers()]
    two.signal(signal.SIGKILL)
    await two.supervisor.wait()
    async with asyncio.timeout(15):
        while set(map(str, pids)) & set(os.listdir("/proc")):
            await asyncio.sleep(0.05)


def test_where_no_worker_can_start_serve_ends_with_2_and_one_reason_each(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "journal").write_text("no database, but long enough to be one" * 50)
    command = [sys.executable, "-m", "gateway", "serve", "--policy", str(tmp_path / "policy.yaml"), "--port", "0"]
    known = {"TGI_URL": "http://127.0.0.1:9", "OPENAI_BASE_URL": "http://127.0.0.1:9", "OPENAI_API_KEY": "invented"}
    ended = subprocess.run(
        [*command, "--workers", "2", "--journal", str(tmp_path / "journal")],
        env=os.environ | known,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert "cannot use the journal" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_that_somebody_has_is_refused_and_so_is_another_gateways() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="address already in use"):
        listening("127.0.0.1", taken.getsockname()[1], 2)
    first = listening("127.0.0.1", 0, 2)
    port = first[0].getsockname()[1]
    assert [listener.getsockname()[1] for listener in first] == [port, port]
    with pytest.raises(ConfigError, match="address already in use"):
        listening("127.0.0.1", port, 2)
    for listener in first:
        listener.close()
