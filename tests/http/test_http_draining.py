"""A server that drains closes nothing under a client: each is told, and who could not be told may ask once more."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import uvicorn

from gateway.http.accept import Receive, Scope
from gateway.http.respond import Send
from gateway.http.server_protocol import LINGER_S, DrainingState, ServerProtocol

ASK = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
STREAM = b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n"


@dataclass
class Drained:
    """A server with one connection to it, and what lets its stream go on."""

    state: DrainingState
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    go_on: asyncio.Event

    async def answer(self, request: bytes) -> bytes:
        self.writer.write(request)
        return await self.reader.readuntil(b"end")


@contextlib.asynccontextmanager
async def drained() -> AsyncIterator[Drained]:
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"8" if scope["path"] == "/stream" else b"3")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/stream":
            await send({"type": "http.response.body", "body": b"begin", "more_body": True})
            await go_on.wait()
        await send({"type": "http.response.body", "body": b"end"})

    config = uvicorn.Config(app, port=0, http=ServerProtocol, ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    server.server_state = state = DrainingState()
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()[:2])
        async with asyncio.timeout(10 * LINGER_S):
            yield Drained(state, reader, writer, go_on)
        writer.close()
    finally:
        await server.shutdown()


async def test_an_answer_while_draining_says_that_it_is_the_last_and_then_the_connection_closes() -> None:
    async with drained() as server:
        assert b"connection: close" not in await server.answer(ASK)
        server.state.drain()
        assert b"connection: close\r\n" in await server.answer(ASK)
        assert await server.reader.read() == b""


async def test_a_stream_that_had_begun_is_not_cut_and_may_be_followed_by_one_more_answer() -> None:
    async with drained() as server:
        server.writer.write(STREAM)
        head = await server.reader.readuntil(b"begin")
        server.state.drain()
        server.go_on.set()
        await server.reader.readuntil(b"end")
        assert b"connection: close" not in head
        assert b"connection: close\r\n" in await server.answer(ASK)
        assert await server.reader.read() == b""


@pytest.mark.slow
async def test_a_connection_that_nobody_uses_is_closed_after_a_moment_whether_it_was_ever_used_or_not() -> None:
    loop = asyncio.get_running_loop()
    for asked in (ASK, None):
        async with drained() as server:
            if asked:
                await server.answer(asked)
            while not server.state.connections:
                await asyncio.sleep(0)
            began = loop.time()
            server.state.drain()
            assert await server.reader.read() == b""
            assert LINGER_S * 0.9 <= loop.time() - began < LINGER_S * 5


async def test_a_connection_that_comes_while_draining_gets_one_answer() -> None:
    async with drained() as server:
        await server.answer(ASK)
        server.state.drain()
        reader, writer = await asyncio.open_connection(*server.writer.get_extra_info("peername")[:2])
        writer.write(ASK)
        assert b"connection: close\r\n" in await reader.read()
        writer.close()
