"""What tests of ledgers need: budgets in a line, a clock in the hand, and every kind of books."""

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.core.budgets import Budget, Charge, RollingWindow, Warned
from gateway.core.money import NanoUSD
from gateway.core.ports import Clock
from gateway.limits.budgets import charge
from gateway.stores.books import LEASE_S as WORKERS_LEASE_S
from gateway.stores.books import Books, MemoryBooks
from gateway.stores.books_redis import RedisBooks
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


class Kind:
    """One kind of books, of which each test has its own."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened

    async def let_leases_lapse(self, clock: HandClock) -> None:
        clock.now += WORKERS_LEASE_S + 1


class RedisKind(Kind):
    """Leases end by the server's clock, so it is the leases that are moved."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = secrets.token_hex(4)
        super().__init__(lambda: RedisBooks(url, self._name))

    async def let_leases_lapse(self, clock: HandClock) -> None:
        async with Redis.from_url(self._url) as client:
            key = f"{{{self._name}}}:workers"
            await client.zadd(key, dict.fromkeys(await client.zrange(key, 0, -1), 1))


def kind(name: str, folder: Path, redis_url: Callable[[], str]) -> Kind:
    if name == "redis":
        return RedisKind(redis_url())
    if name == "sqlite":
        return Kind(lambda: SqliteBooks(folder / "ledger.sqlite"))
    books = MemoryBooks()
    return Kind(lambda: books)


@contextlib.asynccontextmanager
async def at_work(opened: Opened, clock: Clock, warned: list[Warned] | None = None) -> AsyncIterator[SlicedLedger]:
    ledger = SlicedLedger(opened, clock, (warned if warned is not None else []).append)
    await ledger.start()
    try:
        yield ledger
    finally:
        await ledger.aclose()
