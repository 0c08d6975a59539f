"""Rules propose, vetoes dispose: which routes a request may take, and why not the others."""

from typing import Any

import pytest

from gateway.core.types import (
    BackendState,
    Decision,
    Endpoint,
    Exclusion,
    Need,
    Route,
    Sensitivity,
    Tier,
    Veto,
)
from gateway.policy.evaluate import VETOES, decide

UP = BackendState(is_up=True)
DOWN = BackendState(is_up=False, reason="connection refused")


@pytest.fixture
def decided(policy_with, envelope, verdict):
    """The small policy's Decision; name what is different of the file, the request, the verdict and the fleet."""

    def made(
        *changes: tuple[str, str],
        sensitivity: Sensitivity = Sensitivity.PUBLIC,
        tier: Tier = Tier.SIMPLE,
        states: dict[str, BackendState] | None = None,
        **request: Any,
    ) -> Decision:
        return decide(policy_with(*changes), envelope(**request), verdict(sensitivity, tier), states or {})

    return made


def names(decision: Decision) -> list[str]:
    return [route.backend for route in decision.routes]


def struck(decision: Decision) -> list[tuple[str, Veto]]:
    return [(name, exclusion.veto) for name, exclusion in decision.excluded]


def test_the_first_rule_that_matches_proposes(decided) -> None:
    decision = decided(tier=Tier.HARD)
    assert (decision.rule, names(decision)) == ("hard", ["frontier", "local"])
    decision = decided(tier=Tier.HARD, sensitivity=Sensitivity.RESTRICTED)
    assert (decision.rule, names(decision)) == ("private", ["local"])


def test_where_no_rule_matches_otherwise_proposes(decided) -> None:
    decision = decided()
    assert (decision.rule, names(decision)) == ("otherwise", ["local", "frontier"])


def test_the_order_of_the_file_decides_between_two_rules_that_match(decided) -> None:
    private = "  - name: private\n    when: {sensitivity: {at_least: confidential}}\n    route: [local]\n"
    moved = (private, ""), ("otherwise:", private + "otherwise:")
    decision = decided(*moved, tier=Tier.HARD, sensitivity=Sensitivity.RESTRICTED)
    assert (decision.rule, names(decision)) == ("hard", ["local"])


def test_routes_keep_their_times_and_retries(decided) -> None:
    assert decided(tier=Tier.HARD).routes == (Route("frontier", 8.0, 600.0, 1), Route("local", 30.0, 600.0, 0))


def test_a_decision_says_under_which_policy(decided, policy_with) -> None:
    assert decided().policy_digest == policy_with().digest


@pytest.mark.parametrize("level", Sensitivity)
@pytest.mark.parametrize("cleared", Sensitivity)
def test_a_zone_receives_what_it_is_cleared_for_and_nothing_above(decided, level, cleared) -> None:
    change = ("openai: {clearance: internal", f"openai: {{clearance: {cleared.label}")
    decision = decided(change, model="frontier", sensitivity=level)
    assert names(decision) == (["frontier"] if level <= cleared else [])


def test_the_clearance_veto_says_which_zone_and_which_class(decided) -> None:
    decision = decided(("route: [local]", "route: [frontier, local]"), sensitivity=Sensitivity.CONFIDENTIAL)
    detail = "zone `openai` is cleared for internal, the request is confidential"
    assert decision.excluded == (("frontier", Exclusion(Veto.CLEARANCE, detail)),)
    assert names(decision) == ["local"]


def test_the_capability_veto_names_what_cannot_be_done_in_order(decided) -> None:
    decision = decided(needs=frozenset({Need.CHAT, Need.LOGIT_BIAS, Need.JSON_OBJECT}))
    detail = "backend `local` cannot do `json_object`, `logit_bias`"
    assert decision.excluded == (("local", Exclusion(Veto.CAPABILITY, detail)),)
    assert names(decision) == ["frontier"]


@pytest.mark.parametrize(
    ("prompt_tokens", "max_tokens", "fits"),
    [(8191, None, True), (8192, None, False), (8000, 192, True), (8000, 193, False), (8191, 0, True), (8192, 0, False)],
)
def test_prompt_and_answer_together_must_fit_the_window(decided, prompt_tokens, max_tokens, fits) -> None:
    decision = decided(prompt_tokens=prompt_tokens, max_tokens=max_tokens)
    assert ("local" in names(decision)) is fits


def test_the_context_veto_says_what_fits_and_what_is_asked(decided) -> None:
    detail = "backend `local` takes 8192 tokens, the request needs about 9010"
    assert decided(prompt_tokens=9000, max_tokens=10).excluded == (("local", Exclusion(Veto.CONTEXT, detail)),)


@pytest.mark.parametrize(("said", "asked", "fits"), [(None, 8191, 1), (100, 99, 1), (100, 100, 0), (9000, 8192, 0)])
def test_the_smaller_of_declared_and_reported_window_counts(decided, said, asked, fits) -> None:
    states = {"local": BackendState(is_up=True, context_tokens=said)}
    assert ("local" in names(decided(states=states, prompt_tokens=asked))) is bool(fits)


