"""The history of policies in one SQLite file, shared by the processes of one machine."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.core.errors import ConfigError, JournalUnavailable
from gateway.stores.policy_history import Source, Version

BUSY_S = 5.0
"""How long a change waits for another process's."""
APPLICATION_ID = 0x67775F70  # "gw_p"
_COLUMNS = "version, at, author, source, digest, note, restores, text"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS policies (
  version INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, author TEXT NOT NULL, source TEXT NOT NULL,
  digest TEXT NOT NULL, note TEXT NOT NULL, restores INTEGER, text BLOB NOT NULL)
"""


class SqliteHistory:
    """Implements `PolicyHistory`. Raises ConfigError where the file cannot be one."""

    is_shared = False

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._prepare()
        except JournalUnavailable as trouble:
            raise ConfigError(str(trouble)) from None

    def newest(self, limit: int) -> list[Version]:
        return self._select("ORDER BY version DESC LIMIT ?", limit)

    def find(self, version: int) -> Version | None:
        return next(iter(self._select("WHERE version = ?", version)), None)

    def before(self, version: Version) -> Version | None:
        stood = version.restores or version.version
        found = self._select("WHERE version < ? AND digest != ? ORDER BY version DESC LIMIT 1", stood, version.digest)
        return next(iter(found), None)

    def append(self, version: Version, allows: Callable[[Version | None], bool]) -> bool:
        with self._opened() as database, _alone(database):
            latest = next(iter(_read(database, "ORDER BY version DESC LIMIT 1")), None)
            if not allows(latest):
                return False
            database.execute(
                f"INSERT INTO policies ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
                (
                    version.at,
                    version.author,
                    version.source,
                    version.digest,
                    version.note,
                    version.restores,
                    version.text,
                ),
            )
            return True

    def _prepare(self) -> None:
        with self._opened() as database, _alone(database):
            (application,) = database.execute("PRAGMA application_id").fetchone()
            if application not in (0, APPLICATION_ID):
                raise sqlite3.DatabaseError("it is a database of something else")
            database.execute(_SCHEMA)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _select(self, which: str, *values: object) -> list[Version]:
        with self._opened() as database:
            return _read(database, which, *values)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            with contextlib.closing(connection):
                yield connection
        except sqlite3.Error as error:
            reason = str(error).lower()
            remedy = "make it and its folder writable, or move it away"
            message = f"the history of policies `{self._path}` cannot be used: {reason}; {remedy}"
            raise JournalUnavailable(message) from None


@contextlib.contextmanager
def _alone(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _read(database: sqlite3.Connection, which: str, *values: object) -> list[Version]:
    rows = database.execute(f"SELECT {_COLUMNS} FROM policies {which}", values).fetchall()
    return [
        Version(at, author, Source(source), note, text, restores, version)
        for version, at, author, source, _, note, restores, text in rows
    ]
