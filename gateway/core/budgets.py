"""The nouns of spending: a Budget is charged, a Hold sets money aside for one attempt, a Standing says how it is."""

from enum import StrEnum

import msgspec

from gateway.core.money import NanoUSD
from gateway.core.types import Caller


class CalendarUnit(StrEnum):
    """A stretch of the calendar after which a budget is fresh. Weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class CalendarWindow(msgspec.Struct, frozen=True):
    """From one beginning of the unit to the next, as clocks on the wall of `time_zone` (an IANA name) show it."""

    unit: CalendarUnit
    time_zone: str = "UTC"


class RollingWindow(msgspec.Struct, frozen=True):
    """The last so many seconds, at any moment."""

    seconds: int


Window = CalendarWindow | RollingWindow


class Exhausted(StrEnum):
    """What becomes of a route that a hard budget cannot pay for, once it has waited for money that others hold."""

    DOWNGRADE = "downgrade"  # the next route of the decision
    REJECT = "reject"  # the client hears it
    QUEUE = "queue"  # it waits for the next window too, as long as the budget lets it wait


class Each(StrEnum):
    """What a budget may be divided by: everyone has the whole limit for themselves."""

    CALLER = "caller"
    TEAM = "team"


class Scope(msgspec.Struct, frozen=True):
    """Which attempts a budget pays for: all that every filled field names. Empty: everything.

    `models` are the services' own names, as the backend is asked for them.
    """

    zones: frozenset[str] = frozenset()
    backends: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    callers: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def pays(self, caller: Caller, zone: str, backend: str, model: str | None) -> bool:
        """Whether it pays for an attempt. `model` is the service's own name; None: it is not asked for one."""
        return (
            (not self.zones or zone in self.zones)
            and (not self.backends or backend in self.backends)
            and (not self.models or model in self.models)
            and (not self.teams or caller.team in self.teams)
            and (not self.callers or caller.id in self.callers)
            and (not self.tags or not self.tags.isdisjoint(caller.tags))
        )


class Budget(msgspec.Struct, frozen=True):
    """A ceiling on what may be spent in a window. `is_hard`: never exceeded; else only told of.

    `wait_s` bounds how long a request waits, first come, first served, for money that others hold.
    """

    name: str
    limit: NanoUSD
    window: Window
    scope: Scope = Scope()
    each: Each | None = None
    is_hard: bool = True
    on_exhausted: Exhausted = Exhausted.DOWNGRADE
    wait_s: float = 0.0


class RateLimit(msgspec.Struct, frozen=True):
    """How fast those within the scope may ask, together or `each` for themselves. None: as fast as they like."""

    name: str
    scope: Scope = Scope()
    each: Each | None = None
    requests: int | None = None  # a minute
    tokens: int | None = None  # a minute, prompt and completion
    concurrent: int | None = None  # requests in flight


class Charge(msgspec.Struct, frozen=True):
    """One account that pays for an attempt: a budget, and whose share of it where it is divided ("" where not)."""

    budget: Budget
    share: str
    account: str  # what a ledger keeps it under: the name, the share and the kind of window


class Hold(msgspec.Struct, frozen=True):
    """Money set aside in every account of `charges`, until it is settled or `expires_at` (seconds since the epoch).

    `amount` may be less than was asked for, where the one who asked said how little would do.
    """

    id: int
    charges: tuple[Charge, ...]
    amount: NanoUSD
    expires_at: float


class Standing(msgspec.Struct, frozen=True):
    """An account at one moment. `spent` counts what lost holds may have cost in full, until their bill is known.

    `until`: seconds since the epoch when the window ends; of a rolling one, when all that is spent now has left it.
    """

    limit: NanoUSD
    spent: NanoUSD
    held: NanoUSD
    until: float

    @property
    def free(self) -> NanoUSD:
        """What can still be reserved; negative where a bill was higher than its hold, or the limit was lowered."""
        return NanoUSD(self.limit - self.spent - self.held)


class Shortfall(msgspec.Struct, frozen=True):
    """Why a reservation was refused: the first charge that could not pay `wanted`, and how it stood."""

    charge: Charge
    wanted: NanoUSD
    standing: Standing


class Warned(msgspec.Struct, frozen=True):
    """An account's spending has passed `percent` of its limit; told once, by the process whose bill did it."""

    charge: Charge
    percent: int
    standing: Standing
