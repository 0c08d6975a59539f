"""How long a request would wait, from what a server's meters say, and from when on that is too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.load import SaturatedAt
from gateway.limits.load import Load, Reading, after, is_saturated

COUNTS = st.integers(0, 500)


def test_a_queue_waits_as_long_as_its_batch_takes_to_end_so_many() -> None:
    load = after(None, Reading(waiting=8, running=4, ended=10, served_s=20.0))
    assert load.wait_s(load.queued(12)) == 8 * 2.0 / 4


def test_only_what_ended_since_counts_half_against_what_was_known() -> None:
    load = after(after(None, Reading(0, 4, 10, 20.0)), Reading(8, 4, 12, 28.0))
    assert load.service_s == (2.0 + 4.0) / 2


def test_a_server_that_started_anew_is_measured_anew() -> None:
    load = after(after(None, Reading(8, 4, 1000, 2000.0)), Reading(8, 4, 2, 20.0))
    assert load.service_s == (2.0 + 10.0) / 2


def test_nobody_waits_where_nobody_had_to_and_how_long_is_unknown_until_one_has_ended() -> None:
    assert after(None, Reading(0, 90)).queued(90) == 0
    load = after(None, Reading(3, 90))
    assert (load.queued(93), load.wait_s(3), load.wait_s(0)) == (3, None, 0.0)


@given(COUNTS, COUNTS)
def test_just_after_a_reading_as_many_wait_as_it_says(waiting: int, running: int) -> None:
    for before in (None, Load(Reading(0, 0)), Load(Reading(1, 300), 300)):
        assert after(before, Reading(waiting, running)).queued(waiting + running) == waiting


@given(st.lists(st.integers(5, 9), max_size=30))
def test_a_queue_between_half_the_limit_and_the_limit_changes_nothing(queues: list[int]) -> None:
    limit = SaturatedAt(queue=10)
    for was in (True, False):
        assert {is_saturated(limit, queue, None, was=was) for queue in (6, 9, *queues) if queue > 5} == {was}


@pytest.mark.parametrize(
    ("limit", "waiting", "wait_s", "enters", "stays"),
    [
        (SaturatedAt(queue=8), 8, None, True, True),
        (SaturatedAt(queue=8), 4, None, False, False),
        (SaturatedAt(queue=1), 0, 0.0, False, False),
        (SaturatedAt(predicted_wait_s=3.0), 90, None, False, False),
        (SaturatedAt(predicted_wait_s=3.0), 1, 3.0, True, True),
        (SaturatedAt(queue=8, predicted_wait_s=3.0), 9, 0.1, True, True),
        (SaturatedAt(queue=8, predicted_wait_s=3.0), 1, 2.0, False, True),
    ],
)
def test_either_limit_is_enough_and_both_must_be_down_to_half(limit, waiting, wait_s, enters, stays) -> None:
    assert is_saturated(limit, waiting, wait_s, was=False) == enters
    assert is_saturated(limit, waiting, wait_s, was=True) == stays
