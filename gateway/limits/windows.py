"""Where a moment lies in a budget's window, and whose spending counts then; `now` is an argument.

Spending is kept in periods. A calendar window is one period, so that a clock that is set back comes back to what was
spent. A rolling window is thirty, and one counts until its last second has left the window: never less than what was
spent in the window, and at most a thirtieth more than it.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from gateway.core.budgets import CalendarUnit, CalendarWindow, RollingWindow, Window

_PIECES = 30
_DAY_S = 86_400.0
_zone = lru_cache(maxsize=64)(ZoneInfo)


class Period(msgspec.Struct, frozen=True):
    """A stretch of a window, named by its beginning `key`. All times are seconds since the epoch.

    `counts` are the keys of the periods whose spending counts against the limit in this one. It is left at `until`;
    `gone` is when what is spent in it no longer counts, `forget_at` when no clock will be set back to it any more.
    """

    key: int
    counts: range
    until: float
    gone: float
    forget_at: float

    def has(self, now: float) -> bool:
        return self.key <= now < self.until


def period(window: Window, now: float) -> Period:
    """INVARIANT: `now` lies in the period."""
    if isinstance(window, RollingWindow):
        return _rolling(window.seconds, now)
    return _calendar(window, now)


def _rolling(seconds: int, now: float) -> Period:
    width = max(1, seconds // _PIECES)
    key = int(now // width) * width
    reach = -(-seconds // width) * width
    # those ahead count too: the clock may have been set back
    return Period(
        key=key,
        counts=range(key - reach, key + reach + width, width),
        until=key + width,
        gone=key + width + reach,
        forget_at=key + width + 2 * reach + _DAY_S,
    )


def _calendar(window: CalendarWindow, now: float) -> Period:
    local = datetime.fromtimestamp(now, _zone(window.time_zone))
    start, after = _hour(local) if window.unit is CalendarUnit.HOUR else _days(window.unit, local)
    key = int(start)
    return Period(key, range(key, key + 1), after, after, max(after, now) + 2 * _DAY_S)


def _hour(local: datetime) -> tuple[float, float]:
    start = local.replace(minute=0, second=0, microsecond=0).timestamp()
    after = start + 3600
    while after <= local.timestamp():  # an hour is longer where clocks are put back by half of one
        after += 1800
    return start, after


def _days(unit: CalendarUnit, local: datetime) -> tuple[float, float]:
    first = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if unit is CalendarUnit.WEEK:
        first -= timedelta(days=first.weekday())
    elif unit is CalendarUnit.MONTH:
        first = first.replace(day=1)
    if unit is CalendarUnit.MONTH:
        after = (first + timedelta(days=32)).replace(day=1)
    else:
        after = first + timedelta(days=7 if unit is CalendarUnit.WEEK else 1)
    return first.timestamp(), after.timestamp()
