"""Several processes behind one address: each with a queue of connections of its own, watched, and replaced if it dies.

Every worker listens at the same port (`SO_REUSEPORT`), so the kernel spreads the connections. The sockets are opened
and kept open here: what waits in the queue of a worker that died, or was told to go, is taken up by the next one there.
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
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
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
UP_WITHIN_S = 60.0
"""How long a new worker may take in a rolling restart before that is given up."""
BACKLOG = 4096
UNUSABLE = 2
"""The exit code that says that what was configured cannot be used."""

_SPAWN = multiprocessing.get_context("spawn")


class _Running(NamedTuple):
    """One worker's process. `started`: when, on the monotonic clock; `up` can be read once it takes requests, and
    `is_up` once that was read."""

    process: SpawnProcess
    seat: Seat
    started: float
    up: Connection
    is_up: bool = False


class Workers:
    """The supervisor: owns the sockets and the processes. It answers no request and reads no policy.

    `given`: the command line, which each worker reads by itself, so that it may be of another version than we are.
    """

    def __init__(self, settings: Settings, given: Mapping[str, object]) -> None:
        self._settings = settings
        self._given = {name: str(value) for name, value in given.items() if isinstance(value, str | int | float | Path)}
        self._running: dict[int, _Running] = {}
        self._leaving: list[_Running] = []
        self._to_replace: list[int] = []  # the workers of a rolling restart that are still to go
        self._next: _Running | None = None  # the one that takes the place of the first of them
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
                self._running[number] = self._started(Seat(Path(folder), number, self._settings.workers))
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, self._end)
            signal.signal(signal.SIGHUP, self._forward)
            signal.signal(signal.SIGUSR2, self._roll)
            while everyone := self._everyone():
                coming = [] if self._next is None else [self._next.up]
                wait([*(each.process.sentinel for each in everyone), *coming], LOOK_EVERY_S)
                self._look()
                self._replace_next()
        return self._code

    def _started(self, seat: Seat) -> _Running:
        """A signal that is ignored here is ignored there from the first moment: none that comes early ends it."""
        before = [(each, signal.signal(each, signal.SIG_IGN)) for each in (signal.SIGHUP, signal.SIGUSR2)]
        listener = self._listeners[seat.number - 1]
        up, tells = _SPAWN.Pipe(duplex=False)
        place = (str(seat.folder), seat.number, seat.of)
        process = _SPAWN.Process(target=work, args=(place, listener, self._given, tells))
        process.start()
        tells.close()
        for each, way in before:
            signal.signal(each, way)
        return _Running(process, seat, time.monotonic(), up)

    def _look(self) -> None:
        if self._closes_at is not None and time.monotonic() >= self._closes_at:
            for listener in self._listeners:
                listener.close()
        for each in tuple(self._running.values()):
            if each.process.exitcode is not None:
                del self._running[each.seat.number]
                self._replace(each)
        self._leaving = [each for each in self._leaving if each.process.exitcode is None]

    def _replace(self, dead: _Running) -> None:
        code, number = dead.process.exitcode, dead.seat.number
        if self._closes_at is None and code == UNUSABLE and not dead.seat.door(number).exists():
            self._code = UNUSABLE
            self._end(signal.SIGTERM, None)
        if self._closes_at is None:
            tell(f"worker {number} ended with {code}; another takes its place")
            time.sleep(max(0.0, dead.started + PAUSE_S - time.monotonic()))
        if self._closes_at is None:
            self._running[number] = self._started(dead.seat)

    def _roll(self, number: int, frame: FrameType | None) -> None:
        """All are to be replaced, one after the other; what was under way begins anew."""
        self._to_replace = sorted(self._running)

    def _replace_next(self) -> None:
        """A step of a rolling restart: a worker goes once the one that takes its place takes requests."""
        if self._next is not None and self._next.up.poll():
            self._hand_over(self._next)
        if self._next is not None and time.monotonic() >= self._next.started + UP_WITHIN_S:
            self._next.process.kill()
        if self._next is None and self._to_replace and self._closes_at is None:
            self._next = self._started(self._running[self._to_replace[0]].seat)

    def _hand_over(self, following: _Running) -> None:
        """Where it ended before it was up, the one before stays, and so do the others."""
        self._next, number = None, following.seat.number
        try:
            following.up.recv()
        except EOFError:
            self._to_replace.clear()
            tell(f"the rolling restart was given up: the new worker {number} ended before it took a request")
            return
        before, self._running[number] = self._running.get(number), following._replace(is_up=True)
        self._to_replace = [each for each in self._to_replace if each != number]
        if before is not None:
            self._leaving.append(before)
            _send(before, signal.SIGUSR2 if before.is_up or before.up.poll() else signal.SIGTERM)
        if not self._to_replace:
            tell("the rolling restart is done: every worker is a new one")

    def _everyone(self) -> list[_Running]:
        return [*self._running.values(), *self._leaving, *([] if self._next is None else [self._next])]

    def _end(self, number: int, frame: FrameType | None) -> None:
        if self._closes_at is None:
            self._closes_at = time.monotonic() + (self._settings.unready_s if number == signal.SIGTERM else 0.0)
        self._forward(number, frame)

    def _forward(self, number: int, frame: FrameType | None) -> None:
        for each in self._everyone():
            _send(each, number)


def _send(to: _Running, number: int) -> None:
    if to.process.pid is not None and to.process.exitcode is None:
        os.kill(to.process.pid, number)


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


def work(place: tuple[str, int, int], listener: socket.socket, given: Mapping[str, str], up: Connection) -> None:
    """One worker, from its first to its last request. Its arguments are plain, for a supervisor of another version."""
    os.setpgrp()  # Ctrl-C is for the supervisor, which passes it on once
    seat = Seat(Path(place[0]), *place[1:])
    try:
        settings = Settings.read(os.environ, given)
        origin = Origin(Path(given["policy"]), os.environ, settings.weights)
        gateway = Gateway(_policy(origin, settings), settings, origin, seat)
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(UNUSABLE)
    _Worker(gateway, settings, up).run([listener])


class _Worker(DrainingServer):
    """Ends when the supervisor is gone, since nobody would replace it, nor tell it to end."""

    def __init__(self, gateway: Gateway, settings: Settings, up: Connection) -> None:
        super().__init__(gateway, settings)
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, self.retire)
            self._up.send(True)
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
