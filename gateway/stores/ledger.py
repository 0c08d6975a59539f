"""The ledger that the pipeline asks: reserves from slices in memory, and keeps the books in step behind it."""

import asyncio
import contextlib
import itertools
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from gateway.core.budgets import Charge, Exhausted, Hold, Shortfall, Standing, Warned
from gateway.core.errors import LedgerUnavailable
from gateway.core.money import NanoUSD
from gateway.core.ports import Clock
from gateway.limits.accounts import Answer, Ask
from gateway.stores.books import LEASE_S, Books
from gateway.stores.line import Line, Waiter
from gateway.stores.slices import Slice

TICK_S = 0.1
"""What was spent is told, and what is idle given back, so long after it was."""
POLL_S = 0.025
"""How often one who waits for what another process holds asks again."""
RETRY_S = 0.5
"""How often books that cannot be reached are tried again."""
_AT_ONCE = 64
_READ_AT_ONCE = 256
_RENEW_S = LEASE_S / 3

_Kept = tuple[Hold, tuple[Slice, ...]]


class SlicedLedger:
    """Implements `core.ports.Ledger` over any Books. `warn` is told of each limit that is nearly or wholly spent.

    It opens no books before it is started: a gateway without budgets keeps none.
    """

    _books: Books

    def __init__(self, opened: Callable[[], Books], clock: Clock, warn: Callable[[Warned], None]) -> None:
        self._opened = opened
        self._clock = clock
        self._warn = warn
        self._worker = secrets.token_hex(8)
        self._slices: dict[str, Slice] = {}
        self._past: list[Slice] = []  # of periods that are over
        self._dirty: list[Slice] = []
        self._holds: dict[int, _Kept] = {}
        self._lost: dict[int, _Kept] = {}
        self._line = Line()
        self._has_settled = False  # since the books were last asked
        self._one_at_a_time = asyncio.Lock()
        self._last_id = 0
        self._trouble = ""
        self._renewed = 0.0  # monotonic seconds
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    async def start(self) -> None:
        """Idempotent. Books that cannot be reached yet are tried again; raises ConfigError where they never can be."""
        if self._task is not None:
            return
        self._books = self._opened()
        try:
            await self._exchange([], [])
        except LedgerUnavailable as trouble:
            self._despair(trouble)
            self._arm(RETRY_S)
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Idle money goes back and the bills are told; where that cannot be, the lease says the rest."""
        if self._task is None:
            return
        self._is_closing = True
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self._timer is not None:
            self._timer.cancel()
        for waiter in self._line.disperse():
            waiter.answer.cancel()
        with contextlib.suppress(LedgerUnavailable):
            await self._exchange([*self._slices.values(), *self._past], [])
            if not self._holds:
                await self._books.leave(self._worker)
        await self._books.aclose()

    async def reserve(
        self, charges: tuple[Charge, ...], amount: NanoUSD, lease_s: float, least: NanoUSD | None = None
    ) -> Hold | Shortfall:
        if self._trouble:
            raise LedgerUnavailable(self._trouble)
        if not self._line or self._line.awaited.isdisjoint(charge.account for charge in charges):
            slices = self._open(charges, self._clock.wall())
            if all(each.idle >= amount for each in slices):
                return self._take(charges, slices, amount, lease_s)
        return await self._stand(charges, amount, lease_s, amount if least is None else least)

    def settle(self, hold: Hold, actual: NanoUSD) -> None:
        kept = self._holds.pop(hold.id, None)
        if kept is not None:
            for each in kept[1]:
                each.pay(hold.amount, actual)
                self._soil(each)
        elif (late := self._lost.pop(hold.id, None)) is not None:
            for each in late[1]:
                each.correct(hold.amount, actual)
                self._soil(each)
        if self._line:
            self._has_settled = True
            self._wake.set()

    def extend(self, hold: Hold, lease_s: float) -> None:
        kept = self._holds.get(hold.id)
        if kept is not None:
            later = Hold(hold.id, hold.charges, hold.amount, self._clock.wall() + lease_s)
            self._holds[hold.id] = later, kept[1]

    def standing(self, charge: Charge) -> Standing:
        return self._open((charge,), self._clock.wall())[0].standing()

    async def read(self, charges: Sequence[Charge]) -> list[Standing]:
        for some in range(0, len(charges), _READ_AT_ONCE):
            probes = self._open(tuple(charges[some : some + _READ_AT_ONCE]), self._clock.wall())
            await self._exchange([*self._dirty, *probes], [])
        return [self.standing(charge) for charge in charges]

    def _take(self, charges: tuple[Charge, ...], slices: tuple[Slice, ...], amount: int, lease_s: float) -> Hold:
        for each in slices:
            each.take(amount)
            self._soil(each)
        self._last_id += 1
        hold = Hold(self._last_id, charges, NanoUSD(amount), self._clock.wall() + lease_s)
        self._holds[hold.id] = hold, slices
        return hold

    def _open(self, charges: tuple[Charge, ...], now: float) -> tuple[Slice, ...]:
        """The slices of the period that it is now."""
        return tuple([self._slice(charge, now) for charge in charges])

    def _slice(self, charge: Charge, now: float) -> Slice:
        found = self._slices.get(charge.account)
        if found is not None and found.period.key <= now < found.period.until:
            found.charge = charge  # the limit may have been changed
            return found
        if found is not None:
            self._past.append(found)
            self._soil(found)
        fresh = Slice(charge, now)
        again = next((each for each in self._past if _is_same(each, fresh)), None)  # the clock was set back
        if again is not None:
            self._past.remove(again)
            fresh = again
        self._slices[charge.account] = fresh
        return fresh

    def _soil(self, each: Slice) -> None:
        if not each.is_dirty:
            each.is_dirty = True
            self._dirty.append(each)
            if len(self._dirty) == 1:
                self._arm(TICK_S)

    def _arm(self, after_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(after_s, self._wake.set)

    async def _stand(self, charges: tuple[Charge, ...], amount: int, lease_s: float, least: int) -> Hold | Shortfall:
        answer: asyncio.Future[Hold | Shortfall] = asyncio.get_running_loop().create_future()
        self._line.join(Waiter(charges, amount, least, lease_s, self._clock.monotonic(), answer))
        self._wake.set()
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                hold = answer.result()
                if isinstance(hold, Hold):
                    self.settle(hold, NanoUSD(0))
            self._wake.set()
            raise

    async def _run(self) -> None:
        """Goes on until it is closed: whoever waits in line hears of every turn that breaks off.

        A client's own timeout may swallow a cancellation, or leave one behind that nobody asked for.
        """
        while not self._is_closing:
            try:
                await self._wake.wait()
                self._wake.clear()
                await self._turn()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                self._break_off("was interrupted")
            except Exception as bug:
                self._break_off(f"failed: {type(bug).__name__}")

    def _break_off(self, what: str) -> None:
        self._despair(LedgerUnavailable(f"the exchange with the ledger {what}; it is tried again"))
        self._arm(RETRY_S)

    async def _turn(self) -> None:
        """One look at everything: who can be served, what must be told, who asks for more."""
        now = self._clock.monotonic()
        self._serve()
        self._drop_lapsed(self._clock.wall())
        asking = [queue for queue in self._line.fronts() if self._may_ask(queue[0], now)]
        told = self._untold(now)
        if told or asking or self._trouble or (self._slices and now >= self._renewed + _RENEW_S):
            try:
                heard = await self._exchange(told, asking)
            except LedgerUnavailable as trouble:
                self._despair(trouble)
            else:
                self._serve()
                self._judge(heard)
                if any(not queue[0].has_asked for queue in self._line.fronts()):
                    self._wake.set()
        self._arm(self._pause_s())

    def _untold(self, now: float) -> list[Slice]:
        """What must be told: what has changed, what keeps the lease, and everything to books that were away."""
        everything = [*self._slices.values(), *self._past]
        if self._trouble:
            return everything
        if now >= self._renewed + _RENEW_S:
            return [each for each in everything if each.is_dirty or each.in_use]
        return self._dirty

    def _may_ask(self, waiter: Waiter, now: float) -> bool:
        """Asking again is of use where something may have come back, or to hear the last word."""
        slices = self._hard(waiter.charges, self._clock.wall())
        is_due = now >= waiter.since + min(each.charge.budget.wait_s for each in slices)
        is_new, waiter.has_asked = not waiter.has_asked, True
        return is_new or is_due or self._has_settled or waiter.is_modest or any(each.others for each in slices)

    def _hard(self, charges: tuple[Charge, ...], now: float) -> list[Slice]:
        return [each for each in self._open(charges, now) if each.charge.budget.is_hard]

    def _pause_s(self) -> float:
        if self._trouble:
            return RETRY_S
        if self._line:
            return POLL_S
        return TICK_S if self._dirty else _RENEW_S

    def _despair(self, trouble: LedgerUnavailable) -> None:
        self._trouble = str(trouble)
        for waiter in self._line.disperse():
            waiter.answer.set_exception(LedgerUnavailable(self._trouble))

    async def _exchange(self, told: Iterable[Slice], asking: list[deque[Waiter]]) -> set[str]:
        """Tells, asks and takes in the answer; the accounts that were heard of."""
        async with self._one_at_a_time:
            now = self._clock.wall()
            wanted = [self._hard(queue[0].charges, now) for queue in asking]
            slices = list({id(each): each for some in (told, *wanted) for each in some}.values())
            places = {id(each): place for place, each in enumerate(slices)}
            asks = [
                Ask(tuple(places[id(each)] for each in some), _wanted(queue), queue[0].will_do)
                for queue, some in zip(asking, wanted, strict=True)
            ]
            self._has_settled = False
            answer = await self._tell(slices, asks, now)
            self._hear(slices, asks, answer)
            return {each.charge.account for each in slices}

    async def _tell(self, slices: list[Slice], asks: list[Ask], now: float) -> Answer:
        for each in slices:
            each.is_dirty = False
        self._dirty = [each for each in self._dirty if each.is_dirty]
        entries = [each.entry(each.charge.account in self._line.awaited) for each in slices]
        try:
            return await self._books.exchange(self._worker, now, entries, asks)
        except BaseException:
            for each in slices:
                self._soil(each)
            raise

    def _hear(self, slices: list[Slice], asks: list[Ask], answer: Answer) -> None:
        self._renewed = self._clock.monotonic()
        self._trouble = ""
        granted = dict.fromkeys(range(len(slices)), 0)
        for ask, grants in zip(asks, answer.grants, strict=True):
            for place, grant in zip(ask.entries, grants or (), strict=bool(grants)):
                granted[place] += grant
        for place, (each, heard) in enumerate(zip(slices, answer.standings, strict=True)):
            each.hear(heard, granted[place])
            if each.has_idle:  # to be given back at the next turn, unless it is used
                self._soil(each)
        for place, percent in answer.passed:
            self._warn(Warned(slices[place].charge, percent, slices[place].standing()))

    def _serve(self) -> None:
        """Gives those in front of the line what is there."""
        now = self._clock.wall()
        for queue in self._line.fronts():
            for waiter in queue:
                if waiter.answer.done():
                    continue
                slices = self._open(waiter.charges, now)
                amount = min(waiter.amount, *(each.idle for each in slices))
                if amount < waiter.will_do:
                    break
                waiter.answer.set_result(self._take(waiter.charges, slices, amount, waiter.lease_s))

    def _judge(self, heard: set[str]) -> None:
        """Those in front of the line were not served: they wait on, ask for less, or hear why not."""
        now = self._clock.monotonic()
        for queue in self._line.fronts():
            for waiter in queue:
                if waiter.answer.done():
                    continue
                if not heard.issuperset(charge.account for charge in waiter.charges if charge.budget.is_hard):
                    break
                shortfalls = self._shortfalls(waiter)
                short = next((each for each in shortfalls if not _may_wait(waiter, each, now)), None)
                if short is None:
                    break
                if not waiter.is_modest and waiter.least < waiter.amount:
                    waiter.is_modest = True
                    self._wake.set()
                    break
                waiter.answer.set_result(short)

    def _shortfalls(self, waiter: Waiter) -> list[Shortfall]:
        return [
            Shortfall(each.charge, NanoUSD(waiter.amount), each.standing())
            for each in self._hard(waiter.charges, self._clock.wall())
            if each.standing().free < waiter.will_do
        ]

    def _drop_lapsed(self, now: float) -> None:
        """Holds whose lease has ended count as spent; periods that no longer count are forgotten."""
        for hold in [hold for hold, _ in self._holds.values() if hold.expires_at <= now]:
            _, slices = self._lost[hold.id] = self._holds.pop(hold.id)
            for each in slices:
                each.lose(hold.amount)
                self._soil(each)
        if self._past:
            self._past = [each for each in self._past if each.in_use or each.is_dirty or now < each.period.gone]
        if self._lost:
            self._lost = {key: kept for key, kept in self._lost.items() if any(now < s.period.gone for s in kept[1])}


def _wanted(queue: deque[Waiter]) -> int:
    """One ask for those in front together."""
    return sum(waiter.amount for waiter in itertools.islice(queue, _AT_ONCE) if not waiter.answer.done())


def _may_wait(waiter: Waiter, short: Shortfall, now: float) -> bool:
    """Whether what is missing can still come in time: from those who hold it, or where one queues, with the time."""
    budget, standing = short.charge.budget, short.standing
    can_come = standing.spent + waiter.will_do <= standing.limit or budget.on_exhausted is Exhausted.QUEUE
    return can_come and not waiter.is_modest and now < waiter.since + budget.wait_s


def _is_same(one: Slice, other: Slice) -> bool:
    return one.charge.account == other.charge.account and one.period.key == other.period.key
