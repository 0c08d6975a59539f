"""When to leave a failing replica alone and when to try it again: a state table in which `now` is an argument.

            failed                       answered        unknown
closed      closed, or open at the 5th   closed          closed
open        open                         closed          open
half-open   open                         closed          open, due at once

An open breaker whose time is up lets one request through as a trial, and is half-open until that one has ended.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

FAILURES_TO_OPEN = 5
OPEN_S = 5.0


class State(StrEnum):
    """What a breaker lets through: everything, nothing, or nothing but the trial under way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Event(StrEnum):
    """How a request ended. Unknown: it was called off before the replica had its chance."""

    FAILED = "failed"
    ANSWERED = "answered"
    UNKNOWN = "unknown"


class Breaker(msgspec.Struct, frozen=True):
    """`failures` in a row while closed; `until`: monotonic seconds from when an open one is tried again."""

    state: State = State.CLOSED
    failures: int = 0
    until: float = 0.0


CLOSED = Breaker()


def admits(breaker: Breaker, now: float) -> bool:
    """Whether one more request may be sent."""
    return breaker.state is State.CLOSED or (breaker.state is State.OPEN and now >= breaker.until)


def asked(breaker: Breaker) -> Breaker:
    """After an admitted request was sent: the first one through an open breaker is its trial."""
    return breaker if breaker.state is State.CLOSED else Breaker(State.HALF_OPEN)


def after(breaker: Breaker, event: Event, now: float) -> Breaker:
    """After a request has ended. INVARIANT: whatever the events, a breaker is never half-open after the trial's end."""
    target = _TABLE[breaker.state, event]
    if target is State.CLOSED:
        return _closed(breaker, event, now)
    is_due = breaker.state is State.HALF_OPEN and event is Event.UNKNOWN
    until = breaker.until if breaker.state is State.OPEN else now + OPEN_S
    return Breaker(State.OPEN, until=now if is_due else until)


def _closed(breaker: Breaker, event: Event, now: float) -> Breaker:
    if event is Event.ANSWERED:
        return CLOSED if breaker is not CLOSED else breaker
    if event is Event.UNKNOWN:
        return breaker
    failures = breaker.failures + 1
    return Breaker(State.OPEN, until=now + OPEN_S) if failures >= FAILURES_TO_OPEN else Breaker(failures=failures)


_TABLE: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.CLOSED, Event.FAILED): State.CLOSED,
        (State.CLOSED, Event.ANSWERED): State.CLOSED,
        (State.CLOSED, Event.UNKNOWN): State.CLOSED,
        (State.OPEN, Event.FAILED): State.OPEN,
        (State.OPEN, Event.ANSWERED): State.CLOSED,
        (State.OPEN, Event.UNKNOWN): State.OPEN,
        (State.HALF_OPEN, Event.FAILED): State.OPEN,
        (State.HALF_OPEN, Event.ANSWERED): State.CLOSED,
        (State.HALF_OPEN, Event.UNKNOWN): State.OPEN,
    }
)
