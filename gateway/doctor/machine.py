"""What this machine gives a gateway: files that can be written, room on the disk, open files, and the address."""

import errno
import os
import resource
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway.config import Settings
from gateway.doctor.result import Result, ok, trouble, warning

FULL_BYTES, TIGHT_BYTES = 100 << 20, 1 << 30
"""A million records take some 700 MB."""
FEW_FILES = 4096
_SQLITE = b"SQLite format 3\0"


def results(settings: Settings) -> Iterator[Result]:
    """Blocking."""
    for name, file in _files(settings).items():
        yield from _writable(name, file)
    yield _open_files()
    yield _address(settings.host, settings.port)


def _files(settings: Settings) -> dict[str, Path]:
    """What is kept in files: all of it, unless a setting names a Redis."""
    ledger = settings.ledger or str(settings.journal.with_suffix(".ledger.sqlite"))
    named = {"journal": str(settings.journal), "ledger": ledger, "history": settings.policies}
    return {name: Path(where) for name, where in named.items() if "://" not in where}


def _writable(name: str, file: Path) -> Iterator[Result]:
    about = f"{name} `{file}`"
    trouble_found = _in_the_way(file)
    if trouble_found:
        yield trouble(about, *trouble_found)
        return
    free = shutil.disk_usage(file.parent).free
    room = f"{free / (1 << 30):.1f} GiB free"
    if free < FULL_BYTES:
        yield trouble(about, f"the disk is all but full: {room}", "make room, or give another place for it")
    elif free < TIGHT_BYTES:
        yield warning(about, f"the disk is nearly full: {room}", "make room before the records do not fit any more")
    else:
        yield ok(about, f"can be written, {room}")


def _in_the_way(file: Path) -> tuple[str, str] | None:
    """Why the file cannot be written, and what helps. Nothing is created that stays: it would be the wrong user's."""
    folder = file.parent
    if not folder.is_dir():
        return (
            f"there is no folder `{folder}`",
            f"`mkdir -p {folder}`, and give it to the user that the gateway runs as",
        )
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        if file.exists():
            with file.open("r+b") as opened:
                began = opened.read(len(_SQLITE))
            if began and began != _SQLITE:
                return "it is no SQLite file", "give another path, or move the file away"
    except OSError as error:
        reason = (error.strerror or "it cannot be written").lower()
        return reason, f"let the user that the gateway runs as write into `{folder}` and its files"
    return None


def _open_files() -> Result:
    """Two for each request in flight: the client's connection and the backend's."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    about = "open files"
    if most == resource.RLIM_INFINITY or most >= FEW_FILES:
        return ok(about, f"{'no limit' if most == resource.RLIM_INFINITY else f'at most {most:,}'}")
    return warning(
        about,
        f"at most {most:,}, and each request in flight takes two",
        "raise it where the gateway is started: `ulimit -n 65536`, or `LimitNOFILE=65536` in a unit",
    )


def _address(host: str, port: int) -> Result:
    """Taken may be well: by the gateway itself, while it runs."""
    about = f"address `{host}` port {port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return warning(about, "somebody listens there", "well, if it is this gateway; else choose another `--port`")
        reason = (
            os.strerror(error.errno).lower() if error.errno and error.errno > 0 else "it is no address of this machine"
        )
        return trouble(about, f"cannot listen: {reason}", "choose another `--host` or `--port`")
    return ok(about, "free")
