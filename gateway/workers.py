"""Several processes behind one address: each with a queue of connections of its own, watched, and replaced if it dies.

Every worker listens at the same port (`SO_REUSEPORT`), so the kernel spreads the connections. The sockets are opened
and kept open here: what waits in the queue of a worker that died is taken up by the one that replaces it.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from gateway.app import Gateway
from gateway.config import Settings
from gateway.control.origin import Origin
from gateway.control.reload import tell
from gateway.control.siblings import Seat
from gateway.core.errors import ConfigError
from gateway.policy.model import Policy
from gateway.server import DrainingServer
from gateway.stores.open_history import open_history

LOOK_EVERY_S = 0.5
PAUSE_S = 1.0
"""Between two starts of a worker, so that one that cannot start does not keep a core busy."""
BACKLOG = 4096
UNUSABLE = 2
"""The exit code that says that what was configured cannot be used."""

_SPAWN = multiprocessing.get_context("spawn")


class _Running(NamedTuple):
    """One worker's process. `started`: when, on the monotonic clock."""

    process: SpawnProcess
    seat: Seat
    started: float


class Workers:
    """The supervisor: owns the sockets and the processes. It answers no request and reads no policy."""

    def __init__(self, policy: Path, settings: Settings) -> None:
        self._policy = policy
        self._settings = settings
        self._running: dict[int, _Running] = {}
        self._listeners: list[socket.socket] = []
        self._closes_at: float | None = None  # on the monotonic clock, once it is ending
        self._code = 0

    def run(self) -> int:
        """Until all have ended. Raises ConfigError where nobody can listen."""
        self._listeners = listening(self._settings.host, self._settings.port, self._settings.workers)
        with tempfile.TemporaryDirectory(prefix="gateway-") as folder, contextlib.ExitStack() as stack:
            for listener in self._listeners:
                stack.enter_context(listener)
            for number in range(1, self._settings.workers + 1):
                self._start(Seat(Path(folder), number, self._settings.workers))
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, self._end)
            signal.signal(signal.SIGHUP, self._forward)
            while self._running:
                wait([each.process.sentinel for each in self._running.values()], LOOK_EVERY_S)
                self._look()
        return self._code

    def _start(self, seat: Seat) -> None:
        """A signal that is ignored here is ignored there from the first moment on: no early SIGHUP ends a worker."""
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        listener = self._listeners[seat.number - 1]
        process = _SPAWN.Process(target=work, args=(seat, listener, self._policy, self._settings))
        process.start()
        signal.signal(signal.SIGHUP, before)
        self._running[seat.number] = _Running(process, seat, time.monotonic())

    def _look(self) -> None:
        if self._closes_at is not None and time.monotonic() >= self._closes_at:
            for listener in self._listeners:
                listener.close()
        for each in tuple(self._running.values()):
            if each.process.exitcode is not None:
                del self._running[each.seat.number]
                self._replace(each)

    def _replace(self, dead: _Running) -> None:
        code, number = dead.process.exitcode, dead.seat.number
        if self._closes_at is None and code == UNUSABLE and not dead.seat.door(number).exists():
            self._code = UNUSABLE
            self._end(signal.SIGTERM, None)
        if self._closes_at is None:
            tell(f"worker {number} ended with {code}; another takes its place")
            time.sleep(max(0.0, dead.started + PAUSE_S - time.monotonic()))
        if self._closes_at is None:
            self._start(dead.seat)

    def _end(self, number: int, frame: FrameType | None) -> None:
        if self._closes_at is None:
            self._closes_at = time.monotonic() + (self._settings.unready_s if number == signal.SIGTERM else 0.0)
        self._forward(number, frame)

    def _forward(self, number: int, frame: FrameType | None) -> None:
        for each in self._running.values():
            if each.process.pid is not None and each.process.exitcode is None:
                os.kill(each.process.pid, number)


def listening(host: str, port: int, count: int) -> list[socket.socket]:
    """So many sockets at one address. Raises ConfigError where it is taken, also by another gateway, or not ours."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        with contextlib.ExitStack() as stack:
            opened: list[socket.socket] = []
            for _ in range(count):
                # a socket that says it is TCP: only then does asyncio turn off Nagle's algorithm
                listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP))
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                listener.bind(opened[0].getsockname() if opened else address)
                listener.listen(BACKLOG)
                opened.append(listener)
            stack.pop_all()
            return opened
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ConfigError(f"cannot listen on `{host}` port {port}: {reason}; choose another `--port`") from None


def work(seat: Seat, listener: socket.socket, policy: Path, settings: Settings) -> None:
    """One worker, from its first to its last request."""
    os.setpgrp()  # Ctrl-C is for the supervisor, which passes it on once
    origin = Origin(policy, os.environ, settings.weights)
    try:
        gateway = Gateway(_policy(origin, settings), settings, origin, seat)
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(UNUSABLE)
    _Worker(gateway, settings).run([listener])


class _Worker(DrainingServer):
    """Ends when the supervisor is gone, since nobody would replace it, nor tell it to end."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        parent = multiprocessing.parent_process()
        if parent is not None:
            asyncio.get_running_loop().add_reader(parent.sentinel, self._orphaned, parent.sentinel)

    def _orphaned(self, sentinel: int) -> None:
        asyncio.get_running_loop().remove_reader(sentinel)
        self.handle_exit(signal.SIGTERM, None)


def _policy(origin: Origin, settings: Settings) -> Policy:
    """What the file says; where it is bad by now, what the others went on to serve, which this one joins."""
    try:
        return origin.read().policy
    except ConfigError:
        for version in open_history(settings.policies).newest(1):
            return origin.proved(version.text)
        raise
