"""What tests of ledgers need: budgets in a line, a clock in the hand, and every kind of books."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from gateway.core.budgets import Budget, Charge, RollingWindow, Warned
from gateway.core.money import NanoUSD
from gateway.limits.budgets import charge
from gateway.stores.books import Books, MemoryBooks
from gateway.stores.books_sqlite import SqliteBooks
from gateway.stores.ledger import SlicedLedger

NOON = 1_764_072_000.0
"""25 November 2025, 12:00 UTC."""
LEASE_S = 600.0
Opened = Callable[[], Books]


class HandClock:
    """The wall's clock is set by hand; the other goes by itself."""

    def __init__(self) -> None:
        self.now = NOON

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return time.monotonic()


def account(limit: int, name: str = "b", share: str = "", **other: Any) -> Charge:
    return charge(Budget(name, NanoUSD(limit), **{"window": RollingWindow(3600), **other}), share)


def memory(folder: Path) -> Opened:
    books = MemoryBooks()
    return lambda: books


def sqlite(folder: Path) -> Opened:
    return lambda: SqliteBooks(folder / "ledger.sqlite")


@contextlib.asynccontextmanager
async def at_work(books: Books, clock: HandClock, warned: list[Warned] | None = None) -> AsyncIterator[SlicedLedger]:
    ledger = SlicedLedger(books, clock, (warned if warned is not None else []).append)
    await ledger.start()
    try:
        yield ledger
    finally:
        await ledger.aclose()
