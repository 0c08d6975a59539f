"""Copies of a share of a rule's requests: drawn by what is recorded, under every veto, followed by every proof."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.types import BackendState, Route, Sensitivity
from gateway.policy.draw import ALWAYS_DRAWN, WHOLE, is_drawn
from gateway.policy.evaluate import decide
from gateway.policy.facts import facts
from gateway.policy.mutants import mutants
from gateway.policy.prose import prose
from gateway.policy.review import Fault, review
from gateway.policy.space import Witness
from gateway.policy.trial import noticed, tried
from gateway.policy.verify import verify

ROUTE = "  route: [local, frontier]\n"
LIMIT = ("    model: llama\n", "    model: llama\n    saturated_at: {queue: 8}\n")
OPEN = ("clearance: internal, retention", "clearance: restricted, retention")
PRIVATE = "    route: [local]\n"


def shadowing(share: str = "100%", route: str = "[local]", to: str = "frontier") -> tuple[str, str]:
    return ROUTE, f"  route: {route}\n  shadow: {{to: {to}, share: {share}}}\n"


@pytest.fixture
def copied(policy_with, envelope, verdict):
    """Where a copy goes."""

    def decided(*changes: tuple[str, str], level: Sensitivity = Sensitivity.PUBLIC, **states: BackendState):
        return decide(policy_with(*changes), envelope(), verdict(level), states).shadow

    return decided


def test_a_copy_goes_where_the_rule_says_once_and_in_the_rules_times(copied) -> None:
    times = (ROUTE, "  route: [local]\n  timeouts: {total: 9s}\n  retries: 2\n  shadow: {to: frontier, share: 100%}\n")
    assert copied(times) == Route("frontier", first_byte_s=9.0, total_s=9.0)
    assert copied(shadowing("0.01%")) is None


@given(st.integers(1, WHOLE))
def test_a_share_of_the_requests_is_that_share_and_always_the_same(share: int) -> None:
    ids = [f"req_{number:024x}" for number in range(0, 2_000_000, 4_001)]
    drawn = [is_drawn(each, share) for each in ids]
    assert drawn == [is_drawn(each, share) for each in ids]
    assert abs(sum(drawn) / len(ids) - share / WHOLE) < 0.1
    assert is_drawn(ALWAYS_DRAWN, share)


def test_what_may_not_go_there_is_not_copied_there(policy_with, envelope, verdict) -> None:
    policy = policy_with((PRIVATE, f"{PRIVATE}    shadow: {{to: frontier, share: 100%}}\n"))
    assert decide(policy, envelope(), verdict(Sensitivity.RESTRICTED), {}).shadow is None


@pytest.mark.parametrize("state", [BackendState(is_up=False), BackendState(is_up=True, is_saturated=True)])
def test_no_copy_adds_to_the_trouble_of_a_backend(copied, state) -> None:
    assert copied(shadowing(), frontier=state) is None


def test_no_copy_goes_to_the_backend_that_is_asked_first(copied) -> None:
    change = (ROUTE, "  route: [local]\n  spill: frontier\n  shadow: {to: frontier, share: 100%}\n")
    assert copied(LIMIT, change, local=BackendState(is_up=True, is_saturated=True)) is None


def test_a_copy_that_leaks_is_found_and_shown(policy_with) -> None:
    promise = "invariants:\n  - never: {sensitivity: restricted, model: auto, reaches: {zone: openai}}\n"
    private = (PRIVATE, f"{PRIVATE}    shadow: {{to: frontier, share: 0.01%}}\n")
    policy = policy_with(OPEN, private, ("unknown_routes: frontier\n", ""), ("deadline: 2m\n", promise))
    ((_, leak),) = verify(policy).leaks
    assert leak.decision.shadow == Route("frontier")
    (remark,) = (each for each in review(policy).remarks if each.fault is Fault.BROKEN_INVARIANT)
    assert "zone:    `openai`, cleared for restricted, through a copy to backend `frontier`" in remark.path


def test_a_shadow_that_never_falls_is_told(policy_with) -> None:
    (remark,) = review(policy_with((PRIVATE, f"{PRIVATE}    shadow: {{to: frontier, share: 5%}}\n"))).remarks
    assert remark.fault is Fault.DEAD_ROUTE
    assert remark.sentence.startswith("rule `private` can never send a copy to `frontier`: a veto")
    assert remark.sentence.endswith("; remove the shadow")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (shadowing(to="local"), "is of `local`, which is asked anyway; name another"),
        (shadowing("5"), "must be a share such as `5%`, from 0.01% to 100%"),
        (shadowing("0%"), "must be a share"),
        (shadowing("101%"), "must be a share"),
        (shadowing(to="frontie"), "did you mean `frontier`?"),
        ((ROUTE, f"{ROUTE}  shadow: frontier\n"), "must be a mapping"),
        ((ROUTE, f"{ROUTE}  shadow: {{to: frontier, share: 5%, mask: email}}\n"), "unknown key `mask`"),
    ],
)
def test_a_shadow_without_sense_is_refused(refused, change, told) -> None:
    assert told in refused(change)


def test_losing_it_is_a_change_that_a_test_may_notice(policy_with, envelope, verdict) -> None:
    case = "tests:\n  - {name: copied, given: {}, expect: {shadow: frontier}}\n"
    policy = policy_with(shadowing("1%"), ("deadline: 2m\n", case))
    trial = tried(policy, policy.cases[0], Witness(envelope(id=ALWAYS_DRAWN), verdict()))
    (lost,) = (each for each in mutants(policy) if "shadow" in each.change)
    assert trial.mistakes == ()
    assert lost.change not in [each.change for each in noticed(policy, [trial]).survivors]
    assert lost.change in [each.change for each in noticed(policy, []).survivors]


@pytest.mark.parametrize(
    ("expect", "mistake"),
    [
        ("{shadow: none}", "expected no copy, it goes to `frontier`"),
        ("{shadow: local}", "expected a copy to `local`, it goes to `frontier`"),
        ("{zone_not: openai}", "expected nothing in zone `openai`, but `frontier` may be asked"),
    ],
)
def test_a_case_sees_copies(policy_with, envelope, verdict, expect, mistake) -> None:
    case = f"tests:\n  - {{name: copied, given: {{}}, expect: {expect}}}\n"
    policy = policy_with(shadowing(), ("deadline: 2m\n", case))
    assert tried(policy, policy.cases[0], Witness(envelope(), verdict())).mistakes == (mistake,)


def test_people_are_told_of_it(policy_with) -> None:
    policy = policy_with(shadowing("2.5%"))
    assert "A copy of 2.5% of them goes to `frontier`, whose answer is thrown away." in prose(policy)
    assert facts(policy)["rule `otherwise`"].endswith("; a copy of 2.5% of them goes to `frontier`")
