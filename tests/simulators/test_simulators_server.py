"""Serving: a free port, a clean and bounded end, a log of what came, and the moment a client leaves."""

import asyncio
import json
import socket
import time

import aiohttp
import pytest
from asking import CHAT, HELLO, Asking, until

from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import Simulator, listening, serve
from gateway.simulators.tgi import TgiSettings, tgi_app


async def test_serving_leaves_no_task_and_no_socket_behind() -> None:
    before = asyncio.all_tasks()
    async with serve(tgi_app()) as running, aiohttp.ClientSession() as http, http.get(running.url + "/health") as got:
        assert got.status == 200
    assert asyncio.all_tasks() == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", running.port)


async def test_the_end_does_not_wait_for_requests_in_flight(http: aiohttp.ClientSession) -> None:
    async with serve(tgi_app(TgiSettings(prefill_ms=60_000))) as running:
        asking = asyncio.create_task(Asking(running, http).chat())
        await until(lambda: running.open_requests == 1)
        began = time.monotonic()
    assert time.monotonic() - began < 0.5
    with pytest.raises(aiohttp.ClientError):
        await asking
    assert running.closed_early == 0


async def test_a_taken_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with serve(tgi_app(), port=taken.getsockname()[1]):
            pass


def test_the_socket_says_that_it_is_tcp() -> None:
    with listening("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


async def test_any_asgi_app_can_be_served(http: aiohttp.ClientSession) -> None:
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for answer in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{answer}.complete"})
            return
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serve(app) as running, http.get(running.url) as got:
        assert got.status == 204
        assert running.log == []


async def test_an_app_that_does_not_start_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="lifespan"):
        async with serve(app):
            pass


async def test_the_log_has_what_arrived_and_what_was_answered(either: Asking) -> None:
    got = await either.post(CHAT + "?x=%20y", {"model": "tgi", "messages": HELLO}, x_note="invented")
    (entry,) = either.simulator.log
    assert (entry.method, entry.path, entry.status) == ("POST", CHAT + "?x=%20y", 200)
    assert json.loads(entry.body)["messages"] == HELLO
    assert (b"x-note", b"invented") in entry.headers
    assert entry.answer == got.body
    assert abs(entry.at - time.time()) < 5


async def test_the_log_has_a_stream_byte_for_byte(either: Asking) -> None:
    got = await either.chat(stream=True)
    assert either.simulator.log[-1].answer == got.body


async def test_the_log_can_be_read_and_emptied_from_outside(either: Asking) -> None:
    await either.chat()
    (row,) = (await either.get("/_simulator/log")).json
    assert row["path"] == CHAT
    assert "Say hello" in row["body"]
    assert row["closed_after_s"] is None
    await either.send("DELETE", "/_simulator/log")
    assert either.simulator.log == []


async def test_the_log_keeps_the_newest(http: aiohttp.ClientSession) -> None:
    async with serve(tgi_app(TgiSettings(keep_log=4))) as running:
        for number in range(9):
            await Asking(running, http).get(f"/health?{number}")
        assert len(running.log) <= 4
        assert running.log[-1].path == "/health?8"


async def test_under_load_no_log_is_kept(http: aiohttp.ClientSession) -> None:
    async with serve(openai_app(OpenAISettings(keep_log=0))) as running:
        assert (await Asking(running, http).chat()).status == 200
        assert running.log == []
        assert running.bill["tgi"].requests == 1


async def leave(running: Simulator, *, stream: bool, read: int, politely: bool) -> None:
    """A bare client that sends a request, reads so many pieces, and goes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    body = json.dumps({"model": "tgi", "stream": stream, "messages": HELLO}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await until(lambda: running.open_requests == 1)
    for _ in range(read):
        assert await reader.read(65536)
    if politely:
        writer.close()
    else:
        writer.transport.abort()
    await until(lambda: running.open_requests == 0, 0.2)


SITUATIONS = {"prefill": (True, 0), "stream": (True, 2), "not streamed": (False, 0)}


@pytest.mark.parametrize("politely", [True, False])
@pytest.mark.parametrize("situation", list(SITUATIONS))
@pytest.mark.parametrize("service", ["tgi", "openai"])
async def test_a_client_that_leaves_is_noticed_at_once(situation: str, service: str, politely: bool) -> None:
    stream, read = SITUATIONS[situation]
    times = {"prefill_ms": 0 if read else 60_000, "token_ms": 200}
    app = tgi_app(TgiSettings(**times)) if service == "tgi" else openai_app(OpenAISettings(**times))
    async with serve(app) as running:
        await leave(running, stream=stream, read=read, politely=politely)
        assert running.closed_early == 1
        assert running.log[-1].closed_after_s is not None
        assert 0 <= running.log[-1].closed_after_s < 2


async def test_an_answer_read_to_its_end_is_not_a_leaving(either: Asking) -> None:
    await either.chat()
    await either.chat(stream=True)
    assert either.simulator.closed_early == 0
    assert either.simulator.open_requests == 0


async def test_a_client_that_leaves_is_charged_for_what_was_made() -> None:
    async with serve(openai_app(OpenAISettings(token_ms=20))) as running:
        await leave(running, stream=True, read=4, politely=False)
        bill = running.bill["tgi"]
    assert bill.prompt_tokens > 0
    assert 0 < bill.completion_tokens < 20


async def test_a_client_that_leaves_while_sending_is_no_request(gpu: Simulator) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", gpu.port)
    writer.write(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n".encode())
    await writer.drain()
    writer.transport.abort()
    async with aiohttp.ClientSession() as http:
        assert (await Asking(gpu, http).get("/health")).status == 200
    assert [entry.path for entry in gpu.log] == ["/health"]


async def test_equal_requests_get_equal_answers_and_usage_is_what_was_said(either: Asking) -> None:
    whole = (await either.chat()).json
    again = (await either.chat(stream=True, stream_options={"include_usage": True})).events
    text = whole["choices"][0]["message"]["content"]
    assert "".join(each["choices"][0]["delta"].get("content", "") for each in again[:-2] if each["choices"]) == text
    assert again[-2]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
    other = await either.chat(messages=[{"role": "user", "content": "Say goodbye"}])
    assert other.json["choices"][0]["message"]["content"] != text
