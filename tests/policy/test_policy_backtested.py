"""A backtest of an unchanged policy changes nothing, whatever the traffic; what would leave is counted."""

from typing import Any

import pytest
from hypothesis import given, settings
from policy_texts import honest_cases, loaded, policies

from gateway.core.money import NanoUSD
from gateway.core.records import Attempt, Ending, Outcome, Record
from gateway.core.types import UP, BackendState, Envelope, Sensitivity, Tier, Verdict
from gateway.core.usage import Usage
from gateway.policy.backtest import Backtest, Cost, share
from gateway.policy.evaluate import decide
from gateway.policy.model import Policy


def recorded(
    policy: Policy,
    envelope: Envelope,
    verdict: Verdict,
    fleet: dict[str, BackendState],
    usage: Usage | None = None,
    failed: int = 0,
) -> Record:
    """What the gateway keeps of a request; of its routes the first `failed` gave no answer."""
    decision = decide(policy, envelope, verdict, fleet)
    left = decision.routes[failed:]
    spec = policy.backends[left[0].backend] if left else None
    cost = spec.price.cost(usage.prompt_tokens, usage.completion_tokens) if spec and usage and spec.price else None
    attempts = [Attempt(route.backend, "a", 0.0, None, "timeout") for route in decision.routes[:failed]]
    return Record(
        id=envelope.id,
        decision_id=envelope.decision_id,
        at=envelope.received_at,
        draws=envelope.draws,
        caller=envelope.caller,
        endpoint=envelope.endpoint,
        model=envelope.model if policy.knows_model(envelope.model) else "",
        stream=envelope.stream,
        needs=tuple(sorted(envelope.needs)),
        prompt_tokens=envelope.prompt_tokens,
        max_tokens=envelope.max_tokens,
        body_bytes=2,
        verdict=verdict,
        decision=decision,
        backend=spec.name if spec else "",
        zone=spec.zone.name if spec else "",
        outcome=Outcome(
            Ending.COMPLETED if spec else Ending.REFUSED, 200, "", tuple(attempts), usage if spec else None, cost, 100.0
        ),
        states={name: state for name, state in fleet.items() if state != UP},
    )


@given(policies(), honest_cases)
@settings(max_examples=40, deadline=None)
def test_every_decision_of_an_unchanged_policy_is_reproduced(written: dict[str, Any], cases: Any) -> None:
    policy = loaded(written)
    backtest = Backtest(policy)
    for case in cases(policy):
        record = recorded(policy, *case)
        assert backtest.replay(record).decision == record.decision
        backtest.add(record)
    assert backtest.reproduced == backtest.records
    assert backtest.rerouted == backtest.new_egress == 0
    assert backtest.old_zones == backtest.new_zones


USAGE = Usage(20, 10)


@pytest.fixture
def replay(policy_with, envelope, verdict):
    """One request recorded under the small policy, and decided again under a changed one."""

    def replayed(*changes, sensitivity=Sensitivity.PUBLIC, tier=Tier.SIMPLE, usage=USAGE, failed=0) -> Backtest:
        price = ("model: llama\n", "model: llama\n    price: {input_usd_per_million: 1, output_usd_per_million: 1}\n")
        backtest = Backtest(policy_with(price, *changes))
        old = policy_with(price)
        backtest.add(recorded(old, envelope(), verdict(sensitivity, tier), {}, usage, failed))
        return backtest

    return replayed


ALL_OUT = ("route: [local, frontier]", "route: [frontier, local]")


def test_what_moves_to_a_dearer_backend_costs_that_much_more(replay) -> None:
    found = replay(ALL_OUT)
    assert found.old_cost == NanoUSD(30_000)
    assert found.new_cost == Cost(250_000, 400_000, 700_000)
    assert share(found.old_cost, found.new_cost.likely) == pytest.approx(1233.3, abs=0.1)


def test_another_order_of_the_same_zones_is_no_new_egress(replay) -> None:
    assert (replay(ALL_OUT).rerouted, replay(ALL_OUT).new_egress) == (1, 0)


def test_a_zone_that_a_request_could_not_reach_is_new_egress(replay) -> None:
    lax = (("route: [local]\n", "route: [local, frontier]\n"), ("clearance: internal", "clearance: confidential"))
    found = replay(*lax, sensitivity=Sensitivity.CONFIDENTIAL)
    assert found.new_egress == 1
    assert found.first_egress is not None
    assert replay(*lax, sensitivity=Sensitivity.PUBLIC).new_egress == 0


def test_a_route_that_failed_then_is_not_counted_on_now(replay) -> None:
    found = replay(("route: [local, frontier]", "route: [{to: local, retries: 1}, frontier]"), failed=1)
    assert found.old_backends == found.new_backends == {"frontier": 1}


def test_an_answer_without_usage_is_left_out_of_the_dollars_and_said(replay) -> None:
    found = replay(ALL_OUT, usage=None)
    assert (found.unknown_costs, found.old_cost, found.new_cost) == (1, 0, Cost(0, 0, 0))


def test_another_class_of_a_finding_decides_anew(policy_with, envelope, verdict) -> None:
    from_card = verdict(Sensitivity.RESTRICTED, findings=())
    backtest = Backtest(policy_with(("default: public", "default: internal")))
    backtest.add(recorded(policy_with(), envelope(), from_card, {}))
    assert backtest.new_zones == {(Sensitivity.INTERNAL, "on_prem"): 1}


def test_a_caller_has_the_team_that_the_new_policy_gives_it(policy_with, envelope, verdict) -> None:
    old = policy_with()
    billing = next(caller for caller in old.everyone if caller.id == "billing")
    rule = ("  - name: private\n", "  - {name: grown, when: {team: sales}, route: [frontier]}\n  - name: private\n")
    new = policy_with(("team: finance", "team: sales"), rule)
    record = recorded(old, envelope(caller=billing), verdict(), {})
    assert Backtest(new).replay(record).decision.rule == "grown"


def test_nothing_spent_before_is_an_infinite_increase() -> None:
    assert (share(0, 0), share(0, 1), share(100, 105)) == (0.0, float("inf"), 5.0)
