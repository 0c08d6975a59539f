"""What every SQLite file of the gateway needs: patience with other processes, and errors with their remedy."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

BUSY_S = 1.0
"""How long a write waits for another process's."""

_REMEDIES: Mapping[int, str] = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_IOERR: "make room on its disk, or look whether it is failing",
    sqlite3.SQLITE_BUSY: "end the other process that holds it",
    sqlite3.SQLITE_LOCKED: "end the other process that holds it",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable",
    sqlite3.SQLITE_CANTOPEN: "create its folder and make it writable",
    sqlite3.SQLITE_PERM: "make the file and its folder writable",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite file",
    sqlite3.SQLITE_CORRUPT: "it is damaged; move it away",
}


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back where the disk is full
            connection.execute("ROLLBACK")
        raise


def use_wal(connection: sqlite3.Connection) -> None:
    """Changing the mode does not wait for other processes by itself, and several may be starting on a new file."""
    patience_until = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > patience_until:
                raise
            time.sleep(0.01)


def pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def told(error: sqlite3.Error) -> tuple[str, str]:
    """The reason in SQLite's words, and what to do about it."""
    code: int = getattr(error, "sqlite_errorcode", 0)  # errors of the module itself, as on a closed file, have none
    return str(error).lower(), _REMEDIES.get(code & 0xFF, "see sqlite.org/rescode.html")
