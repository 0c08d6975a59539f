"""Connections: reused where they may be, given up where they must; what comes through them is believed only whole."""

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.backends.connection import HIGH_WATER, MAX_HEAD_BYTES
from gateway.backends.pool import Origin, Pool
from gateway.core.errors import AttemptFailed, FailureKind

Visit = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


class Listener:
    """A server of bare sockets: `visit` is called for each connection, and `visits` counts them."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._tasks: set[asyncio.Task[None]] = set()
        self.visits = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._visit(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def ended(self) -> None:
        await asyncio.gather(*self._tasks)


@contextlib.asynccontextmanager
async def listening(visit: Visit, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Listener, Origin]]:
    """Ends when every visit has: whoever asked has closed its connections by then."""
    listener = Listener(visit)
    async with await asyncio.start_server(listener, "127.0.0.1", 0, ssl=tls) as server:
        where = "http://127.0.0.1" if tls is None else "https://localhost"
        yield listener, Origin(f"{where}:{server.sockets[0].getsockname()[1]}")
        await listener.ended()


@contextlib.asynccontextmanager
async def a_pool(keep_alive_s: float = 60.0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Pool]:
    pool = Pool(keep_alive_s, tls)
    try:
        yield pool
    finally:
        await pool.aclose()


def saying(*answers: bytes, then_close: bool = False) -> Visit:
    """Each request on a connection gets the next of the answers."""

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            writer.write(answer)
            await writer.drain()
        if not then_close:
            await reader.read()

    return visit


async def ask(pool: Pool, where: Origin) -> bytes:
    response = await pool.request(where, HEAD, b"{}")
    return await response.read(10_000_000)


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with listening(saying(*[PLAIN] * 9)) as (listener, where), a_pool() as pool:
        assert [await ask(pool, where) for _ in range(9)] == [b"hello"] * 9
    assert listener.visits == 1


async def test_a_connection_is_not_used_again_after_its_time() -> None:
    async with listening(saying(PLAIN, PLAIN)) as (listener, where), a_pool(keep_alive_s=0.0) as pool:
        assert [await ask(pool, where) for _ in range(3)] == [b"hello"] * 3
    assert listener.visits == 3


async def test_a_request_that_meets_a_closing_connection_is_sent_once_more() -> None:
    async with listening(saying(PLAIN, b"", then_close=True)) as (listener, where), a_pool() as pool:
        assert [await ask(pool, where) for _ in range(4)] == [b"hello"] * 4
    assert listener.visits == 4


async def test_a_new_connection_that_closes_is_a_failure_and_nothing_is_sent_twice() -> None:
    async with listening(saying(b"", then_close=True)) as (listener, where), a_pool() as pool:
        with pytest.raises(AttemptFailed) as caught:
            await ask(pool, where)
    assert caught.value.kind is FailureKind.BROKEN
    assert listener.visits == 1


NOT_REUSED = {
    "the server says so": b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
    "an older protocol": b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "more than was asked": PLAIN + PLAIN,
    "something behind the answer": PLAIN + b"garbage",
}


@pytest.mark.parametrize("why", list(NOT_REUSED))
async def test_a_connection_is_given_up_where(why: str) -> None:
    async with listening(saying(NOT_REUSED[why])) as (listener, where), a_pool() as pool:
        assert [await ask(pool, where) for _ in range(2)] == [b"hello"] * 2
    assert listener.visits == 2


ANSWERS = {
    "chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "after an interim answer": b"HTTP/1.1 100 Continue\r\nx-a: 1\r\n\r\n" + PLAIN,
    "until the end of the connection": b"HTTP/1.1 200 OK\r\n\r\nhello",
}


@pytest.mark.parametrize("form", list(ANSWERS))
@settings(max_examples=20, deadline=None)
@given(cuts=st.sets(st.integers(1, 60)))
async def test_an_answer_is_whole_however_it_comes(form: str, cuts: set[int]) -> None:
    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        places = [0, *sorted(cuts), len(ANSWERS[form])]
        for start, end in itertools.pairwise(places):
            writer.write(ANSWERS[form][start:end])
            await writer.drain()
            await asyncio.sleep(0)

    async with listening(visit) as (_, where), a_pool() as pool:
        response = await pool.request(where, HEAD, b"{}")
        assert response.status == 200
        assert await response.read(100) == b"hello"


BROKEN = {
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n", FailureKind.BAD_ANSWER),
    "a head without end": (
        b"HTTP/1.1 200 OK\r\n" + b"x-a: aaaaaaaa\r\n" * (MAX_HEAD_BYTES // 10),
        FailureKind.BAD_ANSWER,
    ),
    "a head cut short": (b"HTTP/1.1 200 OK\r\ncontent-le", FailureKind.BROKEN),
    "a body cut short": (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello", FailureKind.BROKEN),
    "a chunk cut short": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n50\r\nhello", FailureKind.BROKEN),
    "a wrong chunk": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello", FailureKind.BAD_ANSWER),
    "a switch of protocols": (
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        FailureKind.BAD_ANSWER,
    ),
}


@pytest.mark.parametrize("what", list(BROKEN))
async def test_what_is_no_answer_is_a_failure(what: str) -> None:
    said, kind = BROKEN[what]
    async with listening(saying(said, then_close=True)) as (_, where), a_pool() as pool:
        with pytest.raises(AttemptFailed) as caught:
            await ask(pool, where)
    assert caught.value.kind is kind


async def test_an_answer_larger_than_its_bound_is_not_held() -> None:
    large = b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n" + b"x" * 5_000_000
    async with listening(saying(large)) as (_, where), a_pool() as pool:
        response = await pool.request(where, HEAD, b"{}")
        with pytest.raises(AttemptFailed):
            await response.read(1_000_000)
        response.close()


async def test_a_reader_that_is_slow_slows_the_server_down() -> None:
    sent = 0

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 100 * HIGH_WATER:
            writer.write(b"x" * HIGH_WATER)
            await writer.drain()
            sent += HIGH_WATER

    async with listening(visit) as (_, where), a_pool() as pool:
        response = await pool.request(where, HEAD, b"{}")
        for _ in range(1000):
            await asyncio.sleep(0)
        held = sent
        assert held < 100 * HIGH_WATER
        assert len(await response.read(200 * HIGH_WATER)) == 100 * HIGH_WATER


async def test_a_request_that_is_given_up_closes_its_connection_at_once() -> None:
    closed = asyncio.Event()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        assert await reader.read() == b""
        closed.set()

    async with listening(visit) as (_, where), a_pool() as pool:
        asking = asyncio.create_task(ask(pool, where))
        await asyncio.sleep(0.05)
        asking.cancel()
        async with asyncio.timeout(1):
            await closed.wait()


CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""For `localhost`, signed by itself, with its key: made for these tests, trusted by nobody else."""


def server_side() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def test_an_answer_comes_through_tls() -> None:
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    async with (
        listening(saying(PLAIN, PLAIN), server_side()) as (listener, where),
        a_pool(tls=trusting) as pool,
    ):
        assert [await ask(pool, where) for _ in range(2)] == [b"hello"] * 2
    assert listener.visits == 1


async def test_a_certificate_nobody_vouches_for_is_refused() -> None:
    async with listening(saying(PLAIN), server_side()) as (_, where), a_pool() as pool:
        with pytest.raises(AttemptFailed) as caught:
            await ask(pool, where)
    assert caught.value.kind is FailureKind.CONNECT
    assert "certificate is not trusted" in caught.value.detail
