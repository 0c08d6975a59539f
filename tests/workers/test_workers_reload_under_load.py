"""Reload after reload, half of them broken, under load on two workers: nothing fails, nothing is decided twice.

`make reload-storm` runs a thousand of them.
"""

import asyncio
import contextlib
import hashlib
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from crew import Crew, broken, crew, numbered, replaced

from gateway.stores.journal_sqlite import SqliteJournal

RELOADS = int(os.environ.get("RELOADS", "40"))
CLIENTS = 6
PAUSE_S = 0.02
AGREED_WITHIN_S = 1.0


async def by_file(crew: Crew, text: str) -> None:
    replaced(crew.policy, text)


async def by_sighup(crew: Crew, text: str) -> None:
    replaced(crew.policy, text)
    crew.signal(signal.SIGHUP)


async def by_api(crew: Crew, text: str) -> None:
    await crew.json("POST", "/admin/policy", json={"text": text})


WAYS: tuple[Callable[[Crew, str], Awaitable[None]], ...] = (by_file, by_sighup, by_api)


async def keep_asking(crew: Crew, answers: Counter[tuple[int, str, str]]) -> None:
    while True:
        answers[await crew.chat()] += 1
        await asyncio.sleep(PAUSE_S)


async def serve_number(crew: Crew, number: int) -> float:
    """Seconds until all workers say that they serve it."""
    text = numbered(number)
    digest = hashlib.sha256(text.encode()).hexdigest()
    began = asyncio.get_running_loop().time()
    await WAYS[number % len(WAYS)](crew, text)
    await crew.all_say(lambda worker: worker["policy"]["digest"] == digest, AGREED_WITHIN_S)
    return asyncio.get_running_loop().time() - began


async def refuse_number(crew: Crew, number: int) -> None:
    """All workers say that they refused it, or the one that was asked does; what they serve stays."""
    before = {worker["policy"]["digest"] for worker in await crew.workers()}
    way = WAYS[number % len(WAYS)]
    if way is by_api:
        said = await crew.json("POST", "/admin/policy", json={"text": broken(number)})
        assert said["error"]["code"] == "policy_refused"
    else:
        await way(crew, broken(number))
        told = f"`lokal{number}`"
        await crew.all_say(lambda worker: told in (worker["policy"]["refused"] or {}).get("reason", ""))
    assert {worker["policy"]["digest"] for worker in await crew.workers()} == before
    assert len(before) == 1


def decided(journal: Path) -> Counter[tuple[str, str, str]]:
    """How many records have each digest, rule and backend."""
    opened = SqliteJournal(journal)
    try:
        records = opened.read(0, 10_000_000)
    finally:
        opened.close()
    return Counter((record.decision.policy_digest, record.decision.rule, record.backend) for record in records)


@pytest.mark.slow
async def test_no_request_fails_and_each_is_decided_by_one_policy_however_often_it_changes(tmp_path: Path) -> None:
    answers: Counter[tuple[int, str, str]] = Counter()
    took: list[float] = []
    async with crew(tmp_path) as running:
        clients = [asyncio.create_task(keep_asking(running, answers)) for _ in range(CLIENTS)]
        for number in range(1, RELOADS // 2 + 1):
            await refuse_number(running, number)
            took.append(await serve_number(running, number))
        assert not any(client.done() for client in clients)
        for client in clients:
            client.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await client
    backends = ("local", "frontier")
    versions = {hashlib.sha256(numbered(number).encode()).hexdigest(): number for number in range(RELOADS // 2 + 1)}
    for status, rule, backend in answers:
        assert (status, backend) == (200, backends[int(rule[1:]) % 2])
    for digest, rule, backend in decided(running.journal):
        assert rule == f"v{versions[digest]}"
        assert backend in (backends[versions[digest] % 2], "")  # "": the client of the last one had left
    assert len({rule for _, rule, _ in answers}) > RELOADS // 4
    print(
        f"{RELOADS} reloads, {sum(answers.values())} requests, none failed; all agreed after "
        f"{sorted(took)[len(took) // 2]:.2f} s, at most {max(took):.2f} s"
    )
