"""The promises of deciding, over random policies, requests, verdicts and fleets."""

from typing import Any

from hypothesis import given, settings
from plain_reading import expected
from policy_texts import cases, loaded, policies

from gateway.core.types import BackendState, Envelope, Verdict
from gateway.policy.evaluate import ORDER, decide, refusal

Cases = list[tuple[Envelope, Verdict, dict[str, BackendState]]]
STATUSES = {"clearance": 403, "capability": 400, "context": 400, "health": 503, "cost": 400}


def usd(cost: int | None) -> float | None:
    return None if cost is None else cost / 1_000_000_000


@given(policies(), cases)
@settings(max_examples=80, deadline=None)
def test_no_route_leads_to_a_zone_below_the_sensitivity(written: dict[str, Any], cases: Cases) -> None:
    policy = loaded(written)
    for envelope, verdict, fleet in cases:
        decision = decide(policy, envelope, verdict, fleet)
        for route in (*decision.routes, *filter(None, [decision.shadow])):
            assert policy.backends[route.backend].zone.clearance >= verdict.sensitivity


@given(policies(), cases)
@settings(max_examples=120, deadline=None)
def test_a_decision_is_what_a_plain_reading_of_the_file_gives(written: dict[str, Any], cases: Cases) -> None:
    policy = loaded(written)
    for envelope, verdict, fleet in cases:
        decision, wanted = decide(policy, envelope, verdict, fleet), expected(written, envelope, verdict, fleet)
        routes = [
            (each.backend, each.first_byte_s, each.total_s, each.retries, usd(each.max_cost))
            for each in decision.routes
        ]
        struck = [(name, exclusion.veto.value) for name, exclusion in decision.excluded]
        assert (decision.rule, routes, struck) == wanted


@given(policies(), cases)
@settings(max_examples=40, deadline=None)
def test_deciding_again_gives_the_same_and_changes_nothing(written: dict[str, Any], cases: Cases) -> None:
    first, second = loaded(written), loaded(written)
    before = [dict(fleet) for _, _, fleet in cases]
    decisions = [decide(first, *case) for case in cases]
    assert [decide(second, *case) for case in reversed(cases)] == decisions[::-1]
    assert [fleet for _, _, fleet in cases] == before


@given(policies(), cases)
@settings(max_examples=60, deadline=None)
def test_a_decision_without_routes_is_the_error_of_the_route_that_came_closest(
    written: dict[str, Any], cases: Cases
) -> None:
    policy = loaded(written)
    for envelope, verdict, fleet in cases:
        decision = decide(policy, envelope, verdict, fleet)
        if not decision.routes:
            closest = max((ORDER.index(exclusion.veto) for _, exclusion in decision.excluded), default=None)
            status = 404 if closest is None else STATUSES[ORDER[closest]]
            assert refusal(decision, envelope).status == status
