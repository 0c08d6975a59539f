"""Uvicorn in a task of the running loop: a free loopback port, no signal handlers, a bounded end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Generator
from typing import Any

import uvicorn

from gateway.simulators.faults import Faults
from gateway.simulators.line import LineProtocol
from gateway.simulators.stand_in import StandIn
from gateway.simulators.watch import Bill, Seen, Watch


class Simulator:
    """A served ASGI app: its address, and, for a stand-in, what it saw and how it shall fail."""

    def __init__(self, port: int, watch: Watch) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._watch = watch

    @property
    def log(self) -> list[Seen]:
        return self._watch.log

    @property
    def faults(self) -> Faults:
        return self._watch.faults

    @property
    def open_requests(self) -> int:
        """Requests in flight now."""
        return self._watch.open_requests

    @property
    def closed_early(self) -> int:
        """Requests whose client left before the answer's end; `log` says of each how long after its arrival."""
        return self._watch.closed_early

    @property
    def bill(self) -> dict[str, Bill]:
        """Billable tokens by model."""
        return self._watch.bill


@contextlib.asynccontextmanager
async def serve(app: Any, port: int = 0) -> AsyncIterator[Simulator]:
    """Serve any ASGI app on loopback while the block runs. Raises `OSError` where the port is taken."""
    watch = app.watch if isinstance(app, StandIn) else Watch(Faults())
    listener = listening("127.0.0.1", port)
    server = _Server(_config(app))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await server.up
        yield Simulator(listener.getsockname()[1], watch)
    finally:
        server.stop()
        await serving
        listener.close()


def run(app: Any, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    uvicorn.Server(_config(app)).run([listener])


def listening(host: str, port: int) -> socket.socket:
    """A socket that says it is TCP: only then does asyncio turn off Nagle's algorithm, which would hold small events
    back by 40 ms. Raises `OSError` where the address is taken, or none of this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(4096)
    except OSError:
        listener.close()
        raise
    return listener


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=LineProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        backlog=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


GRACE_S = 1.0
"""How long requests in flight may go on once the server stops."""


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers and without the ticks that make it slow to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stop.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # uvicorn's way to say that the app refused to start
            self.should_exit = True
            self.up.set_exception(RuntimeError("the app did not start: its lifespan failed"))
        else:
            self.up.set_result(None)

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks and not isinstance(self.config.app, StandIn):
            await asyncio.wait(self.server_state.tasks, timeout=GRACE_S)
        unfinished = list(self.server_state.tasks)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        await self.lifespan.shutdown()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # let the aborted transports close their sockets
