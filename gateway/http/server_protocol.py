"""uvicorn's HTTP/1.1 with less to do for a request: an answer is written at once, and a connection has one timer."""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

LINGER_S = 1
"""A client that was not told, since its answer had begun, may ask once more in this time and is told then."""
_BODILESS = (204, 304)


class DrainingState(ServerState):
    """What all connections of a server know. `is_draining`: each answer that begins says that it is the last of its
    connection, and one that is idle for `LINGER_S` is closed: nothing is closed under a client that just asks again."""

    is_draining = False

    def drain(self) -> None:
        self.is_draining = True
        for connection in self.connections:
            if isinstance(connection, ServerProtocol):
                connection.drain()


class ServerProtocol(HttpToolsProtocol):
    """For a server without websockets, root path, access log and limit of connections; everything else is uvicorn's."""

    cycle: RequestResponseCycle
    server_state: ServerState
    _idle_since: float | None = None  # of the loop's clock; None while a request is coming or being answered

    def on_headers_complete(self) -> None:
        parser, scope, before = self.parser, self.scope, self.cycle
        version, url = parser.get_http_version(), httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        self.cycle = _Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive() and not self._is_draining,
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:  # requests sent ahead are answered one after the other
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    @property
    def _is_draining(self) -> bool:
        return isinstance(self.server_state, DrainingState) and self.server_state.is_draining

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._is_draining:
            self.drain()

    def drain(self) -> None:
        """What comes now is answered, the last time; what has begun is not cut, and may be followed by one more."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._idle_since = self.loop.time()
        elif not cycle.response_started and not self.pipeline:
            cycle.keep_alive = False
        self.timeout_keep_alive = LINGER_S
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        self._look_again_in(LINGER_S)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again_in(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has been idle for long enough, else look again when it may have been."""
        idle_s = 0.0 if self._idle_since is None else self.loop.time() - self._idle_since
        if idle_s < self.timeout_keep_alive:
            self._look_again_in(self.timeout_keep_alive - idle_s)
        elif not self.transport.is_closing():
            self.transport.close()

    def _look_again_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)


class _Cycle(RequestResponseCycle):
    """One request and its answer, whose head waits for the first of its body, so that both are one write."""

    _head = b""

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self.response_started = True
            self.waiting_for_100_continue = False
            self._head = self._begun(message["status"], message.get("headers", ()))
        else:
            self._write(message.get("body", b""), is_last=not message.get("more_body", False))

    def _begun(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The lines of the head, and what they promise of the body."""
        lines = [STATUS_LINE[status]]
        for name, value in (*self.default_headers, *headers):
            if name == b"content-length":
                self.chunked_encoding, self.expected_content_length = False, int(value)
            elif name == b"connection" and value.lower() == b"close":
                self.keep_alive = False
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        head = b"".join(lines)
        if not head.count(b"\r") == head.count(b"\n") == len(lines) or b"\0" in head:
            raise RuntimeError("a header with a line break in it")
        return head + b"\r\n"

    def _write(self, body: bytes, *, is_last: bool) -> None:
        """A part of the body. Raises RuntimeError where it is not the body that the head has promised."""
        head, self._head = self._head, b""
        if self.scope["method"] == "HEAD":
            self.expected_content_length, body = 0, b""
        elif self.chunked_encoding:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"0\r\n\r\n" if is_last else b"")
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (is_last and self.expected_content_length):
                raise RuntimeError("a body of another length than its head says")
        self.transport.write(head + body if head else body)
        if is_last:
            self._end()

    def _end(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
