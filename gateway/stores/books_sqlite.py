"""Books in one SQLite file, exact for all processes of one machine, kept by one thread off the event loop."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gateway.core.errors import ConfigError, LedgerUnavailable
from gateway.limits.accounts import Accounts, Answer, Ask, Entry, Key, Sums
from gateway.stores.books import LEASE_S, has_lapsed
from gateway.stores.sqlite_file import connect, pragma, told, transaction, use_wal

VERSION = 1
APPLICATION_ID = 0x67775F6C  # "gw_l"
_PURGE_S = 3600.0
_SUMS = "spent INTEGER NOT NULL, held INTEGER NOT NULL, lost INTEGER NOT NULL"
_SCHEMA = (
    f"CREATE TABLE parts (worker TEXT, account TEXT, period INTEGER, {_SUMS}, "
    "PRIMARY KEY (worker, account, period)) WITHOUT ROWID",
    f"CREATE TABLE totals (account TEXT, period INTEGER, {_SUMS}, forget_at REAL NOT NULL, "
    "PRIMARY KEY (account, period)) WITHOUT ROWID",
    "CREATE TABLE workers (worker TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


class SqliteBooks:
    """Every exchange is one `BEGIN IMMEDIATE`, and on the disk before it is answered: a crash spends nothing twice.

    Raises ConfigError where the file cannot be a ledger.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._purged = 0.0
        self._thread = ThreadPoolExecutor(1, "ledger")
        try:
            with contextlib.ExitStack() as opened:
                self._file = opened.enter_context(contextlib.closing(connect(path)))
                self._prepare()
                opened.pop_all()
        except sqlite3.Error as error:
            reason, remedy = told(error)
            message = f"cannot use the ledger `{path}`: {reason}; {remedy}, or give another file as `--ledger`"
            raise ConfigError(message) from None

    async def exchange(self, worker: str, now: float, entries: Sequence[Entry], asks: Sequence[Ask]) -> Answer:
        run = asyncio.get_running_loop().run_in_executor
        return await run(self._thread, self._exchange, worker, now, tuple(entries), tuple(asks))

    async def leave(self, worker: str) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._leave, worker)

    async def aclose(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
        self._thread.shutdown(wait=False)

    def _exchange(self, worker: str, now: float, entries: tuple[Entry, ...], asks: tuple[Ask, ...]) -> Answer:
        with self._as_unavailable(), transaction(self._file):
            accounts = Accounts()
            self._renew(worker, now, accounts)
            for entry in entries:
                self._load(worker, entry, accounts)
            answer = accounts.exchange(worker, entries, asks)
            self._write(accounts, {entry.key: entry.forget_at for entry in entries})
            if now > self._purged + _PURGE_S or now < self._purged:
                self._purge(now)
        return answer

    def _renew(self, worker: str, now: float, accounts: Accounts) -> None:
        """This worker is alive; those who were not heard of for long are not."""
        self._file.execute("INSERT OR REPLACE INTO workers VALUES (?, ?)", (worker, now + LEASE_S))
        for other, until in self._file.execute("SELECT worker, until FROM workers").fetchall():
            if has_lapsed(until, now):
                self._file.execute("DELETE FROM workers WHERE worker = ?", (other,))
                held = "SELECT account, period, spent, held, lost FROM parts WHERE worker = ? AND held > 0"
                for account, period, *sums in self._file.execute(held, (other,)).fetchall():
                    accounts.parts.setdefault(other, {})[account, period] = Sums(*sums)
                    self._load_totals(account, range(period, period + 1), accounts)
                accounts.lose(other)

    def _load(self, worker: str, entry: Entry, accounts: Accounts) -> None:
        self._load_totals(entry.account, entry.counts, accounts)
        which = "SELECT spent, held, lost FROM parts WHERE worker = ? AND account = ? AND period = ?"
        part = self._file.execute(which, (worker, *entry.key)).fetchone()
        if part is not None:
            accounts.parts.setdefault(worker, {})[entry.key] = Sums(*part)

    def _load_totals(self, account: str, periods: range, accounts: Accounts) -> None:
        which = "SELECT period, spent, held, lost FROM totals WHERE account = ? AND period BETWEEN ? AND ?"
        for period, *sums in self._file.execute(which, (account, periods[0], periods[-1])).fetchall():
            accounts.totals.setdefault((account, period), Sums(*sums))

    def _write(self, accounts: Accounts, forget_at: dict[Key, float]) -> None:
        parts = [(worker, *key, *sums) for worker, some in accounts.parts.items() for key, sums in some.items()]
        self._file.executemany("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)", parts)
        changed = {key for some in accounts.parts.values() for key in some}
        totals = [(*key, *accounts.totals[key], forget_at.get(key, 0.0)) for key in changed]
        self._file.executemany(
            "INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET spent = excluded.spent, "
            "held = excluded.held, lost = excluded.lost, forget_at = max(forget_at, excluded.forget_at)",
            totals,
        )

    def _purge(self, now: float) -> None:
        self._purged = now
        self._file.execute("DELETE FROM totals WHERE forget_at < ?", (now,))
        self._file.execute("DELETE FROM parts WHERE (account, period) NOT IN (SELECT account, period FROM totals)")

    def _leave(self, worker: str) -> None:
        with self._as_unavailable(), transaction(self._file):
            self._file.execute("DELETE FROM workers WHERE worker = ?", (worker,))

    def _prepare(self) -> None:
        with transaction(self._file):
            version, application = pragma(self._file, "user_version"), pragma(self._file, "application_id")
            if not self._file.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall() and version == application == 0:
                for statement in _SCHEMA:
                    self._file.execute(statement)
            elif application != APPLICATION_ID:
                raise ConfigError(f"`{self._path}` is a database of something else; give another file as `--ledger`")
            elif version != VERSION:
                raise ConfigError(
                    f"the ledger `{self._path}` is of version {version}, this gateway writes version {VERSION}; "
                    "give another file as `--ledger`"
                )
        self._file.execute("PRAGMA synchronous = FULL")
        use_wal(self._file)

    @contextlib.contextmanager
    def _as_unavailable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason, remedy = told(error)
            raise LedgerUnavailable(f"the ledger `{self._path}` cannot be used: {reason}; {remedy}") from None
