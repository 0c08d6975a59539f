"""Every ledger keeps the same contract, whatever its books are."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from ledgers import LEASE_S, HandClock, Kind, Opened, account, at_work, kind

from gateway.core.budgets import Each, Exhausted, Hold, Shortfall, Warned
from gateway.core.money import NanoUSD
from gateway.stores.ledger import SlicedLedger

WAIT_S = 20.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def books(request, tmp_path) -> Kind:
    return kind(request.param, tmp_path, lambda: request.getfixturevalue("redis_url"))


@pytest.fixture
def opened(books: Kind) -> Opened:
    """Opens the same books again and again."""
    return books.opened


@pytest.fixture
def warned() -> list[Warned]:
    return []


@pytest.fixture
async def ledger(opened: Opened, clock: HandClock, warned: list[Warned]) -> AsyncIterator[SlicedLedger]:
    async with at_work(opened, clock, warned) as ledger:
        yield ledger


@pytest.fixture
async def other(opened: Opened, clock: HandClock, warned: list[Warned]) -> AsyncIterator[SlicedLedger]:
    """Another worker at the same books."""
    async with at_work(opened, clock, warned) as ledger:
        yield ledger


async def reserved(ledger: SlicedLedger, amount: int, *charges, least: int | None = None) -> Hold:
    answer = await ledger.reserve(charges, NanoUSD(amount), LEASE_S, None if least is None else NanoUSD(least))
    assert isinstance(answer, Hold)
    return answer


async def refused(ledger: SlicedLedger, amount: int, *charges) -> Shortfall:
    answer = await ledger.reserve(charges, NanoUSD(amount), LEASE_S)
    assert isinstance(answer, Shortfall)
    return answer


async def sums(ledger: SlicedLedger, charge) -> tuple[int, int, int]:
    (standing,) = await ledger.read([charge])
    return standing.spent, standing.held, standing.free


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0)


async def test_what_is_reserved_is_held_and_what_is_settled_is_spent(ledger) -> None:
    budget = account(1000)
    hold = await reserved(ledger, 600, budget)
    assert await sums(ledger, budget) == (0, 600, 400)
    ledger.settle(hold, NanoUSD(250))
    assert await sums(ledger, budget) == (250, 0, 750)


async def test_settling_twice_counts_once(ledger) -> None:
    budget = account(1000)
    hold = await reserved(ledger, 600, budget)
    ledger.settle(hold, NanoUSD(250))
    ledger.settle(hold, NanoUSD(250))
    assert await sums(ledger, budget) == (250, 0, 750)


async def test_a_refusal_names_the_budget_and_how_it_stands(ledger, other) -> None:
    roomy, tight = account(10_000, "roomy"), account(1000, "tight")
    ledger.settle(await reserved(ledger, 300, tight), NanoUSD(300))
    await reserved(other, 500, tight)
    short = await refused(ledger, 201, roomy, tight)
    assert (short.charge, short.wanted) == (tight, 201)
    assert (short.standing.spent, short.standing.held, short.standing.free) == (300, 500, 200)


async def test_all_accounts_pay_or_none(ledger) -> None:
    roomy, tight = account(10_000, "roomy"), account(10, "tight")
    await refused(ledger, 11, roomy, tight)
    assert await sums(ledger, roomy) == (0, 0, 10_000)


async def test_never_more_than_the_limit_is_held_by_all_workers_at_once(ledger, other) -> None:
    budget = account(20)
    asked = [worker.reserve((budget,), NanoUSD(1), LEASE_S) for worker in (ledger, other) for _ in range(100)]
    answers = await asyncio.gather(*asked)
    assert sum(isinstance(answer, Hold) for answer in answers) == 20


async def test_what_others_hold_is_waited_for_and_first_come_is_first_served(ledger) -> None:
    budget = account(1, wait_s=WAIT_S)
    first, served = await reserved(ledger, 1, budget), []

    async def stand(number: int) -> None:
        hold = await reserved(ledger, 1, budget)
        served.append(number)
        ledger.settle(hold, NanoUSD(0))

    async with asyncio.TaskGroup() as line:
        for number in range(20):
            line.create_task(stand(number))
            await asyncio.sleep(0)
        ledger.settle(first, NanoUSD(0))
    assert served == list(range(20))


async def test_what_another_worker_holds_is_waited_for(ledger, other) -> None:
    budget = account(1, wait_s=WAIT_S)
    hold = await reserved(ledger, 1, budget)
    waiting = asyncio.create_task(reserved(other, 1, budget))
    await until(lambda: bool(other._line))
    ledger.settle(hold, NanoUSD(0))
    assert (await waiting).amount == 1


async def test_what_others_have_spent_is_not_waited_for(ledger) -> None:
    budget = account(10, wait_s=3600.0)
    ledger.settle(await reserved(ledger, 10, budget), NanoUSD(10))
    assert (await refused(ledger, 1, budget)).standing.spent == 10


async def test_waiting_ends_when_the_budget_says(ledger) -> None:
    budget = account(1, wait_s=0.05)
    await reserved(ledger, 1, budget)
    assert (await refused(ledger, 1, budget)).standing.held == 1


async def test_who_queues_is_served_when_the_window_is_fresh(ledger, clock) -> None:
    budget = account(1, on_exhausted=Exhausted.QUEUE, wait_s=WAIT_S)
    ledger.settle(await reserved(ledger, 1, budget), NanoUSD(1))
    waiting = asyncio.create_task(reserved(ledger, 1, budget))
    await until(lambda: bool(ledger._line))
    clock.now += 2 * 3600
    assert (await waiting).amount == 1


async def test_who_leaves_the_line_holds_nothing_and_lets_the_next_one_in(ledger) -> None:
    budget = account(1, wait_s=WAIT_S)
    hold = await reserved(ledger, 1, budget)
    leaving = asyncio.create_task(reserved(ledger, 1, budget))
    await until(lambda: bool(ledger._line))
    staying = asyncio.create_task(reserved(ledger, 1, budget))
    await asyncio.sleep(0)
    leaving.cancel()
    ledger.settle(hold, NanoUSD(0))
    ledger.settle(await staying, NanoUSD(0))
    assert await sums(ledger, budget) == (0, 0, 1)


async def test_a_smaller_hold_is_given_where_the_full_one_can_no_longer_come(ledger) -> None:
    budget = account(100)
    ledger.settle(await reserved(ledger, 70, budget), NanoUSD(70))
    assert (await reserved(ledger, 50, budget, least=10)).amount == 30


async def test_a_budget_that_is_soft_counts_and_never_refuses(ledger) -> None:
    budget = account(100, is_hard=False)
    ledger.settle(await reserved(ledger, 700, budget), NanoUSD(700))
    assert await sums(ledger, budget) == (700, 0, -600)


async def test_everyone_has_a_divided_budget_for_themselves(ledger) -> None:
    ann, bob = (account(10, share=name, each=Each.CALLER) for name in ("ann", "bob"))
    await reserved(ledger, 10, ann)
    await reserved(ledger, 10, bob)
    assert (await refused(ledger, 1, ann)).charge.share == "ann"


async def test_a_rolling_window_forgets_what_has_left_it(ledger, clock) -> None:
    budget = account(10)
    ledger.settle(await reserved(ledger, 10, budget), NanoUSD(10))
    clock.now += 3600
    await refused(ledger, 1, budget)
    clock.now += 3600 / 30
    await reserved(ledger, 10, budget)


async def test_what_was_spent_is_found_again_when_the_clock_is_set_back(ledger, clock) -> None:
    budget = account(10)
    ledger.settle(await reserved(ledger, 10, budget), NanoUSD(10))
    await ledger.read([budget])
    clock.now += 7200
    ledger.settle(await reserved(ledger, 1, budget), NanoUSD(1))
    clock.now -= 7200
    assert (await refused(ledger, 1, budget)).standing.spent >= 10


async def test_a_hold_that_nobody_settles_counts_as_spent_until_its_bill_comes(ledger, clock) -> None:
    budget = account(100)
    hold = await reserved(ledger, 60, budget)
    clock.now += LEASE_S
    ledger._wake.set()
    await until(lambda: not ledger._holds)
    assert await sums(ledger, budget) == (60, 0, 40)
    ledger.settle(hold, NanoUSD(5))
    assert await sums(ledger, budget) == (5, 0, 95)


async def test_an_extended_hold_is_held_for_longer(ledger, clock) -> None:
    budget = account(100)
    hold = await reserved(ledger, 60, budget)
    ledger.extend(hold, 2 * LEASE_S)
    clock.now += LEASE_S
    ledger._drop_lapsed(clock.now)
    assert await sums(ledger, budget) == (0, 60, 40)


async def test_what_a_lost_worker_held_counts_as_spent_until_it_comes_back(ledger, books, clock) -> None:
    budget = account(100)
    lost = SlicedLedger(books.opened, clock, [].append)
    hold = await reserved_by_one_that_is_cut_off(lost, budget)
    await books.let_leases_lapse(clock)
    assert await sums(ledger, budget) == (60, 0, 40)
    lost.settle(hold, NanoUSD(5))
    await lost.read([budget])
    assert await sums(ledger, budget) == (5, 0, 95)
    await lost.aclose()


async def reserved_by_one_that_is_cut_off(lost: SlicedLedger, budget) -> Hold:
    await lost.start()
    hold = await reserved(lost, 60, budget)
    await lost.read([budget])
    assert lost._task is not None
    lost._task.cancel()
    return hold


async def test_a_bill_above_its_hold_is_paid_in_full(ledger) -> None:
    budget = account(100)
    ledger.settle(await reserved(ledger, 60, budget), NanoUSD(130))
    assert await sums(ledger, budget) == (130, 0, -30)


async def test_each_warning_is_told_once(ledger, other, warned) -> None:
    budget = account(100)
    for worker, amount in ((ledger, 79), (other, 5), (ledger, 11), (other, 5)):
        worker.settle(await reserved(worker, amount, budget), NanoUSD(amount))
        await worker.read([budget])
    assert [each.percent for each in warned] == [80, 95, 100]


async def test_idle_money_comes_back_by_itself(ledger, other) -> None:
    budget = account(1_000_000)
    ledger.settle(await reserved(ledger, 10, budget), NanoUSD(0))
    async with asyncio.timeout(WAIT_S):
        while (await other.read([budget]))[0].held:
            await asyncio.sleep(0)
    assert (await reserved(other, 1_000_000, budget)).amount == 1_000_000


async def test_a_limit_may_be_changed_while_money_is_held(ledger) -> None:
    await reserved(ledger, 60, account(100))
    assert (await refused(ledger, 1, account(50))).standing.free == -10
    await reserved(ledger, 100, account(160))
