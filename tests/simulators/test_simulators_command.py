"""`gateway simulate` as a person runs it: a process on a port, until Ctrl-C."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
from asking import CHAT, HELLO

SIMULATE = (sys.executable, "-m", "gateway", "simulate")
KINDS = {"tgi": "/info", "openai": "/v1/models"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.asynccontextmanager
async def simulated(*words: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The running process and its address; it is over when the block is."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *SIMULATE, *words, "--port", str(port), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(ConnectionRefusedError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                assert process.returncode is None, await process.stderr.read()
                await asyncio.sleep(0.05)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def status(url: str, **options: object) -> int:
    async with aiohttp.ClientSession() as http, http.request("POST" if options else "GET", url, **options) as got:
        await got.read()
        return got.status


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", list(KINDS))
async def test_it_answers_and_ends_without_a_word_of_complaint(kind: str, ending: signal.Signals) -> None:
    async with simulated(kind) as (process, url):
        assert await status(url + KINDS[kind]) == 200
        assert await status(url + CHAT, json={"model": "tgi", "messages": HELLO}) == 200
        process.send_signal(ending)
        said, complaints = await asyncio.wait_for(process.communicate(), 5)
    lines = complaints.decode().splitlines()
    assert process.returncode == (0 if ending is signal.SIGINT else -signal.SIGTERM)
    assert said == b""
    assert lines == [f"gateway: {kind} simulator on {url}; faults at {url}/_simulator/faults"]


@pytest.mark.slow
async def test_its_end_does_not_wait_for_those_who_are_being_answered() -> None:
    async with simulated("tgi", "--prefill-ms", "60000") as (process, url):
        asking = asyncio.create_task(status(url + CHAT, json={"model": "tgi", "messages": HELLO}))
        async with aiohttp.ClientSession() as http, asyncio.timeout(5):
            while True:
                async with http.get(url + "/_simulator/log") as got:
                    if any(row["path"] == CHAT for row in await got.json()):
                        break
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 5)
        with pytest.raises(aiohttp.ClientError):
            await asking


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_key_keeps_others_out(kind: str) -> None:
    async with simulated(kind, "--api-key", "invented", "--keep-log", "0") as (_, url):
        body = {"model": "tgi", "messages": HELLO}
        assert await status(url + CHAT, json=body) == 401
        assert await status(url + CHAT, json=body, headers={"authorization": "Bearer invented"}) == 200


async def test_a_taken_port_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = await asyncio.create_subprocess_exec(*SIMULATE, "tgi", "--port", port, stderr=asyncio.subprocess.PIPE)
        _, complaints = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    (line,) = complaints.decode().splitlines()
    assert line.startswith(f"cannot listen on 127.0.0.1:{port}: Address already in use")
    assert line.endswith("choose another `--port`")
