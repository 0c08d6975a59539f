"""A worker's slices: what it has of an account, so that most requests reserve and settle without asking anybody."""

from gateway.core.budgets import Charge, Standing
from gateway.core.money import NanoUSD
from gateway.limits.accounts import Entry, slack
from gateway.limits.windows import Period, period

_BOUNDLESS = 2**62
"""A soft budget is counted, and never short."""


class Slice:
    """What one worker has spent, has in use and has idle of one account in one period.

    INVARIANT: spent + in use + idle is never more than the books count for this worker, unless a bill was higher than
    its hold.
    """

    __slots__ = (
        "charge",
        "heard",
        "idle",
        "in_use",
        "is_dirty",
        "is_used",
        "last",
        "others",
        "period",
        "spent",
        "told",
        "told_spent",
    )

    def __init__(self, charge: Charge, now: float) -> None:
        self.charge = charge
        self.period: Period = period(charge.budget.window, now)
        self.spent = 0
        self.in_use = 0
        self.idle = 0 if charge.budget.is_hard else _BOUNDLESS
        self.last = 0  # what was wanted of it last
        self.is_used = False  # since it was last told of
        self.is_dirty = False
        self.heard = (0, 0)  # what everyone together had spent and held when last heard of
        self.others = True  # whether others may hold some of it
        self.told = 0  # what was held when it was last told
        self.told_spent = 0

    def take(self, amount: int) -> None:
        self.idle -= amount
        self.in_use += amount
        self.last = amount
        self.is_used = True

    def pay(self, held: int, actual: int) -> None:
        self.in_use -= held
        self.spent += actual
        self.idle = max(0, self.idle + held - actual)

    def lose(self, held: int) -> None:
        """Nobody has told what became of a hold: it counts as spent."""
        self.in_use -= held
        self.spent += held

    def correct(self, held: int, actual: int) -> None:
        """The bill of what was lost."""
        self.spent += actual - held

    @property
    def has_idle(self) -> bool:
        return self.idle > 0 and self.charge.budget.is_hard

    def standing(self) -> Standing:
        """What was heard of everyone, and what is known of this worker since. What it has idle is free to it."""
        spent = self.heard[0] + self.spent - self.told_spent
        held = sum(self.heard) - spent - (self.idle if self.has_idle else 0)
        return Standing(self.charge.budget.limit, NanoUSD(spent), NanoUSD(max(self.in_use, held)), self.period.gone)

    def entry(self, is_awaited: bool) -> Entry:
        """What is to be told of it; what it keeps no longer is given back with it."""
        budget, idle = self.charge.budget, 0
        if budget.is_hard:
            if not is_awaited:
                self.idle = min(self.idle, self._worth_keeping())
            idle = self.idle
        self.is_used = False
        self.told, self.told_spent = self.in_use + idle, self.spent
        return Entry(
            account=self.charge.account,
            period=self.period.key,
            counts=self.period.counts,
            forget_at=self.period.forget_at,
            limit=budget.limit,
            spent=self.spent,
            held=self.told,
            idle=idle,
        )

    def _worth_keeping(self) -> int:
        if not self.is_used:
            return 0
        spent, held = self.heard
        return slack(self.charge.budget.limit - spent - held + self.idle, self.last)

    def hear(self, standing: tuple[int, int], granted: int) -> None:
        spent, held = standing
        self.heard = (spent, held)
        self.others = held > self.told + granted
        if self.charge.budget.is_hard:
            self.idle += granted
