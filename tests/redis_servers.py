"""A real redis-server on a free loopback port, with a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

PATIENCE_S = 20.0


class RedisServer:
    """Can be killed, paused and started again at the same port with the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str, forgets: bool = False) -> None:
        keeps = ("--appendonly", "no" if forgets else "yes")
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "")
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen([str(program()), *where, *keeps, *more], stdout=log, stderr=log)
        log.close()
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert time.monotonic() < until, (self._folder / "log").read_text()
            assert self._process.poll() is None, (self._folder / "log").read_text()
            time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class RedisSentinel(RedisServer):
    """One that watches a master by itself, and soon makes its replica the master when it is gone."""

    def watch(self, master: RedisServer) -> None:
        rules = self._folder / "sentinel.conf"
        rules.write_text(
            f"sentinel monitor books 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds books 300\nsentinel failover-timeout books 3000\n"
        )
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder))
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen([program(), str(rules), "--sentinel", *where], stdout=log, stderr=log)
        log.close()
        self._wait()
        self.url = f"redis+sentinel://127.0.0.1:{self.port}/books"


def program() -> str:
    """Where redis-server is. Without it these tests are skipped, and fail in CI."""
    found = shutil.which("redis-server")
    if found is None:
        reason = "there is no redis-server here: install Debian's `redis-server`, or run `make setup` as root"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
