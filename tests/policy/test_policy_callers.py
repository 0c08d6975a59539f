"""The least class of a caller: read, proved, told, and kept where no rule looks."""

import pytest

from gateway.core.types import Caller, Endpoint, Need, Sensitivity, Veto
from gateway.policy.belief import relabelled
from gateway.policy.compare import differences
from gateway.policy.evaluate import decide
from gateway.policy.facts import facts
from gateway.policy.prose import prose
from gateway.policy.space import Space
from gateway.policy.verify import verify

OWN = ("team: finance, tags: [batch]", "team: finance, tags: [batch], sensitivity: restricted")
BY_TAG = ("default: public", "default: public\n    tags: {batch: confidential}")
NEVER = "deadline: 2m\ninvariants: [{only: {caller: billing, reaches: {zone: on_prem}}}]\n"


def caller_of(policy, name: str) -> Caller:
    return next(caller for caller in policy.everyone if caller.id == name)


def test_a_pin_does_not_get_around_a_callers_class(policy_with, envelope, verdict) -> None:
    policy = policy_with(OWN)
    billing = caller_of(policy, "billing")
    believed = relabelled(verdict(), policy.labelling, billing)
    for changes in ({"model": "frontier"}, {"endpoint": Endpoint.UNKNOWN, "needs": frozenset({Need.PASSTHROUGH})}):
        decision = decide(policy, envelope(caller=billing, **changes), believed, {})
        assert decision.routes == ()
        assert decision.excluded[0][1].veto is Veto.CLEARANCE
        assert "(from caller `billing`)" in decision.excluded[0][1].detail


@pytest.mark.parametrize("change", [OWN, BY_TAG])
def test_a_callers_class_proves_what_a_rule_could_not(policy_with, change) -> None:
    promise = ("deadline: 2m\n", NEVER)
    rule = ("rules:\n", "rules:\n  - {name: bills, when: {caller: billing}, route: [local]}\n")
    assert verify(policy_with(promise, rule)).leaks, "a pin gets around the rule"
    assert not verify(policy_with(promise, change)).leaks


def test_a_caller_below_the_default_keeps_the_others_there(policy_with) -> None:
    changes = ("default: public", "default: confidential"), ("team: growth}", "team: growth, sensitivity: public}")
    assert not verify(policy_with(*changes, ("deadline: 2m\n", NEVER))).leaks
    ((_, leak),) = verify(policy_with(*changes, ("deadline: 2m\n", NEVER.replace("billing", "website")))).leaks
    assert leak.witness.envelope.caller.id == "website"


def test_a_client_may_always_say_more_of_its_request(policy_with) -> None:
    invariant = (
        "invariants: [{always: {endpoint: chat, sensitivity: internal, prompt_tokens: {at_most: 8000}, reaches: "
    )
    promise = ("deadline: 2m\n", "deadline: 2m\n" + invariant + "{zone: openai}}}]\n")
    ((_, leak),) = verify(policy_with(promise, ("route: [local, frontier]\n", "route: [local]\n"))).leaks
    assert leak.witness.verdict.declared is Sensitivity.INTERNAL


def test_records_are_decided_again_with_the_callers_class(policy_with, verdict) -> None:
    policy = policy_with(BY_TAG)
    again = relabelled(verdict(declared=Sensitivity.INTERNAL), policy.labelling, caller_of(policy, "billing"))
    assert again.sensitivity is Sensitivity.CONFIDENTIAL
    other = relabelled(verdict(declared=Sensitivity.INTERNAL), policy.labelling, caller_of(policy, "website"))
    assert (other.sensitivity, other.declared) == (Sensitivity.INTERNAL, Sensitivity.INTERNAL)


def test_the_least_class_is_told(policy_with) -> None:
    policy = policy_with(OWN)
    assert facts(policy)["caller `billing`"] == "team finance, tags `batch`, at least restricted"
    assert "- From caller `billing`: at least restricted, whatever is found." in prose(policy)


def test_a_tag_that_nobody_has_is_refused(refused) -> None:
    told = refused(("default: public", "tags: {bacth: internal}"))
    assert "unknown key `bacth` in `tags` of `sensitivity` of `classify`; did you mean `batch`?" in told
    assert "cannot be `secret`" in refused(("team: growth}", "team: growth, sensitivity: secret}"))


def test_a_class_may_not_come_from_the_environment(refused) -> None:
    told = refused(("team: growth}", 'team: growth, sensitivity: "${LEVEL:-public}"}'))
    assert "what decides must stand in the file itself" in told


def test_policies_that_differ_in_a_callers_class_alone_route_alike_what_is_believed_alike(policy_with) -> None:
    old, new = policy_with(), policy_with(OWN)
    assert list(differences(Space([old, new]), old, new)) == []
