"""Windows of time that recur each week, on the clock of a place; the instant asked about is an argument."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 1440
PLAIN_INSTANT = datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()
"""A Monday noon: when a described request is made of which nobody says when."""
_FIRST_DAY, _YEAR_DAYS = date(2026, 1, 1), 365


class Window(msgspec.Struct, frozen=True):
    """These days (0 is Monday), from a minute of the day up to but without another.

    `until` at or before `start` is on the next day: a night belongs to the day on which it begins. `name`: "" where the
    file gives it none.
    """

    days: frozenset[int]
    start: int
    until: int
    time_zone: str
    name: str = ""

    def holds(self, at: float) -> bool:
        """`at` is in seconds since the epoch."""
        local = datetime.fromtimestamp(at, ZoneInfo(self.time_zone))
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.until:
            return self.start <= minute < self.until and day in self.days
        return day in self.days if minute >= self.start else minute < self.until and (day - 1) % 7 in self.days


def instants(windows: Iterable[Window]) -> tuple[float, ...]:
    """One instant for each way of being inside some of the windows and outside the others, a plain one first.

    Every offset that the clocks have to each other in a year is looked at on each day of the week, where each window
    begins and ends: nothing changes between. The hour that a clock leaves out or repeats is not a way of its own.
    """
    asked = tuple(dict.fromkeys(windows))
    ways: dict[tuple[bool, ...], float] = {}
    for at in (PLAIN_INSTANT, *_edges(asked)):
        ways.setdefault(tuple(window.holds(at) for window in asked), at)
    return tuple(ways.values())


def _edges(windows: tuple[Window, ...]) -> Iterator[float]:
    clocks = {ZoneInfo(window.time_zone) for window in windows}
    edges = sorted({(window.time_zone, minute) for window in windows for minute in (window.start, window.until)})
    seen: set[tuple[object, ...]] = set()
    for number in range(_YEAR_DAYS if windows else 0):
        day = _FIRST_DAY + timedelta(days=number)
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        alike = (noon.weekday(), *sorted(str(noon.astimezone(clock).utcoffset()) for clock in clocks))
        if alike not in seen:
            seen.add(alike)
            for time_zone, minute in edges:
                hour, rest = divmod(minute % DAY_MINUTES, 60)
                yield datetime(day.year, day.month, day.day, hour, rest, tzinfo=ZoneInfo(time_zone)).timestamp()
