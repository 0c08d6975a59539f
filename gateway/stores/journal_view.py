"""Looking into a journal that is being written: its sums over a stretch of time, its records by what became of them.

Blocking, so it is called off the event loop. Each question has a connection of its own, which cannot write.
"""

import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from gateway.core.errors import JournalUnavailable
from gateway.core.records import Record
from gateway.stores.rollups import SPAN_S, TABLES

FILTERS = ("sensitivity", "tier", "rule", "backend", "zone", "ending", "code", "caller", "team", "endpoint")
"""Columns that records can be chosen by."""
MOST = 200
_decode = msgspec.json.Decoder(Record).decode

Row = Mapping[str, str | int]


class Page(msgspec.Struct, frozen=True):
    """Records, the newest first, and where the next page begins; `after` None: there is none."""

    records: tuple[Record, ...]
    after: int | None


class JournalView:
    """Raises JournalUnavailable where the journal cannot be read now."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sums(self, since: float, until: float) -> Mapping[str, Sequence[Row]]:
        """By table of the rollups: their rows, added up over all spans of ten minutes that begin in [since, until)."""
        with self._connected() as connection:
            return {
                name: _added(connection, name, keys[1:], totals, since, until)
                for name, (keys, totals) in TABLES.items()
            }

    def timeline(self, since: float, until: float) -> Sequence[Row]:
        """Requests, tokens and cost of each span, by backend."""
        keys, totals = ("span", "backend"), TABLES["answered"][1]
        with self._connected() as connection:
            return _added(connection, "answered", keys, totals, since, until)

    def page(self, chosen: Mapping[str, str], after: int | None, limit: int) -> Page:
        """Records of which these columns (of `FILTERS`) have these values, older than the place `after`."""
        wheres = [f"{name} = ?" for name in chosen if name in FILTERS]
        values: list[object] = [value for name, value in chosen.items() if name in FILTERS]
        if after is not None:
            wheres.append("seq < ?")
            values.append(after)
        where = f"WHERE {' AND '.join(wheres)}" if wheres else ""
        most = max(1, min(limit, MOST))
        with self._connected() as connection:
            query = f"SELECT seq, record FROM records {where} ORDER BY seq DESC LIMIT ?"
            rows = connection.execute(query, (*values, most + 1)).fetchall()
        shown = rows[:most]
        return Page(tuple(_decode(text) for _, text in shown), shown[-1][0] if len(rows) > most else None)

    def newest(self, since: float, most: int) -> Generator[Record]:
        """At most `most` records accepted at `since` or later, the newest first; read as they are asked for."""
        with self._connected() as connection:
            query = "SELECT record FROM records WHERE at >= ? ORDER BY at DESC LIMIT ?"
            for (text,) in connection.execute(query, (since, most)):
                yield _decode(text)

    def count(self, since: float) -> int:
        """Of the records accepted at `since` or later."""
        with self._connected() as connection:
            found: int = connection.execute("SELECT count(*) FROM records WHERE at >= ?", (since,)).fetchone()[0]
        return found

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise JournalUnavailable(f"the journal `{self._path}` cannot be read: {str(error).lower()}") from None


def _added(
    connection: sqlite3.Connection, name: str, keys: Sequence[str], totals: Sequence[str], since: float, until: float
) -> Sequence[Row]:
    """Integers only: a sum beyond what SQLite counts in is an error there, and cut off before."""
    first = int(since // SPAN_S) * SPAN_S
    sums = ", ".join(f"sum({total})" for total in totals)
    query = (
        f"SELECT {', '.join(keys)}, {sums} FROM rolled_{name} WHERE span >= ? AND span < ? "
        f"GROUP BY {', '.join(keys)} ORDER BY {', '.join(keys)}"
    )
    columns = (*keys, *totals)
    return [dict(zip(columns, row, strict=True)) for row in connection.execute(query, (first, until))]
