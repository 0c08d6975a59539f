"""One process that reserves as often as it is told and pays what it holds; it prints how many holds it was given.

Run as `python spending_process.py LEDGER LIMIT TIMES SECONDS`; with a fifth word it holds and waits to be killed.
"""

import asyncio
import sys
import time

from gateway.core.budgets import Budget, CalendarUnit, CalendarWindow, Hold
from gateway.core.money import NanoUSD
from gateway.limits.budgets import charge
from gateway.stores.ledger import SlicedLedger
from gateway.stores.open_books import open_books

AMOUNT = NanoUSD(1_000_000)


class SystemClock:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


def the_budget(limit: int, wait_s: float) -> Budget:
    return Budget("shared", NanoUSD(limit), CalendarWindow(CalendarUnit.MONTH), wait_s=wait_s)


async def spend(where: str, limit: int, times: int, wait_s: float, *, is_held: bool) -> int:
    ledger = SlicedLedger(lambda: open_books(where), SystemClock, lambda warned: None)
    await ledger.start()
    charges = (charge(the_budget(limit, wait_s)),)

    async def once() -> bool:
        hold = await ledger.reserve(charges, AMOUNT, 600.0)
        if isinstance(hold, Hold) and not is_held:
            ledger.settle(hold, AMOUNT)
        return isinstance(hold, Hold)

    given = sum(await asyncio.gather(*(once() for _ in range(times))))
    if is_held:
        print(given, flush=True)
        await asyncio.sleep(3600)
    await ledger.aclose()
    return given


if __name__ == "__main__":
    where, limit, times, wait_s, *held = sys.argv[1:]
    print(asyncio.run(spend(where, int(limit), int(times), float(wait_s), is_held=bool(held))))
