"""Issued keys in one SQLite file of their own, shared by the processes of one machine: digests, and no key."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.core.errors import ConfigError
from gateway.core.keys import IssuedKey
from gateway.stores.sqlite_file import connect, told, transaction

APPLICATION_ID = 0x67775F6B  # "gw_k"
_SCHEMA = "CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, key TEXT NOT NULL)"
_decode = msgspec.json.Decoder(IssuedKey).decode


class SqliteKeys:
    """Blocking. Every method raises ConfigError where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> list[IssuedKey]:
        """Also those that are revoked, in the order in which they were made. Raises where there is no such file."""
        if not self._path.is_file():
            remedy = f"make one with `gateway keys create --keys {self._path} …`"
            raise ConfigError(f"there is no file of keys `{self._path}`; {remedy}")
        with self._opened() as database:
            return [_decode(text) for (text,) in database.execute("SELECT key FROM keys ORDER BY rowid")]

    def add(self, key: IssuedKey) -> None:
        with self._opened() as database, transaction(database):
            _insert(database, key)

    def revoke(self, id: str, at: float) -> IssuedKey:
        """From `at` on it does not count; one that is revoked already keeps its earlier time."""
        self.all()
        with self._opened() as database, transaction(database):
            return _end(database, id, at)

    def rotate(self, id: str, following: str, digest: str, now: float, at: float) -> IssuedKey:
        """Another key for the same, called `following`; the one of before counts until `at`."""
        self.all()
        with self._opened() as database, transaction(database):
            if not _named(database, id).counts(now):
                raise ConfigError(f"the key `{id}` counts no more; make a new one with `gateway keys create`")
            before = _end(database, id, at)
            key = msgspec.structs.replace(before, id=following, digest=digest, created_at=now, revoked_at=0.0)
            _insert(database, key)
            return key

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self._path.exists():
                self._path.touch(mode=0o600)
            with contextlib.closing(connect(self._path)) as database:
                (application,) = database.execute("PRAGMA application_id").fetchone()
                (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
                if application != APPLICATION_ID and (application or tables):
                    raise sqlite3.DatabaseError("it is a database of something else")
                if not tables:
                    database.execute(_SCHEMA)
                    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                yield database
        except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
            reason, remedy = _trouble(error)
            raise ConfigError(f"the keys in `{self._path}` cannot be used: {reason}; {remedy}") from None


def _trouble(error: sqlite3.Error | OSError | msgspec.MsgspecError) -> tuple[str, str]:
    match error:
        case sqlite3.Error():
            return told(error)
        case OSError():
            return (error.strerror or "it cannot be opened").lower(), "create its folder and make it writable"
        case _:
            return "a row of it is damaged", "move it away and issue its keys anew"


def _insert(database: sqlite3.Connection, key: IssuedKey) -> None:
    database.execute("INSERT INTO keys VALUES (?, ?, ?)", (key.id, key.digest, msgspec.json.encode(key).decode()))


def _named(database: sqlite3.Connection, id: str) -> IssuedKey:
    row = database.execute("SELECT key FROM keys WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise ConfigError(f"there is no key `{id}`; see `gateway keys list`")
    return _decode(row[0])


def _end(database: sqlite3.Connection, id: str, at: float) -> IssuedKey:
    key = _named(database, id)
    ended = msgspec.structs.replace(key, revoked_at=min(key.revoked_at or at, at))
    database.execute("UPDATE keys SET key = ? WHERE id = ?", (msgspec.json.encode(ended).decode(), id))
    return ended
