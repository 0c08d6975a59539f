"""Whatever is reserved, settled or lost, and whatever the clock does: nothing is overspent, every hold ends."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from ledgers import LEASE_S, HandClock, Kind, account, kind

from gateway.core.budgets import CalendarUnit, CalendarWindow, Charge, Hold, RollingWindow, Warned
from gateway.core.money import NanoUSD
from gateway.limits.windows import period
from gateway.stores.ledger import SlicedLedger

LIMIT = 1000
WORKERS = 2
BUDGETS = (
    account(LIMIT, "hours", window=CalendarWindow(CalendarUnit.HOUR, "Europe/Amsterdam"), wait_s=0.0),
    account(LIMIT, "rolling", window=RollingWindow(7200), wait_s=0.0),
)
PLACES = st.integers(0, 10**6)


class Reserved(NamedTuple):
    """A hold that may still be billed, whether or not the ledger knows of it any more."""

    ledger: SlicedLedger
    hold: Hold
    at: float


class Spending(RuleBasedStateMachine):
    """`spent` and `reserved` are what the upstream may bill, kept beside the ledger that is tested."""

    kind: Callable[[Path], Kind]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.books = type(self).kind(Path(self.folder.name))
        self.clock = HandClock()
        self.latest = self.clock.now
        self.workers = [self.started() for _ in range(WORKERS)]
        self.crashed: list[SlicedLedger] = []
        self.reserved: list[Reserved] = []
        self.spent: list[tuple[Charge, float, int]] = []

    def do(self, waits: Any) -> Any:
        return self.loop.run_until_complete(waits)

    def started(self) -> SlicedLedger:
        async def start() -> SlicedLedger:
            ledger = SlicedLedger(self.books.opened, self.clock, list[Warned]().append)
            await ledger.start()
            return ledger

        ledger: SlicedLedger = self.do(start())
        return ledger

    @rule(place=PLACES, amount=st.integers(0, 400) | st.integers(0, 5), which=st.sampled_from(["h", "r", "hr"]))
    def reserve(self, place: int, amount: int, which: str) -> None:
        ledger = self.workers[place % WORKERS]
        charges = tuple(budget for budget in BUDGETS if budget.budget.name[0] in which)
        answer = self.do(ledger.reserve(charges, NanoUSD(amount), LEASE_S, NanoUSD(amount // 2)))
        if isinstance(answer, Hold):
            assert amount // 2 <= answer.amount <= amount
            self.reserved.append(Reserved(ledger, answer, self.clock.now))

    @precondition(lambda self: self.reserved)
    @rule(place=PLACES, part=st.floats(0, 1), again=st.booleans())
    def settle(self, place: int, part: float, again: bool) -> None:
        ledger, hold, at = self.reserved.pop(place % len(self.reserved))
        actual = NanoUSD(int(hold.amount * part))
        for _ in range(1 + again):
            self.loop.call_soon(ledger.settle, hold, actual)
        self.turn(ledger)
        self.spent += [(charge, at, actual) for charge in hold.charges]

    @precondition(lambda self: self.reserved)
    @rule(place=PLACES)
    def extend(self, place: int) -> None:
        at = place % len(self.reserved)
        self.reserved[at].ledger.extend(self.reserved[at].hold, LEASE_S)

    @rule(place=PLACES)
    def turn_over(self, place: int) -> None:
        self.turn(self.workers[place % WORKERS])

    def turn(self, ledger: SlicedLedger) -> None:
        """One turn of a worker, as its timer would have it."""
        if ledger in self.workers:
            self.do(ledger._turn())

    @rule(place=PLACES)
    def crash(self, place: int) -> None:
        """Killed without a word; another process takes its place."""
        ledger = self.workers[place % WORKERS]
        self.do(cut_off(ledger))
        self.crashed.append(ledger)
        self.workers[place % WORKERS] = self.started()

    @precondition(lambda self: self.crashed)
    @rule(place=PLACES)
    def come_back(self, place: int) -> None:
        """It was not dead, only cut off: it tells what it knows."""
        ledger = self.crashed[place % len(self.crashed)]
        self.do(ledger._exchange([*ledger._slices.values(), *ledger._past], []))

    @rule()
    def leases_lapse(self) -> None:
        self.do(self.books.let_leases_lapse(self.clock))

    @rule(seconds=st.floats(-10_800, 10_800) | st.sampled_from([-3600.0, 240.0, 600.0, 3600.0, 7200.0, 7440.0]))
    def clock_steps(self, seconds: float) -> None:
        self.clock.now += seconds
        self.latest = max(self.latest, self.clock.now)

    @invariant()
    def nothing_is_overspent(self) -> None:
        """INVARIANT: what was billed and what may still be is within the limit, in every window."""
        may_be = [(charge, each.at, each.hold.amount) for each in self.reserved for charge in each.hold.charges]
        for budget in BUDGETS:
            window = budget.budget.window
            bills = [(at, amount) for charge, at, amount in (*self.spent, *may_be) if charge == budget]
            for at, _ in bills:
                if isinstance(window, RollingWindow):
                    within = [amount for then, amount in bills if at - window.seconds < then <= at]
                else:
                    within = [amount for then, amount in bills if period(window, then) == period(window, at)]
                assert sum(within) <= LIMIT

    @invariant()
    def nothing_of_a_calendar_is_promised_twice(self) -> None:
        (standing,) = self.do(self.workers[0].read([BUDGETS[0]]))
        assert standing.free >= 0
        assert standing.free + standing.held + standing.spent == LIMIT

    def teardown(self) -> None:
        """Every hold ends: all leases lapse, all are told, and nothing is held any more."""
        self.clock.now = self.latest + 2 * LEASE_S
        for ledger in self.workers:
            self.do(ledger._turn())
            self.do(ledger._turn())
        for ledger in self.crashed:
            self.do(cut_off(ledger))
        self.do(self.books.let_leases_lapse(self.clock))
        for budget in BUDGETS:
            for ledger in self.workers:
                self.do(ledger._exchange([*ledger._slices.values(), *ledger._past], []))
            assert self.do(self.workers[0].read([budget]))[0].held == 0
        for ledger in (*self.workers, *self.crashed):
            self.do(closed(ledger))
        self.loop.close()
        self.folder.cleanup()


async def cut_off(ledger: SlicedLedger) -> None:
    assert ledger._task is not None
    ledger._task.cancel()
    await asyncio.gather(ledger._task, return_exceptions=True)


async def closed(ledger: SlicedLedger) -> None:
    await cut_off(ledger)
    await ledger.aclose()


def machine(name: str, redis_url: Callable[[], str]) -> type[Spending]:
    made = {"kind": staticmethod(lambda folder: kind(name, folder, redis_url))}
    return type(f"Spending_{name}", (Spending,), made)


@pytest.mark.parametrize(
    ("name", "examples"),
    [
        ("memory", 10),
        pytest.param("memory", 300, marks=pytest.mark.slow),
        pytest.param("sqlite", 60, marks=pytest.mark.slow),
        pytest.param("redis", 60, marks=pytest.mark.slow),
    ],
)
def test_whatever_happens_nothing_is_overspent_and_every_hold_ends(name, examples, request) -> None:
    spending = machine(name, lambda: request.getfixturevalue("redis_url"))
    steps = settings(max_examples=examples, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(spending, settings=steps)
