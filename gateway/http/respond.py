"""The client's side of one request: a Responder over ASGI's `send`, in the client's own format."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.core.errors import GatewayError
from gateway.core.types import Endpoint
from gateway.wire import errors

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


class AsgiResponder:
    """Implements `core.ports.Responder`."""

    __slots__ = ("_endpoint", "_is_events", "_send", "has_begun", "rates")

    def __init__(self, send: Send, endpoint: Endpoint) -> None:
        self._send = send
        self._endpoint = endpoint
        self._is_events = False
        self.has_begun = False
        self.rates: Headers = []  # what every answer tells of rate limits

    async def refuse(self, error: GatewayError, headers: Headers) -> None:
        body = errors.body(error, self._endpoint.dialect)
        await self.whole(error.status, [*headers, *errors.headers(error), (b"content-type", b"application/json")], body)

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        self.has_begun = True
        headers += self.rates
        headers.append((b"content-length", b"%d" % len(body)))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, headers: Headers) -> None:
        self.has_begun = True
        headers += self.rates
        self._is_events = any(name == b"content-type" and b"event-stream" in value for name, value in headers)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def chunk(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def break_off(self, error: GatewayError) -> None:
        """An event stream ends in an error event. Bytes of any other kind cannot carry one: the connection is cut."""
        if not self._is_events:
            raise CutConnection
        await self.chunk(errors.event(error, self._endpoint))
        await self.end()


class CutConnection(Exception):
    """Leave the response unfinished, so that the server closes the socket and the client sees a broken transfer."""
