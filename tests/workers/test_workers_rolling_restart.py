"""A rolling restart under load: every worker is a new one, no request fails, no stream is cut.

`make rolling-restarts` does many of them.
"""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from crew import Crew, crew

ROLLS = int(os.environ.get("ROLLS", "3"))
CLIENTS = 8
TOKENS = 400
"""Of a stream, a millisecond or more each: longer than an idle connection is left open, when the machine is busy."""

pytestmark = pytest.mark.slow


async def one_chat(http: aiohttp.ClientSession) -> str:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Say hello"}], "max_tokens": 3}
    async with http.post("/v1/chat/completions", json=body) as answer:
        said = await answer.json()
        return f"{answer.status} {said['choices'][0]['finish_reason']}"


async def one_stream(http: aiohttp.ClientSession) -> str:
    messages = [{"role": "user", "content": "Count as far as you can. " * 40}]
    body = {"model": "auto", "messages": messages, "max_tokens": TOKENS, "stream": True}
    async with http.post("/v1/chat/completions", json=body) as answer:
        said = await answer.read()
        return f"{answer.status} {'whole' if said.endswith(b'data: [DONE]' + bytes((10, 10))) else 'cut'}"


async def keep_asking(
    http: aiohttp.ClientSession, ask: Callable[[aiohttp.ClientSession], Awaitable[str]], seen: Any
) -> None:
    """One request after the other over connections that are kept; what goes wrong is counted too."""
    while True:
        try:
            seen[await ask(http)] += 1
        except (aiohttp.ClientError, OSError) as error:
            seen[type(error).__name__] += 1


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if os.path.exists(f"/proc/{pid}")}


async def pids_of(running: Crew) -> set[int]:
    return {worker["pid"] for worker in await running.workers() if "pid" in worker}


async def rolled(running: Crew) -> None:
    """A rolling restart, to the end of the last old worker."""
    before = await pids_of(running)
    running.signal(signal.SIGUSR2)
    async with asyncio.timeout(60):
        while alive(before):
            await asyncio.sleep(0.05)
    await running.all_say(lambda worker: worker["ready"] and worker["pid"] not in before, 5)


@contextlib.asynccontextmanager
async def busy(*loads: Coroutine[Any, Any, None]) -> Any:
    tasks = [asyncio.create_task(load) for load in loads]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_rolling_restart_fails_no_request_and_cuts_no_stream(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    async with crew(tmp_path, GATEWAY_UNREADY_S="0") as running:
        loads = [keep_asking(running.http, ask, seen) for ask in (one_chat, one_stream) for _ in range(CLIENTS // 2)]
        async with busy(*loads) as tasks:
            for _ in range(ROLLS):
                await rolled(running)
            assert not any(task.done() for task in tasks)
    assert set(seen) == {"200 stop", "200 whole"} or set(seen) == {"200 length", "200 whole"}, seen
    told = (tmp_path / "stderr").read_text()
    assert told.count("the rolling restart is done: every worker is a new one") == ROLLS
    print(f"{ROLLS} rolling restarts of two workers: {dict(seen)}")


async def test_a_rolling_restart_whose_new_worker_cannot_start_changes_nothing(tmp_path: Path) -> None:
    async with crew(tmp_path) as running:
        before = await pids_of(running)
        os.replace(running.journal, tmp_path / "elsewhere")
        os.mkdir(running.journal)
        running.signal(signal.SIGUSR2)
        async with asyncio.timeout(30):
            while "the rolling restart was given up" not in (tmp_path / "stderr").read_text():
                await asyncio.sleep(0.05)
        assert await pids_of(running) == before
        assert (await running.chat())[0] == 200
