"""Run as a program of its own: classifies while sockets and other programs are refused, and tells which files it opens.

Prints one JSON object: `refused`, what the seal itself held back when it was tried; `loading` and `classifying`, the
files opened that hold no code; `findings`, the kinds found of each request; `unknown`, the notes on what failed.
"""

import importlib
import json
import socket
import subprocess
import sys

opened: set[str] = set()
FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "urllib.",
    "http.",
    "ftplib.",
)
CODE = (".py", ".pyc", ".so", ".pyd")


def seal(event: str, arguments: tuple[object, ...]) -> None:
    if event.startswith(FORBIDDEN):
        raise PermissionError(event)
    if event == "open" and not str(arguments[0]).endswith(CODE):
        opened.add(str(arguments[0]))


def taken() -> list[str]:
    names = sorted(opened)
    opened.clear()
    return names


def refused() -> list[str]:
    """What an attempt to get out came to: the names of the events that the seal refused."""
    attempts = (
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: socket.socket().connect(("127.0.0.1", 9)),
        lambda: subprocess.run([sys.executable, "--version"], check=False),
    )
    events = []
    for attempt in attempts:
        try:
            attempt()
        except PermissionError as error:
            events.append(str(error))
    return events


def main() -> None:
    sys.addaudithook(seal)
    held_back = refused()
    taken()
    classified = importlib.import_module("invented").classified  # only now, so that what imports open is seen as well
    requests = json.load(sys.stdin)
    classified(requests[0])  # weights are read once, by the first request that needs them
    loading = taken()
    verdicts = [classified(request) for request in requests]
    findings = [[finding.kind for finding in verdict.findings] for verdict in verdicts]
    unknown = [note for verdict in verdicts for note in verdict.unknown]
    seen = {"refused": held_back, "loading": loading, "classifying": taken(), "findings": findings, "unknown": unknown}
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
