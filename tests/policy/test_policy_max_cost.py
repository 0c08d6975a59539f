"""A route is struck out where an attempt could cost more than it may, and where nobody knows what it could cost."""

import pytest

from gateway.core.money import nano_usd
from gateway.core.types import UP, BackendState, Endpoint, Need, Veto
from gateway.policy.evaluate import decide, refusal
from gateway.policy.facts import facts
from gateway.policy.mutants import mutants
from gateway.policy.prose import prose
from gateway.policy.review import Fault, review
from gateway.policy.verify import verify

ROUTE = "  route: [local, frontier]\n"
WINDOW = ("    price: {input_usd", "    context_tokens: 1000\n    price: {input_usd")


def bounded(route: str = "[{to: frontier, max_cost_usd: 0.01}]", more: str = "") -> tuple[str, str]:
    return ROUTE, f"  route: {route}\n{more}"


@pytest.fixture
def struck(policy_with, envelope, verdict):
    """Why `frontier` is struck out; empty: it is not. Its tokens cost 5 and 30 millionths of a dollar."""

    def why(*changes: tuple[str, str], state: BackendState = UP, **request):
        decision = decide(policy_with(bounded(), *changes), envelope(**request), verdict(), {"frontier": state})
        return dict(decision.excluded)["frontier"].detail if decision.excluded else ""

    return why


@pytest.mark.parametrize(
    ("prompt_tokens", "max_tokens", "passes"), [(20, 330, True), (20, 331, False), (2001, 0, False)]
)
def test_the_bound_is_exact(struck, prompt_tokens, max_tokens, passes) -> None:
    assert (struck(prompt_tokens=prompt_tokens, max_tokens=max_tokens) == "") == passes


def test_what_is_over_it_is_told_in_dollars(struck) -> None:
    told = struck(prompt_tokens=20, max_tokens=1000)
    assert told == "backend `frontier` could cost 0.0301 USD, and at most 0.01 USD are allowed"


def test_what_cannot_be_bounded_may_cost_anything(struck) -> None:
    several = frozenset({Need.CHAT, Need.SEVERAL_CHOICES})
    assert struck().startswith("backend `frontier` may answer at any length")
    assert struck(max_tokens=1, needs=several).startswith("backend `frontier` may answer at any length")
    unpriced = ("    price: {input_usd_per_million: 5, output_usd_per_million: 30}\n", "")
    assert struck(unpriced, ("baseline: frontier\n", ""), max_tokens=1).startswith(
        "backend `frontier` has no known price"
    )


def test_a_window_bounds_what_the_client_does_not(struck) -> None:
    assert (
        struck(WINDOW, prompt_tokens=700)
        == "backend `frontier` could cost 0.0125 USD, and at most 0.01 USD are allowed"
    )
    assert struck(WINDOW, prompt_tokens=900) == ""
    assert struck(prompt_tokens=100, state=BackendState(is_up=True, context_tokens=200)) == ""


def test_what_generates_nothing_costs_its_prompt_alone(struck) -> None:
    embeddings = {"endpoint": Endpoint.EMBEDDINGS, "needs": frozenset({Need.EMBEDDINGS})}
    assert (struck(prompt_tokens=2000, **embeddings), bool(struck(prompt_tokens=2001, **embeddings))) == ("", True)


def test_a_rules_bound_is_of_all_its_routes_unless_they_say_otherwise(policy_with) -> None:
    rule = policy_with(bounded("[local, {to: frontier, max_cost_usd: 2}]", "  max_cost_usd: 0.5\n")).rules[-1]
    assert [route.max_cost for route in rule.routes] == [nano_usd("0.5"), nano_usd(2)]


def test_the_client_hears_it_where_no_other_route_is_left(policy_with, envelope, verdict) -> None:
    decision = decide(policy_with(bounded()), envelope(), verdict(), {})
    assert [struck.veto for _, struck in decision.excluded] == [Veto.COST]
    error = refusal(decision, envelope())
    assert (error.status, error.code) == (400, "cost_limit_exceeded")


def test_proofs_do_not_count_on_a_request_being_dear(policy_with) -> None:
    promise = "invariants:\n  - never: {complexity: simple, model: auto, reaches: {zone: openai}}\n"
    changes = [("unknown_routes: frontier\n", ""), ("deadline: 2m\n", promise)]
    ((_, leak),) = verify(policy_with(bounded(), *changes)).leaks
    assert leak.decision.routes[leak.hop].backend == "frontier"


def test_what_is_promised_always_must_hold_for_dear_requests_too(policy_with) -> None:
    promise = (
        "invariants:\n  - always: {complexity: simple, sensitivity: public, endpoint: chat, reaches: {zone: openai}}\n"
    )
    for change, is_kept in ((bounded("[frontier]"), True), (bounded(), False)):
        assert (verify(policy_with(change, ("deadline: 2m\n", promise))).leaks == []) == is_kept


def test_a_route_that_is_always_too_dear_is_told(policy_with) -> None:
    found = review(policy_with(bounded("[{to: local, max_cost_usd: 1}, frontier]"))).remarks
    (remark,) = (each for each in found if each.fault is Fault.DEAD_ROUTE)
    assert "such as: backend `local` has no known price, and at most 1 USD are allowed" in remark.sentence


@pytest.mark.parametrize("written", ["-1", "cheap", "1e3", "10000000"])
def test_what_is_no_amount_is_refused(refused, written) -> None:
    assert "must be US dollars such as" in refused(bounded(f"[{{to: frontier, max_cost_usd: {written}}}]"))


def test_people_are_told_of_it_and_losing_it_is_a_change(policy_with) -> None:
    policy = policy_with(bounded())
    assert "`frontier` (for at most 0.01 USD)" in prose(policy)
    assert ", for at most 0.01 USD)" in facts(policy)["rule `otherwise`"]
    assert "rule `otherwise` without the bound on what `frontier` costs" in [each.change for each in mutants(policy)]
