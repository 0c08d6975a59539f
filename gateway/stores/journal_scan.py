"""Reading a journal from end to end, without writing to it, while a gateway may be writing: for replays and reports."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from gateway.core.errors import ConfigError
from gateway.core.records import Record
from gateway.stores.journal_sqlite import APPLICATION_ID, READABLE

_AT_ONCE = 1_000
_decode = msgspec.json.Decoder(Record).decode


class JournalScan:
    """The records accepted at `since` (seconds since the epoch) or later, in the order they were written.

    Raises ConfigError where the file is no journal that can be read.
    """

    def __init__(self, path: Path, since: float) -> None:
        self._path = path
        self._since = since
        try:
            with closing(self._connected()) as connection:
                self._check(connection)
                found = connection.execute("SELECT count(*) FROM records WHERE at >= ?", (since,)).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        self.count: int = found[0]

    def __iter__(self) -> Iterator[Record]:
        try:
            with closing(self._connected()) as connection:
                rows = connection.execute("SELECT record FROM records WHERE at >= ? ORDER BY seq", (self._since,))
                while some := rows.fetchmany(_AT_ONCE):
                    for (text,) in some:
                        yield _decode(text)
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def find(self, id: str) -> Record | None:
        """By request id or by decision id."""
        try:
            with closing(self._connected()) as connection:
                row = connection.execute("SELECT record FROM records WHERE id = ?", ("req" + id[3:],)).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        return None if row is None else _decode(row[0])

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)

    def _check(self, connection: sqlite3.Connection) -> None:
        application, version = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if application != APPLICATION_ID or version not in READABLE:
            raise ConfigError(f"`{self._path}` is no journal of this gateway's version; give another file")

    def _unusable(self, error: sqlite3.Error) -> ConfigError:
        return ConfigError(f"cannot read the journal `{self._path}`: {str(error).lower()}; give the path of a journal")
