"""Replicas of one backend: the least busy is asked, a failing one left alone, and every request counted once."""

import asyncio
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.backends.replicas import Replicas, Turn
from gateway.core.errors import AttemptFailed, ClearanceViolation, FailureKind, GatewayError
from gateway.limits.breaker import FAILURES_TO_OPEN, OPEN_S

A, B, C = (f"http://10.0.0.{number}:8080" for number in (1, 2, 3))


class Hand:
    """A clock whose hands a test moves; implements `core.ports.Clock`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def name(turn: Turn) -> str:
    return f"http://{turn.replica.name}"


def fail(replicas: Replicas, times: int = 1, kind: FailureKind = FailureKind.SERVER_ERROR) -> None:
    for _ in range(times):
        turn = replicas.enter()
        turn.failed(kind)
        turn.leave()


def opened(clock: Hand) -> Replicas:
    replicas = Replicas([A], clock)
    fail(replicas, FAILURES_TO_OPEN)
    return replicas


def test_requests_are_spread_evenly_and_the_one_that_frees_up_is_next() -> None:
    replicas = Replicas([A, B, C], Hand())
    turns = [replicas.enter() for _ in range(6)]
    assert sorted(name(turn) for turn in turns) == sorted([A, B, C] * 2)
    turns[1].leave()
    assert name(replicas.enter()) == name(turns[1])


def test_idle_replicas_are_asked_in_turn() -> None:
    replicas = Replicas([A, B, C], Hand())
    asked = []
    for _ in range(6):
        turn = replicas.enter()
        asked.append(name(turn))
        turn.answered()
        turn.leave()
    assert asked == [A, B, C, A, B, C]


def test_of_two_that_are_idle_the_one_without_failures_is_asked() -> None:
    replicas = Replicas([A, B], Hand())
    fail(replicas)
    for _ in range(3):
        turn = replicas.enter()
        assert name(turn) == B
        turn.answered()
        turn.leave()


def test_one_that_keeps_failing_is_left_alone_and_the_backend_stays_up() -> None:
    replicas = Replicas([A, B], Hand())
    busy = replicas.enter()
    fail(replicas, FAILURES_TO_OPEN)
    assert replicas.state.is_up
    assert {name(replicas.enter()) for _ in range(4)} == {name(busy)}
    assert [row["breaker"] for row in replicas.rows()] == ["closed", "open"]


def test_when_all_are_down_the_reason_is_told_and_nobody_is_asked() -> None:
    replicas = Replicas([A, B], Hand())
    fail(replicas, 2 * FAILURES_TO_OPEN)
    assert not replicas.state.is_up
    with pytest.raises(AttemptFailed) as caught:
        replicas.enter()
    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.CONNECT, False)
    assert caught.value.detail == "5 attempts in a row failed (server_error); it is tried again shortly"


def test_an_open_breaker_that_is_due_lets_one_request_through() -> None:
    clock = Hand()
    replicas = opened(clock)
    clock.now += OPEN_S
    replicas.look_again()
    assert replicas.state.is_up
    turn = replicas.enter()
    assert replicas.state.reason.endswith("one request is trying it")
    with pytest.raises(AttemptFailed):
        replicas.enter()
    turn.answered()
    turn.leave()
    assert replicas.state.is_up


def test_a_trial_that_was_called_off_is_due_again_at_once() -> None:
    clock = Hand()
    replicas = opened(clock)
    clock.now += OPEN_S
    replicas.enter().leave()
    assert replicas.state.is_up
    replicas.enter()


def test_a_trial_that_failed_is_not_due_before_the_pause_is_over() -> None:
    clock = Hand()
    replicas = opened(clock)
    clock.now += OPEN_S
    fail(replicas, kind=FailureKind.TIMEOUT)
    assert "(timeout)" in replicas.state.reason
    clock.now += OPEN_S - 0.1
    replicas.look_again()
    assert not replicas.state.is_up


def test_an_earlier_request_that_is_called_off_lets_no_second_trial_through() -> None:
    clock = Hand()
    replicas = Replicas([A], clock)
    earlier = replicas.enter()
    fail(replicas, FAILURES_TO_OPEN)
    clock.now += OPEN_S
    trial = replicas.enter()
    earlier.leave()
    with pytest.raises(AttemptFailed):
        replicas.enter()
    trial.leave()
    assert replicas.state.is_up


@pytest.mark.parametrize("kind", list(FailureKind))
def test_only_failures_of_its_own_count_against_a_replica(kind: FailureKind) -> None:
    replicas = Replicas([A], Hand())
    says_nothing = {FailureKind.OVERLOADED, FailureKind.UNABLE}
    for _ in range(FAILURES_TO_OPEN):
        turn = replicas.enter()
        turn.judge(AttemptFailed(kind, ""), is_late=False)
        turn.leave()
    assert replicas.state.is_up == (kind in says_nothing)


@pytest.mark.parametrize(
    ("error", "is_late", "is_up"),
    [
        (GatewayError(400, "invalid_type", "no"), False, True),
        (ClearanceViolation("openai"), False, True),
        (asyncio.CancelledError(), False, True),
        (asyncio.CancelledError(), True, False),
    ],
    ids=["the client's mistake", "the guard", "the client left", "time was up"],
)
def test_what_is_not_the_replicas_fault_is_not_held_against_it(error: Any, is_late: bool, is_up: bool) -> None:
    replicas = Replicas([A], Hand())
    for _ in range(FAILURES_TO_OPEN):
        turn = replicas.enter()
        turn.judge(error, is_late=is_late)
        turn.leave()
    assert replicas.state.is_up == is_up


def test_the_guard_is_no_sign_of_life() -> None:
    replicas = Replicas([A], Hand())
    fail(replicas, FAILURES_TO_OPEN - 1)
    turn = replicas.enter()
    turn.judge(ClearanceViolation("openai"), is_late=False)
    turn.leave()
    fail(replicas)
    assert not replicas.state.is_up


def test_a_probe_that_finds_trouble_takes_a_replica_out_and_the_backend_when_it_was_the_last() -> None:
    replicas = Replicas([A, B], Hand())
    for replica, is_up in zip(replicas.all, (True, False), strict=True):
        replica.trouble = "its health check answered 503"
        replicas.look_again()
        assert replicas.state.is_up == is_up
    assert replicas.state.reason == "its health check answered 503"
    assert [row["up"] for row in replicas.rows()] == [False, False]


def test_a_backend_takes_no_more_than_each_of_its_replicas_that_are_up() -> None:
    replicas = Replicas([A, B, C], Hand())
    for replica, tokens in zip(replicas.all, (8192, 4096, None), strict=True):
        replica.context_tokens = tokens
    replicas.look_again()
    assert replicas.state.context_tokens == 4096
    replicas.all[1].trouble = "gone"
    replicas.look_again()
    assert replicas.state.context_tokens == 8192


def test_an_endpoint_that_has_not_moved_keeps_its_counts_and_one_that_has_starts_anew() -> None:
    replicas = Replicas([A], Hand())
    turn = replicas.enter()
    replicas.replace([A], "")
    assert replicas.all[0].in_flight == 1
    replicas.replace([B], "")
    turn.leave()
    assert [(row["replica"], row["in_flight"]) for row in replicas.rows()] == [("10.0.0.2:8080", 0)]


def test_where_there_are_none_the_reason_is_why() -> None:
    replicas = Replicas([A], Hand())
    replicas.replace([], "its Inference Endpoint is paused")
    assert (replicas.state.is_up, replicas.state.reason) == (False, "its Inference Endpoint is paused")
    assert replicas.rows()[0]["reason"] == "its Inference Endpoint is paused"


class AnySequence(RuleBasedStateMachine):
    """Requests come, end as they like, probes find what they find, time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Hand()
        self.replicas = Replicas([A, B, C], self.clock)
        self.turns: list[Turn] = []

    @rule()
    def come(self) -> None:
        able = {each.name: each.in_flight for each in self.replicas.all if each.is_up(self.clock.now)}
        try:
            turn = self.replicas.enter()
        except AttemptFailed:
            assert not able
        else:
            assert able[turn.replica.name] == min(able.values())
            self.turns.append(turn)

    @precondition(lambda self: self.turns)
    @rule(which=st.integers(0, 99), end=st.sampled_from(["answered", "failed", "unknown"]), again=st.booleans())
    def go(self, which: int, end: str, again: bool) -> None:
        turn = self.turns.pop(which % len(self.turns))
        if end == "failed":
            turn.failed(FailureKind.BROKEN)
        elif end == "answered":
            turn.answered()
        turn.leave()
        if again:
            turn.leave()

    @rule(which=st.integers(0, 2), trouble=st.sampled_from(["", "unhealthy"]))
    def probe(self, which: int, trouble: str) -> None:
        self.replicas.all[which].trouble = trouble
        self.replicas.look_again()

    @rule(seconds=st.floats(0, 2 * OPEN_S))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.replicas.look_again()

    @invariant()
    def every_request_is_counted_once(self) -> None:
        for replica in self.replicas.all:
            assert replica.in_flight == sum(turn.replica is replica for turn in self.turns)

    @invariant()
    def it_says_that_it_is_up_exactly_when_one_can_be_asked(self) -> None:
        is_up = any(replica.is_up(self.clock.now) for replica in self.replicas.all)
        assert self.replicas.state.is_up == is_up
        assert bool(self.replicas.state.reason) == (not is_up)

    def teardown(self) -> None:
        """Whatever happened, what was well again is asked again, and nothing stays counted."""
        while self.turns:
            self.go(0, "unknown", False)
        for which in range(3):
            self.probe(which, "")
        self.wait(OPEN_S)
        assert all(replica.in_flight == 0 for replica in self.replicas.all)
        assert all(replica.is_up(self.clock.now) for replica in self.replicas.all)


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