def test_what_nobody_declared_is_bounded_by_what_the_server_reports(decided) -> None:
    states = {"frontier": BackendState(is_up=True, context_tokens=100)}
    assert struck(decided(states=states, model="frontier", prompt_tokens=100)) == [("frontier", Veto.CONTEXT)]


def test_without_any_window_everything_fits(decided) -> None:
    assert names(decided(model="frontier", prompt_tokens=10**9)) == ["frontier"]


def test_what_is_down_is_struck_out_with_the_probes_reason(decided) -> None:
    decision = decided(states={"local": DOWN, "frontier": UP})
    assert decision.excluded == (("local", Exclusion(Veto.HEALTH, "backend `local` is down: connection refused")),)
    assert names(decision) == ["frontier"]


def test_what_is_down_for_no_known_reason_says_so(decided) -> None:
    ((_, exclusion),) = decided(states={"local": BackendState(is_up=False)}).excluded
    assert exclusion.detail == "backend `local` is down: no reason known"


def test_a_backend_that_nobody_has_looked_at_counts_as_up(decided) -> None:
    assert names(decided(states={})) == ["local", "frontier"]


def test_vetoes_are_asked_from_what_may_never_be_to_what_is_not_there_now() -> None:
    assert [veto for veto, _ in VETOES] == [
        Veto.CLEARANCE,
        Veto.CALLER,
        Veto.CAPABILITY,
        Veto.CONTEXT,
        Veto.HEALTH,
    ]


@pytest.mark.parametrize(
    ("cleared", "able", "fits", "reason"),
    [
        (False, False, False, Veto.CLEARANCE),
        (True, False, False, Veto.CAPABILITY),
        (True, True, False, Veto.CONTEXT),
        (True, True, True, Veto.HEALTH),
    ],
)
def test_a_route_is_struck_out_for_the_first_reason_against_it(decided, cleared, able, fits, reason) -> None:
    decision = decided(
        ("on_prem: {clearance: restricted}", "on_prem: {clearance: public}"),
        model="local",
        sensitivity=Sensitivity.PUBLIC if cleared else Sensitivity.INTERNAL,
        needs=frozenset({Need.CHAT} if able else {Need.IMAGES}),
        prompt_tokens=10 if fits else 10_000,
        states={"local": DOWN},
    )
    assert struck(decision) == [("local", reason)]


def test_every_proposed_route_is_either_taken_or_struck_out_in_the_order_proposed(decided) -> None:
    decision = decided(tier=Tier.HARD, states={"local": DOWN, "frontier": DOWN})
    assert (names(decision), struck(decision)) == ([], [("frontier", Veto.HEALTH), ("local", Veto.HEALTH)])


@pytest.mark.parametrize("model", ["local", "frontier", "best"])
def test_a_backends_name_pins_it_without_asking_rules(decided, model) -> None:
    decision = decided(model=model, tier=Tier.HARD)
    assert decision.rule == "pinned"
    assert decision.routes == (Route({"best": "frontier"}.get(model, model)),)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"sensitivity": Sensitivity.CONFIDENTIAL}, Veto.CLEARANCE),
        ({"needs": frozenset({Need.REGEX})}, Veto.CAPABILITY),
        ({"states": {"frontier": DOWN}}, Veto.HEALTH),
    ],
)
def test_a_pin_is_within_the_vetoes_and_has_no_fallback(decided, request_, reason) -> None:
    decision = decided(model="frontier", **request_)
    assert (names(decision), struck(decision)) == ([], [("frontier", reason)])


@pytest.mark.parametrize("model", ["", "auto", "gpt-4o", "old-name"])
def test_a_name_that_leads_to_auto_is_decided_by_the_rules(decided, model) -> None:
    assert decided(model=model).rule == "otherwise"


def test_a_name_that_slipped_past_the_door_counts_as_auto(decided) -> None:
    assert decided(model="never-heard-of").rule == "otherwise"


def test_an_unknown_path_goes_to_the_one_backend_named_for_it(decided) -> None:
    decision = decided(endpoint=Endpoint.UNKNOWN, tier=Tier.HARD, needs=frozenset({Need.PASSTHROUGH}))
    assert (decision.rule, decision.routes) == ("unknown-routes", (Route("frontier"),))


def test_an_unknown_path_is_within_the_vetoes(decided) -> None:
    decision = decided(endpoint=Endpoint.UNKNOWN, sensitivity=Sensitivity.RESTRICTED)
    assert (names(decision), struck(decision)) == ([], [("frontier", Veto.CLEARANCE)])


def test_an_unknown_path_may_be_pinned_too(decided) -> None:
    decision = decided(endpoint=Endpoint.UNKNOWN, model="local")
    assert (decision.rule, names(decision)) == ("pinned", ["local"])


def test_an_unknown_path_goes_nowhere_where_the_policy_names_nobody_for_it(decided) -> None:
    decision = decided(("unknown_routes: frontier\n", ""), endpoint=Endpoint.UNKNOWN)
    assert decision.routes == decision.excluded == ()
    assert decision.rule == "unknown-routes"
