"""Every moment lies in its window's period, whatever clocks and calendars do."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.budgets import CalendarUnit, CalendarWindow, RollingWindow
from gateway.limits.windows import period

ZONES = ("UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu")
MOMENTS = st.floats(1_000_000_000, 2_000_000_000)
CALENDARS = st.builds(CalendarWindow, st.sampled_from(CalendarUnit), st.sampled_from(ZONES))
ROLLING = st.builds(RollingWindow, st.integers(60, 366 * 86_400))
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def at(said: str) -> float:
    return datetime.fromisoformat(said).replace(tzinfo=AMSTERDAM).timestamp()


@given(CALENDARS | ROLLING, MOMENTS)
def test_now_lies_in_its_period_and_its_period_counts(window, now) -> None:
    found = period(window, now)
    assert found.has(now)
    assert found.key in found.counts
    assert found.until <= found.gone <= found.forget_at


@given(CALENDARS, MOMENTS)
def test_the_next_period_of_a_calendar_begins_where_this_one_ends(window, now) -> None:
    found = period(window, now)
    following = period(window, found.until)
    assert following.key in (found.until, found.key)  # the same where clocks were put back by less than an hour
    assert period(window, found.key) == found or following.key == found.key


@given(ROLLING, MOMENTS, st.floats(0, 366 * 86_400))
def test_what_was_spent_within_a_rolling_window_counts_and_what_is_a_thirtieth_older_does_not(
    window, then, later
) -> None:
    spent, now = period(window, then), then + later
    counts = spent.key in period(window, now).counts
    assert counts or later > window.seconds
    assert not counts or later < window.seconds + 2 * max(1, window.seconds // 30) + 30


@pytest.mark.parametrize(
    ("unit", "now", "start", "end"),
    [
        (CalendarUnit.DAY, "2026-03-29 12:00", "2026-03-29 00:00", "2026-03-30 00:00"),  # 23 hours
        (CalendarUnit.DAY, "2026-10-25 12:00", "2026-10-25 00:00", "2026-10-26 00:00"),  # 25 hours
        (CalendarUnit.WEEK, "2026-11-25 09:00", "2026-11-23 00:00", "2026-11-30 00:00"),
        (CalendarUnit.MONTH, "2026-12-31 23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
        (CalendarUnit.MONTH, "2028-02-29 00:00", "2028-02-01 00:00", "2028-03-01 00:00"),
        (CalendarUnit.HOUR, "2026-03-29 03:30", "2026-03-29 03:00", "2026-03-29 04:00"),  # after the missing hour
    ],
)
def test_a_calendars_window_is_the_one_on_the_wall(unit, now, start, end) -> None:
    found = period(CalendarWindow(unit, "Europe/Amsterdam"), at(now))
    assert (found.key, found.until) == (at(start), at(end))


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    window = CalendarWindow(CalendarUnit.HOUR, "Europe/Amsterdam")
    first = at("2026-10-25 02:30")
    assert period(window, first + 3600).key == period(window, first).until
