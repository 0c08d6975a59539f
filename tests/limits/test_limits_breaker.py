"""The breaker does what its printed table says, and no order of events leaves a replica out for good."""

import re
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import breaker as breakers
from gateway.limits.breaker import CLOSED, FAILURES_TO_OPEN, OPEN_S, Breaker, Event, State, admits, after, asked

NOW = 1000.0
EVENTS = st.lists(st.sampled_from(Event), max_size=40)
BREAKERS = st.one_of(
    st.integers(0, FAILURES_TO_OPEN - 1).map(lambda failures: Breaker(failures=failures)),
    st.floats(NOW - OPEN_S, NOW + OPEN_S).map(lambda until: Breaker(State.OPEN, until=until)),
    st.just(Breaker(State.HALF_OPEN)),
)


def ended(breaker: Breaker, *events: Event) -> Breaker:
    return reduce(lambda before, event: after(before, event, NOW), events, breaker)


def printed() -> dict[tuple[str, str], str]:
    """The docstring's table: (state, event) to the words in that cell."""
    rows = [re.split(r" {2,}", line) for line in (breakers.__doc__ or "").splitlines() if "  " in line]
    (_, *events), *states = rows
    return {(state, event): cell for state, *cells in states for event, cell in zip(events, cells, strict=True)}


def done(state: State, event: Event) -> str:
    """The same words, from what the code does to every breaker in that state."""
    befores = [Breaker(failures=count) for count in range(FAILURES_TO_OPEN)]
    if state is not State.CLOSED:
        befores = [Breaker(state, until=NOW + 1)]
    afters = [after(before, event, NOW) for before in befores]
    first, last = afters[0].state, afters[-1].state
    if last is not first:
        return f"{first}, or {last} at the {1 + [each.state for each in afters].index(last)}th"
    return f"{first}, due at once" if admits(afters[0], NOW) and first is State.OPEN else first.value


def test_the_table_that_is_printed_is_the_one_that_is_used() -> None:
    cells = {(state.value.replace("_", "-"), event.value): done(state, event) for state in State for event in Event}
    assert printed() == cells


@given(EVENTS)
def test_it_is_open_exactly_after_five_failures_in_a_row(events: list[Event]) -> None:
    known = [event for event in events if event is not Event.UNKNOWN]
    has_failed = known[-FAILURES_TO_OPEN:] == [Event.FAILED] * FAILURES_TO_OPEN
    assert (ended(CLOSED, *events).state is State.OPEN) == has_failed


@given(BREAKERS, st.sampled_from(Event))
def test_it_is_never_half_open_after_the_trials_end(breaker: Breaker, event: Event) -> None:
    assert after(breaker, event, NOW).state is not State.HALF_OPEN


@given(BREAKERS, st.floats(0, 1e9))
def test_one_request_at_a_time_is_the_trial(breaker: Breaker, later: float) -> None:
    sent = asked(breaker)
    assert (sent.state is State.HALF_OPEN) == (breaker.state is not State.CLOSED)
    assert admits(sent, NOW + later) == (sent.state is State.CLOSED)


@given(BREAKERS, st.sampled_from(Event))
def test_nothing_keeps_a_replica_out_for_longer_than_the_pause(breaker: Breaker, event: Event) -> None:
    assert admits(after(breaker, event, NOW), NOW + OPEN_S)


def test_the_pause_begins_with_the_failure_that_opens_and_not_with_later_ones() -> None:
    opened = ended(CLOSED, *[Event.FAILED] * FAILURES_TO_OPEN)
    assert not admits(opened, NOW + OPEN_S - 0.001)
    assert after(opened, Event.FAILED, NOW + 4) == opened  # one that was under way when it opened


@pytest.mark.parametrize(
    ("event", "state", "wait_s"),
    [(Event.ANSWERED, State.CLOSED, 0), (Event.FAILED, State.OPEN, OPEN_S), (Event.UNKNOWN, State.OPEN, 0)],
)
def test_a_trials_end_decides(event: Event, state: State, wait_s: float) -> None:
    tried = ended(asked(Breaker(State.OPEN, until=NOW)), event)
    assert (tried.state, admits(tried, NOW + wait_s)) == (state, True)
    assert wait_s == 0 or not admits(tried, NOW + wait_s - 0.001)


def test_an_answer_forgets_the_failures_before_it() -> None:
    assert ended(CLOSED, Event.FAILED, Event.FAILED, Event.ANSWERED) == CLOSED
