"""A ledger whose books are away refuses, says why, loses no bill and counts none twice."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledgers import LEASE_S, account, at_work
from redis_servers import RedisServer
from spending_process import SystemClock

from gateway.core.budgets import Charge, Hold
from gateway.core.errors import LedgerUnavailable
from gateway.core.money import NanoUSD
from gateway.stores.books_redis import RedisBooks
from gateway.stores.books_sqlite import SqliteBooks
from gateway.stores.ledger import SlicedLedger

PATIENCE_S = 30.0
BUDGET = account(100)


async def held(ledger: SlicedLedger, amount: int) -> Hold:
    hold = await ledger.reserve((BUDGET,), NanoUSD(amount), LEASE_S)
    assert isinstance(hold, Hold)
    return hold


async def once_back(ledger: SlicedLedger, charge: Charge) -> tuple[int, int]:
    """What is spent and held, as soon as the books can be read and have heard everything."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(LedgerUnavailable):
                (standing,) = await ledger.read([charge])
                if not ledger._trouble:
                    return standing.spent, standing.held
            await asyncio.sleep(0.01)


async def refused(ledger: SlicedLedger) -> str:
    """What is said once it is noticed that the books are away."""
    with pytest.raises(LedgerUnavailable):
        await ledger.read([BUDGET])
    with pytest.raises(LedgerUnavailable) as caught:
        await ledger.reserve((BUDGET,), NanoUSD(1), LEASE_S)
    return str(caught.value)


async def test_a_redis_that_is_killed_and_comes_back_has_every_bill_once(redis_server: RedisServer) -> None:
    async with at_work(lambda: RedisBooks(redis_server.url), SystemClock()) as ledger:
        before, during, after = await held(ledger, 20), await held(ledger, 30), await held(ledger, 10)
        ledger.settle(before, NanoUSD(2))
        await ledger.read([BUDGET])
        redis_server.kill()
        assert "cannot be used: " in await refused(ledger)
        ledger.settle(during, NanoUSD(3))
        ledger.settle(during, NanoUSD(3))
        redis_server.start()
        assert await once_back(ledger, BUDGET) == (5, 10)
        ledger.settle(after, NanoUSD(1))
        assert await once_back(ledger, BUDGET) == (6, 0)
        await held(ledger, 94)


@pytest.mark.slow
async def test_a_redis_that_has_forgotten_everything_is_told_again_before_it_grants(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start(forgets=True)
    try:
        async with (
            at_work(lambda: RedisBooks(server.url), SystemClock()) as ledger,
            at_work(lambda: RedisBooks(server.url), SystemClock()) as other,
        ):
            ledger.settle(await held(ledger, 60), NanoUSD(60))
            hold = await held(other, 30)
            await asyncio.gather(ledger.read([BUDGET]), other.read([BUDGET]))
            server.kill()
            server.start(forgets=True)
            granted = await reserved_in_time(ledger, 10)
            assert (await ledger.read([BUDGET]))[0].free == 0
            other.settle(hold, NanoUSD(30))
            ledger.settle(granted, NanoUSD(10))
            await once_back(other, BUDGET)
            assert await once_back(ledger, BUDGET) == (100, 0)
    finally:
        server.kill()


async def reserved_in_time(ledger: SlicedLedger, amount: int) -> Hold:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(LedgerUnavailable):
                return await held(ledger, amount)
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_a_redis_that_stands_still_for_ten_seconds_counts_what_it_was_told_once(redis_server) -> None:
    async with at_work(lambda: RedisBooks(redis_server.url), SystemClock()) as ledger:
        hold = await held(ledger, 60)
        redis_server.pause()
        try:
            assert "cannot be used: " in await refused(ledger)
            ledger.settle(hold, NanoUSD(7))
            await asyncio.sleep(10)
        finally:
            redis_server.resume()
        assert await once_back(ledger, BUDGET) == (7, 0)
        await held(ledger, 93)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.slow
async def test_a_file_that_another_process_has_locked_is_used_again_when_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    async with at_work(lambda: SqliteBooks(path), SystemClock()) as ledger:
        hold = await held(ledger, 60)
        with locked(path):
            assert "database is locked; end the other process that holds it" in await refused(ledger)
            ledger.settle(hold, NanoUSD(7))
        assert await once_back(ledger, BUDGET) == (7, 0)


FULL = """
import asyncio, resource, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from ledgers import LEASE_S, account, at_work
from spending_process import SystemClock
from gateway.core.budgets import Hold
from gateway.core.errors import LedgerUnavailable
from gateway.stores.books_sqlite import SqliteBooks

async def main():
    async with at_work(lambda: SqliteBooks(Path(sys.argv[1])), SystemClock()) as ledger:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
        budgets = [account(10, f"budget-{number}") for number in range(4000)]
        spent = failures = 0
        while spent < len(budgets):
            try:
                hold = await ledger.reserve((budgets[spent],), 10, LEASE_S)
                assert isinstance(hold, Hold)
                ledger.settle(hold, 4)
                spent += 1
            except LedgerUnavailable as trouble:
                assert "make room on its disk" in str(trouble), trouble
                failures += 1
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                await asyncio.sleep(0.01)
        assert failures, "it was never full"
        for budget in budgets:
            assert (await ledger.read([budget]))[0].spent == 4

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_disk_that_is_full_for_a_while_costs_no_bill(tmp_path: Path) -> None:
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    command = [sys.executable, "-c", FULL, str(tmp_path / "ledger.sqlite"), *folders]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
