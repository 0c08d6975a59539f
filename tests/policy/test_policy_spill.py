"""A rule spills while its first backend is saturated, and only then; what leaks by it is found before it is served."""

import pytest

from gateway.core.types import UP, BackendState, Route, Sensitivity, Veto
from gateway.policy.evaluate import decide
from gateway.policy.facts import facts
from gateway.policy.mutants import mutants
from gateway.policy.prose import prose
from gateway.policy.review import Fault, review
from gateway.policy.space import Witness
from gateway.policy.trial import noticed, tried
from gateway.policy.verify import verify

SATURATED = BackendState(is_up=True, is_saturated=True, reason="12 requests wait at each replica")
DOWN = BackendState(is_up=False, is_saturated=True)
LIMIT = ("    model: llama\n", "    model: llama\n    saturated_at: {queue: 8}\n")
ROUTE = "  route: [local, frontier]\n"
OPEN = ("clearance: internal, retention", "clearance: restricted, retention")


def spilling(spill: str = "frontier", route: str = "[local]") -> tuple[str, str]:
    return ROUTE, f"  route: {route}\n  spill: {spill}\n"


def leaking(policy_with):
    promise = "never: {sensitivity: restricted, model: auto, reaches: {zone: openai}}"
    private = ("    route: [local]\n", "    route: [local]\n    spill: frontier\n")
    no_unknown = ("unknown_routes: frontier\n", "")
    return policy_with(LIMIT, OPEN, private, no_unknown, ("deadline: 2m\n", f"invariants:\n  - {promise}\n"))


@pytest.fixture
def routed(policy_with, envelope, verdict):
    def decided(change: tuple[str, str], state: BackendState, level: Sensitivity = Sensitivity.PUBLIC):
        return decide(policy_with(LIMIT, change), envelope(), verdict(level), {"local": state})

    return decided


def names(decision) -> list[str]:
    return [route.backend for route in decision.routes]


def test_while_the_first_is_saturated_the_spill_is_asked_first(routed) -> None:
    assert (names(routed(spilling(), UP)), names(routed(spilling(), SATURATED))) == (["local"], ["frontier", "local"])
    assert (routed(spilling(), UP).spilled_from, routed(spilling(), SATURATED).spilled_from) == ("", "local")


def test_a_route_of_the_rule_keeps_what_is_said_of_it(routed) -> None:
    change = spilling(route="[local, {to: frontier, retries: 2}]")
    assert routed(change, SATURATED).routes == (Route("frontier", retries=2), Route("local"))


def test_another_one_has_its_own_and_the_rules_times(routed) -> None:
    change = spilling("{to: frontier, first_byte: 3s}")
    assert routed(change, SATURATED).routes[0] == Route("frontier", first_byte_s=3.0)


def test_no_spill_goes_where_the_zone_is_not_cleared_for_it(policy_with, envelope, verdict) -> None:
    private = ("    route: [local]\n", "    route: [local]\n    spill: frontier\n")
    decision = decide(policy_with(LIMIT, private), envelope(), verdict(Sensitivity.RESTRICTED), {"local": SATURATED})
    assert names(decision) == ["local"]
    assert [(name, struck.veto) for name, struck in decision.excluded] == [("frontier", Veto.CLEARANCE)]


def test_what_is_down_is_struck_out_wherever_it_stands(routed) -> None:
    assert names(routed(spilling(), DOWN)) == ["frontier"]


def test_a_spill_that_leaks_is_found_with_the_state_that_it_takes(policy_with) -> None:
    ((_, leak),) = verify(leaking(policy_with)).leaks
    assert leak.decision.spilled_from == "local"
    (remark,) = (each for each in review(leaking(policy_with)).remarks if each.fault is Fault.BROKEN_INVARIANT)
    assert "rule:    `private` → `frontier`, `local`" in remark.path
    assert "failure: `local` saturated" in remark.path


def test_a_spill_that_every_veto_strikes_out_is_told(policy_with) -> None:
    private = ("    route: [local]\n", "    route: [local]\n    spill: frontier\n")
    (remark,) = review(policy_with(LIMIT, private)).remarks
    assert remark.fault is Fault.DEAD_ROUTE
    assert remark.sentence.startswith("rule `private` can never spill to `frontier`: a veto strikes every request out")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([spilling()], "`spill` in `otherwise`: backend `local` never counts as saturated; give it `saturated_at`"),
        ([LIMIT, spilling("local")], "is `local`, which is the one that is saturated; name another"),
        ([LIMIT, spilling("{to: frontier}", "[local, frontier]")], "`frontier` is in `route` already"),
        ([LIMIT, spilling("frontie")], "did you mean `frontier`?"),
        ([LIMIT, spilling("[frontier]")], "must be one value"),
    ],
)
def test_a_spill_without_sense_is_refused(refused, changes, told) -> None:
    assert told in refused(*changes)


def test_losing_it_is_a_change_that_a_test_may_notice(policy_with, envelope, verdict) -> None:
    case = "  - {name: busy, given: {saturated: local}, expect: {backends: [frontier, local]}}\n"
    policy = policy_with(LIMIT, spilling(), ("deadline: 2m\n", f"tests:\n{case}"))
    trial = tried(policy, policy.cases[0], Witness(envelope(), verdict()))
    assert trial.mistakes == ()
    (lost,) = (each for each in mutants(policy) if "spill" in each.change)
    assert lost.change == "rule `otherwise` without its spill to `frontier`"
    assert lost.change not in [each.change for each in noticed(policy, [trial]).survivors]
    assert lost.change in [each.change for each in noticed(policy, []).survivors]


def test_people_are_told_of_it(policy_with) -> None:
    policy = policy_with(LIMIT, spilling())
    assert "; while `local` is saturated (8 requests wait at each replica), to `frontier` first" in prose(policy)
    assert "; while `local` is saturated `frontier` (30s" in facts(policy)["rule `otherwise`"]
    assert facts(policy)["backend `local`: saturated"] == "8 requests wait at each replica"
