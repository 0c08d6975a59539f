"""Connections to one backend's servers, kept open between requests, and the answers read through them."""

import asyncio
import os
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from gateway.backends.connection import Connection
from gateway.core.errors import AttemptFailed, FailureKind

CONNECT_S = 5.0
_PORTS = {"http": 80, "https": 443}


class Origin:
    """Where a root URL leads: the address to connect to, the `host` to name there, and what its paths begin with."""

    __slots__ = ("authority", "host", "is_tls", "port", "prefix")

    def __init__(self, root: str) -> None:
        parts = urlsplit(root)
        self.is_tls = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or _PORTS.get(parts.scheme, 443)
        self.authority = parts.netloc
        self.prefix = parts.path.rstrip("/")


class ReceivedHeaders(Mapping[str, str]):
    """Headers by lower-case name, decoded when asked for: of a dozen, two are. Of one given twice the last counts."""

    __slots__ = ("_by_name",)

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._by_name = dict(raw)

    def __getitem__(self, name: str) -> str:
        return self._by_name[name.encode("latin-1")].decode("latin-1")

    def get(self, name: str, default: Any = None) -> Any:
        value = self._by_name.get(name.encode("latin-1"))
        return default if value is None else value.decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


class Response:
    """One answer: its head is there, its body is read through it. `close` is idempotent and must be called, unless the
    body was read to its end."""

    __slots__ = ("_connection", "_is_over", "_pool", "_where", "headers", "raw_headers", "status")

    def __init__(self, pool: "Pool", where: Origin, connection: Connection) -> None:
        self._pool = pool
        self._where = where
        self._connection = connection
        self._is_over = False
        self.status = connection.status
        self.raw_headers = connection.raw_headers
        self.headers = ReceivedHeaders(connection.raw_headers)

    async def readany(self) -> bytes:
        """What of the body has come; empty at its end. Raises AttemptFailed where it breaks off."""
        if self._is_over:
            return b""
        data = await self._connection.readany()
        if not data:
            self._is_over = True
            self._pool.give_back(self._where, self._connection)
        return data

    async def read(self, most: int) -> bytes:
        """The whole body. Raises AttemptFailed where it breaks off or has more than `most` bytes."""
        pieces: list[bytes] = []
        total = 0
        while data := await self.readany():
            pieces.append(data)
            total += len(data)
            if total > most:
                raise AttemptFailed(FailureKind.BAD_ANSWER, f"an answer of more than {most} bytes")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._connection.close()


class Pool:
    """Idle connections by origin, the freshest first. One that has been idle for `keep_alive_s` is not used again."""

    def __init__(self, keep_alive_s: float, tls: ssl.SSLContext | None = None) -> None:
        self._keep_alive_s = keep_alive_s
        self._tls = tls
        self._idle: defaultdict[Origin, deque[Connection]] = defaultdict(deque)
        self._is_closed = False

    async def request(self, where: Origin, head: bytes, body: bytes, *, is_bodiless: bool = False) -> Response:
        """Send a request and wait for the head of its answer. Raises AttemptFailed.

        A server may close an idle connection just as a request is written into it. Where a used connection ends
        without a single byte of an answer, the request is sent once more over a new one.
        """
        connection = self._idle_connection(where) or await self._connect(where)
        try:
            return await self._exchange(where, connection, head, body, is_bodiless)
        except AttemptFailed as failure:
            if failure.kind is not FailureKind.BROKEN or not connection.is_reused or connection.has_heard:
                raise
        return await self._exchange(where, await self._connect(where), head, body, is_bodiless)

    def give_back(self, where: Origin, connection: Connection) -> None:
        """An answer has been read to its end."""
        if self._is_closed or not connection.is_reusable:
            connection.close()
            return
        connection.is_reused = True
        connection.idle_since = time.monotonic()
        idle = self._idle[where]
        idle.append(connection)
        while idle[0].idle_since < connection.idle_since - self._keep_alive_s:
            idle.popleft().close()

    async def aclose(self) -> None:
        self._is_closed = True
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()
        await asyncio.sleep(0)  # let the aborted transports close their sockets

    async def _exchange(
        self, where: Origin, connection: Connection, head: bytes, body: bytes, is_bodiless: bool
    ) -> Response:
        try:
            connection.begin(head, body, is_bodiless=is_bodiless)
            await connection.wait_for_head()
        except BaseException:
            connection.close()
            raise
        return Response(self, where, connection)

    def _idle_connection(self, where: Origin) -> Connection | None:
        idle = self._idle[where]
        oldest = time.monotonic() - self._keep_alive_s
        while idle:
            connection = idle.pop()
            if connection.is_reusable and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    async def _connect(self, where: Origin) -> Connection:
        loop = asyncio.get_running_loop()
        tls = self._trusted() if where.is_tls else None
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await loop.create_connection(Connection, where.host, where.port, ssl=tls)
        except TimeoutError:
            raise AttemptFailed(FailureKind.CONNECT, f"no connection within {CONNECT_S:g} s") from None
        except (OSError, ValueError) as error:  # ValueError: a host name that no certificate can have
            raise AttemptFailed(FailureKind.CONNECT, f"no connection: {_reason(error)}") from None
        return connection

    def _trusted(self) -> ssl.SSLContext:
        """The system's certificate authorities (or `SSL_CERT_FILE`), read when first needed."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _reason(error: Exception) -> str:
    """The kind of trouble, without the address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    number = error.errno if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    return os.strerror(number).lower() if number and number > 0 else type(error).__name__
