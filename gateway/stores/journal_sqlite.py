"""The journal of Records in one SQLite file: appended in batches, read back equal, shared by several processes."""

import contextlib
import functools
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from gateway.core.errors import ConfigError, JournalUnavailable
from gateway.core.records import Record
from gateway.core.types import Sensitivity, Tier
from gateway.stores import rollups
from gateway.stores.sqlite_file import BUSY_S, connect, pragma, told, transaction, use_wal

VERSION = 3
"""The schema's, kept in `user_version`. The columns are for people's queries; `record` is the whole Record as JSON."""
_OLDER = (1, 2)
"""Those that differ from it in nothing but their sums, which are made anew."""
_SUMMING_UP_MS = 600_000
READABLE = (*_OLDER, VERSION)
APPLICATION_ID = 0x67775F6A  # "gw_j"
_COLUMNS: Mapping[str, str] = {
    "id": "TEXT NOT NULL",
    "decision_id": "TEXT NOT NULL",
    "at": "REAL NOT NULL",  # seconds since the epoch
    "caller": "TEXT NOT NULL",
    "team": "TEXT NOT NULL",
    "endpoint": "TEXT NOT NULL",
    "sensitivity": "TEXT NOT NULL",
    "tier": "TEXT NOT NULL",
    "rule": "TEXT NOT NULL",
    "backend": "TEXT NOT NULL",
    "zone": "TEXT NOT NULL",
    "ending": "TEXT NOT NULL",
    "status": "INTEGER NOT NULL",
    "code": "TEXT NOT NULL",
    "prompt_tokens": "INTEGER",  # as the backend reported it; NULL where unknown
    "completion_tokens": "INTEGER",
    "cost_nano": "INTEGER",  # nano-dollars
    "total_ms": "REAL NOT NULL",
    "policy_digest": "TEXT NOT NULL",
    "record": "TEXT NOT NULL",
}
_SCHEMA = (
    f"CREATE TABLE records (seq INTEGER PRIMARY KEY, {', '.join(map(' '.join, _COLUMNS.items()))})",
    "CREATE INDEX records_at ON records (at)",
    "CREATE INDEX records_id ON records (id)",
    *rollups.SCHEMA,
    f"PRAGMA application_id = {APPLICATION_ID}",
)
_MOST_ROWS = 256
"""Rows a statement. After each statement this thread waits for the interpreter's lock, at full load up to 5 ms: row by
row (`executemany`) the journal would fall behind the requests. Powers of two, so that SQLite keeps few statements."""
_FAULTS_OF_A_RECORD = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError)
_SENSITIVITIES = tuple(level.label for level in Sensitivity)
_TIERS = tuple(tier.label for tier in Tier)
_LARGEST = 2**63 - 1

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class SqliteJournal:
    """Append-only. Blocking, so it is called off the event loop; `write`, `read` and `find` may run side by side.

    Raises ConfigError where the file cannot be a journal, JournalUnavailable where it cannot be used at the moment, and
    SQLite's own errors for a Record that no table can hold.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()  # of the writing connection
        with self._as_config_error(), contextlib.ExitStack() as opened:
            self._writer = opened.enter_context(contextlib.closing(connect(path)))
            self._prepare()
            self._reader = opened.enter_context(contextlib.closing(connect(path)))
            self._reader.execute("PRAGMA query_only = ON")
            opened.pop_all()

    def write(self, records: Sequence[Record]) -> None:
        """All of them or none, in this order."""
        with self._lock, self._as_unavailable("written"), transaction(self._writer) as writer:
            start = 0
            while start < len(records):
                rows = _power_of_two(min(len(records) - start, _MOST_ROWS))
                chunk = records[start : start + rows]
                writer.execute(_insert(rows), [value for record in chunk for value in _row(record)])
                start += rows
            rollups.add(writer, records)

    def read(self, since: float, limit: int) -> list[Record]:
        """The first `limit` records accepted at `since` (seconds since the epoch) or later, oldest first."""
        return self._select("WHERE at >= ? ORDER BY at, seq LIMIT ?", since, limit)

    def find(self, id: str) -> Record | None:
        """By request id or by decision id: `dec_…` is `req_…` with another beginning, which saves an index."""
        found = self._select("WHERE id = ? AND ? IN (id, decision_id) LIMIT 1", "req" + id[3:], id)
        return found[0] if found else None

    def prune(self, before: float, most: int) -> int:
        """Deletes up to `most` records accepted before then, the oldest first, and says how many; their sums stay."""
        oldest = "SELECT seq FROM records WHERE at < ? ORDER BY at LIMIT ?"
        with self._lock, self._as_unavailable("pruned"), transaction(self._writer) as writer:
            return writer.execute(f"DELETE FROM records WHERE seq IN ({oldest})", (before, most)).rowcount

    def close(self) -> None:
        """Waits for a write that has begun; idempotent."""
        with self._lock:
            self._reader.close()
            self._writer.close()

    def _select(self, which: str, *values: object) -> list[Record]:
        with self._as_unavailable("read"):
            rows = self._reader.execute(f"SELECT record FROM records {which}", values).fetchall()
        return [_decode(row[0]) for row in rows]

    def _prepare(self) -> None:
        """Writing at once tells at start what would otherwise be found out with the first records in hand."""
        if pragma(self._writer, "user_version") in _OLDER:  # another worker may be at it, which takes its time
            self._writer.execute(f"PRAGMA busy_timeout = {_SUMMING_UP_MS}")
        with transaction(self._writer) as writer:
            version, application = pragma(writer, "user_version"), pragma(writer, "application_id")
            is_new = not writer.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            if is_new and version == application == 0:
                for statement in _SCHEMA:
                    writer.execute(statement)
            elif application != APPLICATION_ID:
                raise ConfigError(f"`{self._path}` is a database of something else; give another file as `--journal`")
            elif version in _OLDER:
                self._sum_up(writer)
            elif version != VERSION:
                raise ConfigError(
                    f"the journal `{self._path}` is of version {version}, this gateway writes version {VERSION}; "
                    "move it away, or give another file as `--journal`"
                )
            writer.execute(f"PRAGMA user_version = {VERSION}")
        self._writer.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1_000)}")
        self._writer.execute("PRAGMA synchronous = NORMAL")
        use_wal(self._writer)

    def _sum_up(self, writer: sqlite3.Connection) -> None:
        """A journal of an earlier version gets the sums of this one, once."""
        for statement in rollups.ANEW:
            writer.execute(statement)
        rows = self._writer.execute("SELECT record FROM records")
        while some := rows.fetchmany(_MOST_ROWS):
            rollups.add(writer, [_decode(text) for (text,) in some])

    @contextlib.contextmanager
    def _as_config_error(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason, remedy = told(error)
            message = f"cannot use the journal `{self._path}`: {reason}; {remedy}, or give another file as `--journal`"
            raise ConfigError(message) from None

    @contextlib.contextmanager
    def _as_unavailable(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, _FAULTS_OF_A_RECORD):
                raise
            reason, remedy = told(error)
            message = f"the journal `{self._path}` cannot be {what}: {reason}; {remedy}"
            raise JournalUnavailable(message) from None


def _power_of_two(most: int) -> int:
    """The largest that is not larger."""
    return 1 << (most.bit_length() - 1)


@functools.cache
def _insert(rows: int) -> str:
    row = f"({', '.join('?' * len(_COLUMNS))})"
    return f"INSERT INTO records ({', '.join(_COLUMNS)}) VALUES {', '.join([row] * rows)}"


def _row(record: Record) -> tuple[object, ...]:
    """In the order of `_COLUMNS`."""
    verdict, decision, outcome, usage = record.verdict, record.decision, record.outcome, record.outcome.usage
    return (
        record.id,
        record.decision_id,
        record.at,
        record.caller.id,
        record.caller.team,
        record.endpoint,
        _SENSITIVITIES[verdict.sensitivity],
        _TIERS[verdict.tier],
        decision.rule,
        record.backend,
        record.zone,
        outcome.ending,
        outcome.status,
        outcome.code,
        None if usage is None else min(usage.prompt_tokens, _LARGEST),
        None if usage is None else min(usage.completion_tokens, _LARGEST),
        None if outcome.cost is None else min(outcome.cost, _LARGEST),
        outcome.total_ms,
        decision.policy_digest,
        _encode(record).decode(),
    )
