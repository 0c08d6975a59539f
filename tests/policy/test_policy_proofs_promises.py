"""No leak is missed: over random policies, invariants and requests, what leaks at runtime had been refused."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_texts import conditions, honest_cases, loaded, policies

from gateway.backends.door import guard
from gateway.core.errors import ClearanceViolation
from gateway.core.types import UP, Envelope, Verdict
from gateway.policy.evaluate import decide, exclusion
from gateway.policy.model import Invariant, Policy, Promise
from gateway.policy.verify import verify


@st.composite
def promising(draw: st.DrawFn) -> dict[str, Any]:
    """A random policy with a few random `never` and `only` invariants."""
    written = draw(policies())
    written["invariants"] = []
    for word in draw(st.lists(st.sampled_from(["never", "only"]), min_size=1, max_size=3)):
        about = draw(conditions(free_names(written), depth=1, names=tuple(written["backends"])) | st.just({}))
        written["invariants"].append({word: {**about, "reaches": draw(st.sampled_from(places(written)))}})
    return written


def free_names(written: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, target in written.get("models", {}).items() if target == "auto")


def places(written: dict[str, Any]) -> list[dict[str, str]]:
    zones = {backend["zone"] for backend in written["backends"].values()}
    return [*({"zone": zone} for zone in sorted(zones)), *({"backend": name} for name in written["backends"])]


def is_broken(invariant: Invariant, policy: Policy, envelope: Envelope, verdict: Verdict, fleet: Any) -> bool:
    if not invariant.matches(envelope, verdict, fleet):
        return False
    decision = decide(policy, envelope, verdict, fleet)
    hops = decision.routes if decision.shadow is None else (*decision.routes, decision.shadow)
    reached = {route.backend for route in hops}
    forbidden = reached & invariant.backends if invariant.promise is Promise.NEVER else reached - invariant.backends
    return bool(forbidden)


@given(promising(), honest_cases)
@settings(max_examples=60, deadline=None)
def test_whatever_breaks_an_invariant_at_runtime_had_been_refused(written: dict[str, Any], cases: Any) -> None:
    policy = loaded(written)
    proofs = verify(policy).proofs[1:]
    for envelope, verdict, fleet in cases(policy):
        for proof in proofs:
            assert proof.invariant is not None
            if is_broken(proof.invariant, policy, envelope, verdict, fleet):
                assert proof.leak is not None, proof.sentence


@given(promising())
@settings(max_examples=40, deadline=None)
def test_every_path_that_is_shown_is_one_the_runtime_takes(written: dict[str, Any]) -> None:
    policy = loaded(written)
    for proof, leak in verify(policy).leaks:
        assert proof.invariant is not None
        assert is_broken(proof.invariant, policy, *leak.witness)


@given(policies(), honest_cases)
@settings(max_examples=30, deadline=None)
def test_what_fails_or_is_asked_for_more_only_strikes_routes_out(written: dict[str, Any], cases: Any) -> None:
    policy = loaded(written)
    for envelope, verdict, fleet in cases(policy):
        for name, spec in policy.backends.items():
            if exclusion(spec, fleet.get(name, UP), envelope, verdict) is None:
                assert exclusion(spec, UP, envelope, verdict) is None


@given(policies(), honest_cases)
@settings(max_examples=30, deadline=None)
def test_the_door_holds_for_policies_forced_past_check(written: dict[str, Any], cases: Any) -> None:
    """As if every veto had been lost: whatever a rule proposes, the guard lets nothing above its clearance through."""
    policy = loaded(written)
    for _, verdict, _ in cases(policy):
        for rule in policy.rules:
            for route in rule.ways:
                zone = policy.backends[route.backend].zone
                if verdict.sensitivity > zone.clearance:
                    with pytest.raises(ClearanceViolation):
                        guard(zone, verdict.sensitivity)
                else:
                    guard(zone, verdict.sensitivity)
