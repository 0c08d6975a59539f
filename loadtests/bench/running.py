"""Targets as running processes, each a session of its own on its core, from start to end."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PATIENCE_S = 90.0
_ROOT = Path(__file__).resolve().parents[2]


class StartFailed(Exception):
    """A target did not answer in time, or ended."""


class Running(NamedTuple):
    """A process that answers at `url`; `session` is its process id and that of all that it started."""

    session: int
    url: str
    headers: list[str]
    start_s: float


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    port: int,
    core: int,
    output: Path,
    headers: list[str],
    body: str,
) -> Iterator[Running]:
    """Starts it, waits until it has answered `body` for the first time, ends it. Raises StartFailed."""
    with output.open("wb") as out:
        began = time.perf_counter()
        child = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=_ROOT,
            env={**os.environ, **environment},
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _first_answer(child, port, headers, body, output)
            took = time.perf_counter() - began
            yield Running(child.pid, f"http://127.0.0.1:{port}/v1/chat/completions", headers, took)
        finally:
            _end(child)


def _first_answer(child: subprocess.Popen[bytes], port: int, headers: list[str], body: str, output: Path) -> None:
    until = time.perf_counter() + PATIENCE_S
    while not _answers(port, headers, body):
        if child.poll() is not None or time.perf_counter() > until:
            said = output.read_text(errors="replace")[-600:].strip()
            raise StartFailed(f"`{' '.join(map(str, child.args[3:6]))} …` has not answered: {said}")  # type: ignore[index]
        time.sleep(0.005)


def _answers(port: int, headers: list[str], body: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    sent = dict(header.split(": ", 1) for header in headers) | {"Content-Type": "application/json"}
    try:
        connection.request("POST", "/v1/chat/completions", body, sent)
        answer = connection.getresponse()
        answer.read()
        return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the session, SIGKILL to what is left of it: only what was started here."""
    for sign, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            return
