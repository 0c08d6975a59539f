"""One connection that speaks HTTP/1.1: a request at a time, its answer's head and then its body piece by piece."""

import asyncio
from collections import deque
from typing import cast

import httptools

from gateway.core.errors import AttemptFailed, FailureKind

MAX_HEAD_BYTES = 64 * 1024
HIGH_WATER, LOW_WATER = 256 * 1024, 64 * 1024
"""Bytes that wait to be read: above the one the server is told to wait, below the other to go on."""


class Connection(asyncio.Protocol):
    """Owned by a `Pool`. Between `begin` and the end of the answer it belongs to one request.

    `is_reused`: it has answered before, so it may be closing just now. `has_heard`: of this request's answer at least
    one byte has come. Failures are AttemptFailed: BROKEN where the connection ends too early, BAD_ANSWER where what
    comes is no HTTP.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._failure: AttemptFailed | None = None
        self._head_bytes = 0
        self._is_paused = self._has_head = self._has_length = self._is_bodiless = self._is_kept_alive = False
        self._is_complete = True
        self.is_reused = self.has_heard = False
        self.idle_since = 0.0
        self.status = 0
        self.raw_headers: list[tuple[bytes, bytes]] = []

    # What a request asks of it.

    def begin(self, head: bytes, body: bytes, *, is_bodiless: bool) -> None:
        """Send a request. `is_bodiless`: its answer has no body, whatever the head promises (HEAD)."""
        self._pieces.clear()
        self._waiting_bytes = self._head_bytes = 0
        self._has_head = self._has_length = self._is_complete = self._is_kept_alive = self.has_heard = False
        self._is_bodiless = is_bodiless
        self.raw_headers = []
        transport = cast(asyncio.Transport, self._transport)
        if len(body) < LOW_WATER:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)

    async def wait_for_head(self) -> None:
        """Returns when `status` and `raw_headers` (lower-case names) are there."""
        while not self._has_head:
            if self._failure is not None:
                raise self._failure
            await self._wait()

    async def readany(self) -> bytes:
        """All of the body that has come since; empty at its end."""
        while not self._pieces:
            if self._is_complete:
                return b""
            if self._failure is not None:
                raise self._failure
            await self._wait()
        data = self._pieces.popleft() if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._waiting_bytes = 0
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    @property
    def is_reusable(self) -> bool:
        """Its answer was read to the end, and both sides would go on."""
        return (
            self._is_complete
            and not self._pieces
            and self._failure is None
            and self._transport is not None
            and not self._transport.is_closing()
            and self._is_kept_alive
        )

    def close(self) -> None:
        """At once, whatever is under way: an engine computes until its connection closes."""
        if self._transport is not None:
            self._transport.abort()

    # What the event loop and the parser tell it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._is_complete:  # nobody asked
            self._fail(FailureKind.BAD_ANSWER, "the backend sent what nobody asked for")
            return
        self.has_heard = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):  # what a callback raises is the former
            self._fail(FailureKind.BAD_ANSWER, "the backend sent something that is no HTTP answer")
        self._wake()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self._has_head and not self._is_complete and not self._has_length and error is None:
            self._is_complete = True  # a body without a declared length ends with its connection
        elif not self._is_complete:
            self._fail(FailureKind.BROKEN, "the connection ended before the answer did")
        self._transport = None
        self._wake()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MAX_HEAD_BYTES:
            raise ValueError("a head without end")
        name = name.lower()
        self._has_length = self._has_length or name in (b"content-length", b"transfer-encoding")
        self.raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self._has_head = True
            self._is_complete = self._is_bodiless
        else:  # an interim answer; the real one follows
            self.raw_headers = []
            self._has_length = False

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._waiting_bytes += len(body)
        if self._waiting_bytes > HIGH_WATER and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_begin(self) -> None:
        if self._is_complete:
            raise ValueError("a second answer")

    def on_message_complete(self) -> None:
        if self._has_head:
            self._is_complete = True
            self._is_kept_alive = self._parser.should_keep_alive()  # it knows only until the next message

    def _fail(self, kind: FailureKind, detail: str) -> None:
        if self._failure is None:
            self._failure = AttemptFailed(kind, detail)
        self.close()

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
