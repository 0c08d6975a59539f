"""The connection under a request: how a simulator notices at once that its client left, and how it cuts the line."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION = "gateway.line"
_LINGER_NOT = struct.pack("ii", 1, 0)


class Line:
    """One client's connection. `on_lost` is called the moment it is closed from the other side."""

    __slots__ = ("_gone", "_transport", "on_lost")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._gone = asyncio.Event()
        self.on_lost: Callable[[], object] | None = None

    @property
    def is_lost(self) -> bool:
        return self._gone.is_set()

    def lost(self) -> None:
        self._gone.set()
        if self.on_lost is not None:
            self.on_lost()

    async def close(self) -> None:
        """End the connection in good order (FIN), whatever the answer had promised."""
        self.on_lost = None
        self._transport.close()
        await self._gone.wait()

    async def reset(self) -> None:
        """End the connection as a crashed machine does (RST)."""
        self.on_lost = None
        shared: Any = self._transport.get_extra_info("socket")
        if shared is not None:
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()
        await self._gone.wait()


class LineProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, which also hands each request its `Line` as an ASGI extension."""

    line: Line

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.line = Line(transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"line": self.line}}

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.line.lost()
