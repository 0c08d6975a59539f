"""Which budgets pay for an attempt, and when they warn."""

from collections.abc import Iterable, Iterator

from gateway.core.budgets import Budget, CalendarWindow, Charge, Each, Window
from gateway.core.money import NanoUSD
from gateway.core.types import Caller

WARN_AT = (80, 95, 100)
"""Percent of a limit."""


def charges(
    budgets: Iterable[Budget], caller: Caller, zone: str, backend: str, model: str | None
) -> tuple[Charge, ...]:
    """The accounts that pay for one attempt, in the policy's order: all of them, and each the whole amount.

    `model` is the service's own name; None: it is not asked for one.
    """
    return tuple(
        charge(budget, share_of(budget.each, caller))
        for budget in budgets
        if budget.scope.pays(caller, zone, backend, model)
    )


def charge(budget: Budget, share: str = "") -> Charge:
    """The account of a budget, or of one share of it. A window of another kind is another account."""
    return Charge(budget, share, f"{budget.name}/{share}:{_kind(budget.window)}")


def share_of(each: Each | None, caller: Caller) -> str:
    """Whose share of something divided this caller takes."""
    if each is None:
        return ""
    return caller.id if each is Each.CALLER else caller.team


def _kind(window: Window) -> str:
    if isinstance(window, CalendarWindow):
        return f"{window.unit}@{window.time_zone}"
    return f"{window.seconds}s"


def crossed(limit: NanoUSD, before: NanoUSD, after: NanoUSD) -> Iterator[int]:
    """The percentages that spending passed on its way from `before` to `after`."""
    for percent in WARN_AT:
        if before * 100 < limit * percent <= after * 100:
            yield percent
