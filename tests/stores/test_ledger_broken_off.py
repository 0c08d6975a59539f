"""Nobody waits for ever on a ledger, whatever its books do to an exchange."""

import asyncio
import contextlib

import pytest
from ledgers import LEASE_S, account
from spending_process import SystemClock

from gateway.core.budgets import Hold
from gateway.core.errors import LedgerUnavailable
from gateway.core.money import NanoUSD
from gateway.limits.accounts import Answer
from gateway.stores.books import MemoryBooks
from gateway.stores.ledger import SlicedLedger

BUDGET = account(100)


class Deaf(MemoryBooks):
    """Goes on when it is cancelled, as a client does whose answer comes at the same moment."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()

    async def exchange(self, *said) -> Answer:
        if said[3]:
            self.is_asked.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return await super().exchange(*said)


class Faulty(MemoryBooks):
    """Fails at the first request in a way that nobody foresaw."""

    has_failed = False

    async def exchange(self, *said) -> Answer:
        if said[3] and not self.has_failed:
            self.has_failed = True
            raise ZeroDivisionError
        return await super().exchange(*said)


async def test_it_closes_though_its_books_swallow_the_cancellation() -> None:
    books = Deaf()
    ledger = SlicedLedger(lambda: books, SystemClock(), lambda warned: None)
    await ledger.start()
    asking = asyncio.create_task(ledger.reserve((BUDGET,), NanoUSD(1), LEASE_S))
    await books.is_asked.wait()
    async with asyncio.timeout(5):
        await ledger.aclose()
    await asyncio.wait([asking])


async def test_whoever_waits_hears_of_an_exchange_that_broke_off_and_the_next_is_served() -> None:
    books = Faulty()
    ledger = SlicedLedger(lambda: books, SystemClock(), lambda warned: None)
    await ledger.start()
    async with asyncio.timeout(5):
        with pytest.raises(LedgerUnavailable, match="failed: ZeroDivisionError"):
            await ledger.reserve((BUDGET,), NanoUSD(1), LEASE_S)
        await ledger.read([BUDGET])
        assert isinstance(await ledger.reserve((BUDGET,), NanoUSD(1), LEASE_S), Hold)
        await ledger.aclose()
