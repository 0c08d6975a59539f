"""The verb `serve`: the gateway under uvicorn, until SIGTERM drains it."""

import argparse
import asyncio
import math
import os
import signal
import socket
from pathlib import Path
from types import FrameType

import uvicorn

from gateway.app import Gateway, asgi
from gateway.config import Settings
from gateway.control.access import VARIABLE
from gateway.control.origin import Origin
from gateway.control.reload import tell

KEEP_ALIVE_S = 75
"""Longer than the 60 s of common load balancers, so that they, not we, close idle connections."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the routing policy (YAML)")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1; or GATEWAY_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8000; or GATEWAY_PORT)")
    parser.add_argument("--journal", metavar="FILE", help="SQLite file for the records (or GATEWAY_JOURNAL)")
    parser.add_argument(
        "--ledger", metavar="FILE|URL", help="where budgets are kept: SQLite or Redis (or GATEWAY_LEDGER)"
    )
    parser.add_argument("--weights", metavar="FILE", help="weights of the complexity model (or GATEWAY_WEIGHTS)")
    parser.add_argument("--log", choices=("json", "none"), help="a JSON line a request on stdout (or GATEWAY_LOG)")
    parser.add_argument("--max-body-bytes", type=int, metavar="N", help="largest body (or GATEWAY_MAX_BODY_BYTES)")
    parser.add_argument(
        "--drain-s", type=float, metavar="SECONDS", help="longest wait for requests after SIGTERM (or GATEWAY_DRAIN_S)"
    )
    parser.add_argument(
        "--unready-s", type=float, metavar="SECONDS", help="unready but open after SIGTERM (or GATEWAY_UNREADY_S)"
    )


def run(given: argparse.Namespace) -> int:
    settings = Settings.read(os.environ, vars(given))
    origin = Origin(given.policy, os.environ, settings.weights)
    server = DrainingServer(Gateway(origin.read().policy, settings, origin), settings)
    server.run()
    return 0 if server.started else 1


def uvicorn_config(gateway: Gateway, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        asgi(gateway),
        host=settings.host,
        port=settings.port,
        http="httptools",
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
    """On SIGTERM: unready at once, still open for `unready_s` so that load balancers notice, then no new connections
    while streams finish (at most `drain_s`), then exit. Ctrl-C skips the wait; a second signal ends at once."""

    def __init__(self, gateway: Gateway, settings: Settings) -> None:
        super().__init__(uvicorn_config(gateway, settings))
        self._gateway = gateway
        self._unready_s = settings.unready_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        policy = self._gateway.policy
        for place in {listening.getsockname()[:2] for server in self.servers for listening in server.sockets}:
            where = f"http://{place[0]}:{place[1]}"
            tell(f"policy `{policy.name}` ({policy.digest[:12]}), listening on {where}")
        control = self._gateway.control
        if control is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, control.reload.soon)
            if control.access.is_local_only:
                tell(f"`{VARIABLE}` is not set, so the admin routes answer this machine only")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._gateway.is_draining:
            self.force_exit = self.should_exit
            self.should_exit = True
            return
        self._gateway.drain()
        if sig == signal.SIGTERM and self._unready_s > 0:
            asyncio.get_running_loop().call_later(self._unready_s, self._close_the_door)
        else:
            self._close_the_door()

    def _close_the_door(self) -> None:
        self.should_exit = True
