"""One gateway under uvicorn, until SIGTERM drains it."""

import asyncio
import math
import signal
import socket
from types import FrameType

import uvicorn

from gateway.app import Gateway, asgi
from gateway.config import Settings
from gateway.control.access import VARIABLE
from gateway.control.reload import tell
from gateway.http.server_protocol import DrainingState, ServerProtocol

KEEP_ALIVE_S = 75
"""Longer than the 60 s of common load balancers, so that they, not we, close idle connections."""
LOOK_EVERY_S = 0.05
"""How late the end of the last connection may be seen."""


def uvicorn_config(gateway: Gateway, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        asgi(gateway),
        host=settings.host,
        port=settings.port,
        http=ServerProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who is in front of us decides nothing here
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(settings.drain_s),
        backlog=4096,
    )


class DrainingServer(uvicorn.Server):
    """On SIGTERM: unready at once, each answer the last of its connection, still open for `unready_s` so that load
    balancers notice, then no new connections while streams finish (at most `drain_s`), then exit. Ctrl-C skips the
    first wait; a second signal ends at once."""

    def __init__(self, gateway: Gateway, settings: Settings) -> None:
        super().__init__(uvicorn_config(gateway, settings))
        self._gateway = gateway
        self._unready_s, self._drain_s = settings.unready_s, settings.drain_s
        self.server_state = self._state = DrainingState()
        self._door_is_closed = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        policy = self._gateway.policy
        for place in {listening.getsockname()[:2] for server in self.servers for listening in server.sockets}:
            where = f"http://{place[0]}:{place[1]}"
            tell(f"policy `{policy.name}` ({policy.digest[:12]}), listening on {where}")
        control = self._gateway.control
        if control is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, control.reload.soon)
            if self._gateway.access.is_local_only:
                tell(f"`{VARIABLE}` is not set, so the admin routes answer this machine only")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._gateway.is_draining:
            self.force_exit = self._door_is_closed
            self.should_exit = True
            return
        self._gateway.drain()
        self._state.drain()
        if sig == signal.SIGTERM and self._unready_s > 0:
            asyncio.get_running_loop().call_later(self._unready_s, self._close_the_door)
        else:
            self._close_the_door()

    def retire(self) -> None:
        """Another listens in our place: no new connections from now on, and the end is as after SIGTERM. We are not
        unready: the address is not."""
        self._state.drain()
        self._close_the_door()

    def _close_the_door(self) -> None:
        """The end comes when the last connection has gone, or `drain_s` later."""
        self._door_is_closed = True
        self._gateway.feed.end()
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        self._look(loop, loop.time() + self._drain_s)

    def _look(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        if self.server_state.connections and loop.time() < until:
            loop.call_later(LOOK_EVERY_S, self._look, loop, until)
            return
        self._gateway.drain()
        self.config.timeout_graceful_shutdown = 1  # they have had their time
        self.should_exit = True
