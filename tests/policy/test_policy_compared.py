"""Two policies are compared exactly: where no difference is found none is met, and each that is found is one."""

from typing import Any

import msgspec
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from policy_texts import honest_cases, loaded, policies

from gateway.policy.compare import differences, is_same
from gateway.policy.evaluate import decide
from gateway.policy.model import Policy
from gateway.policy.mutants import mutants
from gateway.policy.space import Space


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Policy, Policy]:
    """A random policy and one that differs from it in one rule."""
    policy = loaded(draw(policies()))
    changed = [mutant.policy for mutant in mutants(policy)]
    if not changed:
        reject()
    return policy, draw(st.sampled_from(changed))


@given(pairs(), honest_cases)
@settings(max_examples=50, deadline=None)
def test_what_is_found_to_be_the_same_routes_every_request_alike(pair: tuple[Policy, Policy], cases: Any) -> None:
    old, new = pair
    if is_same(old, new):
        for case in cases(old):
            was, becomes = decide(old, *case), decide(new, *case)
            assert (was.routes, was.shadow) == (becomes.routes, becomes.shadow)


@given(pairs())
@settings(max_examples=25, deadline=None)
def test_every_difference_is_one(pair: tuple[Policy, Policy]) -> None:
    old, new = pair
    for found in differences(Space([old, new]), old, new):
        was, becomes = (decide(policy, *found.witness) for policy in pair)
        assert (was.routes, was.shadow) != (becomes.routes, becomes.shadow)


@given(policies())
@settings(max_examples=12, deadline=None)
def test_looking_at_the_changed_rule_alone_finds_the_same(written: dict[str, Any]) -> None:
    policy = loaded(written)
    for mutant in mutants(policy):
        assert is_same(policy, mutant.policy, mutant.rule) == is_same(policy, mutant.policy)


@given(policies())
@settings(max_examples=10, deadline=None)
def test_a_policy_is_the_same_as_itself_by_another_name(written: dict[str, Any]) -> None:
    policy = loaded(written)
    assert is_same(policy, msgspec.structs.replace(policy, name="other"))
