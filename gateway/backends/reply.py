"""Answers on their way to the client: whole ones in hand, and streams with their first byte in hand."""

from abc import abstractmethod
from collections.abc import AsyncIterator

import msgspec

from gateway.backends.headers import Headers
from gateway.backends.pool import Response
from gateway.backends.replicas import Turn
from gateway.core.errors import AttemptFailed, StreamBroken
from gateway.core.usage import Usage
from gateway.wire.exchange import Rewriter


class WholeReply(msgspec.Struct, frozen=True):
    """Implements `core.ports.Reply` for an answer that has been read to its end."""

    replica: str
    status: int
    headers: Headers
    body: bytes
    usage: Usage | None

    is_stream = False

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body

    async def aclose(self) -> None:
        """Nothing is open."""


class PiecewiseReply:
    """The half of `core.ports.Reply` that streams share: the first sign of an answer in hand, then piece by piece.

    A stream says in `_next` what its next piece becomes, possibly nothing, sets `_is_ended` at the end, and closes what
    it owns in `aclose`.
    """

    __slots__ = ("_first", "_is_ended", "_rewriter", "_turn", "headers", "status")

    is_stream = True
    body = b""

    def __init__(self, rewriter: Rewriter, turn: Turn, headers: Headers, status: int) -> None:
        self.status = status
        self.headers = headers
        self._rewriter = rewriter
        self._turn = turn
        self._first = b""
        self._is_ended = False

    @property
    def replica(self) -> str:
        return self._turn.replica.name

    @property
    def usage(self) -> Usage | None:
        return self._rewriter.usage

    async def begin(self) -> None:
        """Wait for the first byte that is a sign of an answer. Raises AttemptFailed or GatewayError if none comes."""
        try:
            while not self._first and not self._is_ended:
                self._first = await self._next()
        except StreamBroken as broken:  # nothing is out yet, so it is not too late for another attempt
            raise AttemptFailed(broken.kind, broken.detail) from None

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            if self._first:
                yield self._first
            while not self._is_ended:
                data = await self._next()
                if data:
                    yield data
        except StreamBroken as broken:
            self._turn.failed(broken.kind)
            raise

    @abstractmethod
    async def _next(self) -> bytes: ...


class StreamReply(PiecewiseReply):
    """Implements `core.ports.Reply` for an answer that is still coming; owns its connection and its turn."""

    __slots__ = ("_response",)

    def __init__(self, response: Response, rewriter: Rewriter, turn: Turn, headers: Headers, status: int) -> None:
        super().__init__(rewriter, turn, headers, status)
        self._response = response

    async def _next(self) -> bytes:
        try:
            data = await self._response.readany()
        except AttemptFailed as failure:
            raise StreamBroken(failure.kind, failure.detail) from None
        if data:
            return self._rewriter.feed(data)
        self._is_ended = True
        return self._rewriter.finish()

    async def aclose(self) -> None:
        if not self._is_ended:
            self._response.close()  # not returned to the pool: an engine computes until its connection closes
        self._turn.leave()
