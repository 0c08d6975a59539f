"""The server's protocol, spoken to over plain sockets: what uvicorn promises holds for ours."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import uvicorn

from gateway.http.accept import Receive, Scope
from gateway.http.respond import Send
from gateway.http.server_protocol import ServerProtocol

IDLE_S = 0.1


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what the path says, as one part or two."""
    body = (await receive())["body"]
    match scope["path"]:
        case "/slow":
            await asyncio.sleep(2 * IDLE_S)
        case "/split":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"1\r\nb: 2")]})
        case "/short":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"short"})
        case "/parts":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"one", "more_body": True})
            await send({"type": "http.response.body", "body": b"two"})
            return
    said = scope["path"].encode() + b" " + body
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(
        app, port=0, http=ServerProtocol, ws="none", lifespan="off", log_level="critical", timeout_keep_alive=IDLE_S
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()[:2])
        yield reader, writer
        writer.close()
        await writer.wait_closed()
        while server.server_state.connections:
            await asyncio.sleep(0)
    finally:
        await server.shutdown()


def asked(path: str, *, method: str = "GET", version: str = "1.1", headers: str = "", body: str = "") -> bytes:
    length = f"content-length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/{version}\r\nhost: x\r\n{headers}{length}\r\n{body}".encode()


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await reader.readexactly(length)


async def test_an_answer_comes_in_one_piece() -> None:
    async with connected() as (reader, writer):
        writer.write(asked("/a", method="POST", body="b"))
        piece = await reader.read(65_536)
        assert piece.startswith(b"HTTP/1.1 200 OK\r\n")
        assert piece.endswith(b"\r\ncontent-length: 4\r\n\r\n/a b")


async def test_an_answer_of_unknown_length_is_chunked() -> None:
    async with connected() as (reader, writer):
        writer.write(asked("/parts"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"\r\ntransfer-encoding: chunked\r\n" in head
        assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_requests_sent_ahead_are_answered_in_order() -> None:
    async with connected() as (reader, writer):
        writer.write(asked("/slow") + asked("/b%20c") + asked("/d", method="POST", body="e"))
        assert [(await answer(reader))[1] for _ in range(3)] == [b"/slow ", b"/b c ", b"/d e"]


async def test_the_head_alone_answers_head() -> None:
    async with connected() as (reader, writer):
        writer.write(asked("/a", method="HEAD") + asked("/b"))
        assert b"\r\ncontent-length: 3\r\n" in await reader.readuntil(b"\r\n\r\n")
        assert (await answer(reader))[1] == b"/b "


async def test_a_body_that_waits_for_permission_gets_it() -> None:
    async with connected() as (reader, writer):
        writer.write(b"POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"b")
        assert (await answer(reader))[1] == b"/a b"


async def test_a_connection_ends_when_either_side_says_so() -> None:
    for request in (asked("/a", headers="connection: close\r\n"), asked("/a", version="1.0")):
        async with connected() as (reader, writer):
            writer.write(request)
            head, body = await answer(reader)
            assert (b"\r\nconnection: close\r\n" in head, body, await reader.read()) == (True, b"/a ", b"")


async def test_an_idle_connection_is_closed_in_time_and_a_busy_one_is_not() -> None:
    async with connected() as (reader, writer):
        for path in ("/a", "/slow"):
            writer.write(asked(path))
            assert (await answer(reader))[1] == f"{path} ".encode()
        began = time.monotonic()
        assert await reader.read() == b""
        assert IDLE_S * 0.9 < time.monotonic() - began < 2


async def test_a_header_with_a_line_break_is_not_sent() -> None:
    async with connected() as (reader, writer):
        writer.write(asked("/split"))
        assert await reader.read() == b""


async def test_a_body_shorter_than_its_head_says_is_no_answer() -> None:
    async with connected() as (reader, writer):
        writer.write(asked("/short"))
        assert await reader.read() == b""


async def test_what_is_no_request_is_told_so() -> None:
    async with connected() as (reader, writer):
        writer.write(b"nonsense\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
