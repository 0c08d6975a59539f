"""The arithmetic of shared accounts: workers say what they have spent and hold, and are granted more while it is free.

A worker is one process at work on a ledger. It tells what it has spent in a period and what it holds as whole sums,
not as changes: told twice they mean the same, and told again after a loss they put it right.
"""

from collections.abc import Iterator, Sequence

import msgspec

from gateway.core.money import NanoUSD
from gateway.limits.budgets import crossed

ROOMY = 32
"""A worker is granted more than it asks for, so that it need not ask for each request: as much again as this many
requests want, and no more than this part of what is free, so that nobody else goes short."""

Key = tuple[str, int]
"""An account and the beginning of a period."""


class Entry(msgspec.Struct, frozen=True):
    """What a worker says of one account in one period. `idle` is the part of `held` that no request has."""

    account: str
    period: int
    counts: range
    forget_at: float
    limit: int
    spent: int
    held: int
    idle: int = 0

    @property
    def key(self) -> Key:
        return self.account, self.period


class Ask(msgspec.Struct, frozen=True):
    """A request for `amount`, or at least for `least`, in each of these entries (by their place) or in none."""

    entries: tuple[int, ...]
    amount: int
    least: int


class Answer(msgspec.Struct, frozen=True):
    """What is `spent` and `held` by everyone, for each entry, and what is granted for each ask; None: nothing.

    `passed`: (place of the entry, percent of the limit) that this worker's spending has just crossed.
    """

    standings: tuple[tuple[int, int], ...]
    grants: tuple[tuple[int, ...] | None, ...]
    passed: tuple[tuple[int, int], ...]


class Sums:
    """Of a worker, or of all: what is spent, what is held, and what was held by those who were lost."""

    __slots__ = ("held", "lost", "spent")

    def __init__(self, spent: int = 0, held: int = 0, lost: int = 0) -> None:
        self.spent, self.held, self.lost = spent, held, lost

    def __iter__(self) -> Iterator[int]:
        return iter((self.spent, self.held, self.lost))


class Accounts:
    """All accounts, or those parts of them that an exchange needs.

    INVARIANT: each total is the sum of the workers' parts; spent + held + lost never passes a limit by a grant.
    """

    def __init__(self) -> None:
        self.totals: dict[Key, Sums] = {}
        self.parts: dict[str, dict[Key, Sums]] = {}

    def exchange(self, worker: str, entries: Sequence[Entry], asks: Sequence[Ask]) -> Answer:
        """All entries are written down, then the asks are granted in order."""
        before = [self._counted(entry)[0] for entry in entries]
        for entry in entries:
            self._write(worker, entry)
        grants = tuple(self._grant(worker, [entries[place] for place in ask.entries], ask) for ask in asks)
        standings = tuple(self._counted(entry) for entry in entries)
        passed = tuple(
            (place, percent)
            for place, (entry, was, (spent, _)) in enumerate(zip(entries, before, standings, strict=True))
            for percent in crossed(NanoUSD(entry.limit), NanoUSD(was), NanoUSD(spent))
        )
        return Answer(standings, grants, passed)

    def lose(self, worker: str) -> None:
        """A worker is gone. What it held may be spent: it counts as if it were, until the worker says better."""
        for key, part in self.parts.get(worker, {}).items():
            total = self.totals[key]
            total.held -= part.held
            total.lost += part.held
            part.held, part.lost = 0, part.lost + part.held

    def _write(self, worker: str, entry: Entry) -> None:
        part = self.parts.setdefault(worker, {}).setdefault(entry.key, Sums())
        total = self.totals.setdefault(entry.key, Sums())
        total.spent += entry.spent - part.spent
        total.held += entry.held - part.held
        total.lost -= part.lost
        part.spent, part.held, part.lost = entry.spent, entry.held, 0

    def _grant(self, worker: str, entries: Sequence[Entry], ask: Ask) -> tuple[int, ...] | None:
        free = [entry.limit - sum(self._counted(entry)) + entry.idle for entry in entries]
        amount = min(ask.amount, *free)
        if amount < ask.least:
            return None
        grants = tuple(
            max(0, amount - entry.idle) + slack(room - max(amount, entry.idle), amount)
            for entry, room in zip(entries, free, strict=True)
        )
        for entry, grant in zip(entries, grants, strict=True):
            self.parts[worker][entry.key].held += grant
            self.totals[entry.key].held += grant
        return grants

    def _counted(self, entry: Entry) -> tuple[int, int]:
        """What counts against the limit now: spent or lost, and held."""
        spent = held = 0
        for period in entry.counts:
            sums = self.totals.get((entry.account, period))
            if sums is not None:
                spent += sums.spent + sums.lost
                held += sums.held
        return spent, held


def slack(free: int, amount: int) -> int:
    """How much a worker may hold without need, when so much is free and requests want so much."""
    share = free // ROOMY
    return min(share, ROOMY * amount) if share >= amount else 0
