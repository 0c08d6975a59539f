"""Weights on routes: who is asked first how often, without dice, always the same for whoever it sticks to."""

from collections import Counter

import msgspec
import pytest

from gateway.core.types import Caller
from gateway.policy.compare import differences, is_same
from gateway.policy.draw import draws_of
from gateway.policy.evaluate import decide
from gateway.policy.facts import facts
from gateway.policy.mutants import mutants
from gateway.policy.space import Space
from gateway.policy.verify import verify

OTHERWISE = "  route: [local, frontier]\n"


def weighed(local: int, frontier: int, more: str = "") -> tuple[str, str]:
    return OTHERWISE, f"  route: [{{to: local, weight: {local}}}, {{to: frontier, weight: {frontier}}}]\n{more}"


@pytest.fixture
def first(policy_with, envelope, verdict):
    """The backend asked first by a policy of these weights, for each of these draws or requests."""

    def asked(change: tuple[str, str], **request: object) -> str:
        return decide(policy_with(change), envelope(**request), verdict(), {}).routes[0].backend

    return asked


def test_the_draw_says_who_is_first(first) -> None:
    assert [first(weighed(95, 5), draws=(0, draw)) for draw in (0, 9499, 9500, 9999)] == [
        "local",
        "local",
        "frontier",
        "frontier",
    ]


def test_a_larger_weight_only_takes_more_along(policy_with, envelope, verdict) -> None:
    def sent(weight: int) -> set[int]:
        policy = policy_with(weighed(100 - weight, weight))
        decisions = {draw: decide(policy, envelope(draws=(0, draw)), verdict(), {}) for draw in range(0, 10_000, 50)}
        return {draw for draw, decision in decisions.items() if decision.routes[0].backend == "frontier"}

    assert len(sent(5)) == 10
    assert sent(5) < sent(10) < sent(50)


def test_the_others_follow_in_the_order_written(policy_with, envelope, verdict) -> None:
    decision = decide(policy_with(weighed(1, 1)), envelope(draws=(0, 9999)), verdict(), {})
    assert [route.backend for route in decision.routes] == ["frontier", "local"]


def test_it_sticks_to_the_caller_or_to_the_conversation(first) -> None:
    by_caller = weighed(1, 1, "  sticky: caller\n")
    assert [first(by_caller, draws=draws) for draws in ((0, 9999), (9999, 0))] == ["local", "frontier"]
    assert [first(weighed(1, 1), draws=draws) for draws in ((0, 9999), (9999, 0))] == ["frontier", "local"]


def chat(*texts: str) -> dict[str, object]:
    roles = ("system", "user", "assistant", "user")
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]}


def test_every_turn_of_a_conversation_draws_the_same(envelope) -> None:
    turns = [envelope(document=chat("be kind", "hi", *more)) for more in ((), ("hello", "and now?"))]
    assert len({draws_of(turn) for turn in turns}) == 1
    assert draws_of(envelope(document=chat("be kind", "hey"))) != draws_of(turns[0])
    assert draws_of(msgspec.structs.replace(turns[0], caller=Caller("other")))[1] != draws_of(turns[0])[1]


@pytest.mark.parametrize("document", [None, {}, {"messages": []}, {"messages": [1]}, {"prompt": "x"}, [1], "\ud800"])
def test_whatever_comes_draws_something(envelope, document) -> None:
    assert all(0 <= draw < 10_000 for draw in draws_of(envelope(document=document)))


def test_conversations_are_shared_out_as_the_weights_say(first, envelope) -> None:
    draws = [draws_of(envelope(document=chat("", f"question {number}"))) for number in range(600)]
    found = Counter(draw >= 9000 for _, draw in draws)
    assert 30 <= found[True] <= 95


def test_the_record_is_enough_to_decide_again_and_without_a_draw_the_id_draws(first) -> None:
    assert len({first(weighed(1, 1), draws=None, id=f"req_{number}") for number in range(20)}) == 2
    assert len({first(weighed(1, 1), draws=None, id="req_1") for _ in range(5)}) == 1


def test_policies_that_differ_only_in_weights_are_told_apart(policy_with) -> None:
    old, new = policy_with(weighed(95, 5)), policy_with(weighed(90, 10))
    found = next(differences(Space([old, new]), old, new))
    assert found.old.routes[0].backend != found.new.routes[0].backend
    assert not is_same(old, new)
    assert is_same(old, policy_with(weighed(19, 1)))


def test_every_order_is_in_the_proofs(policy_with) -> None:
    promise = "deadline: 2m\ninvariants: [{never: {complexity: simple, model: auto, reaches: {zone: openai}}}]\n"
    policy = policy_with(weighed(95, 5), ("deadline: 2m\n", promise), ("unknown_routes: frontier\n", ""))
    ((_, leak),) = verify(policy).leaks
    assert (leak.hop, leak.decision.routes[0].backend) == (0, "frontier")


def test_weights_are_told_in_words_and_are_a_change_to_notice(policy_with) -> None:
    policy = policy_with(weighed(95, 5))
    words = "first, by weight, 95 to `local`, 5 to `frontier`, each conversation always the same"
    assert words in facts(policy)["rule `otherwise`"]
    assert "rule `otherwise` without its weights" in {mutant.change for mutant in mutants(policy)}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("  route: [{to: local, weight: 5}, frontier]\n", "has one `weight`; give one to another route"),
        ("  route: [local, {to: frontier, weight: 5}]\n", "has a `weight` after a route without one"),
        ("  route: [{to: local, weight: 0}, {to: frontier, weight: 5}]\n", "must be a whole number from 1 to 10000"),
        ("  route: [local, frontier]\n  sticky: caller\n", "means nothing without a `weight`"),
        (weighed(1, 1, "  sticky: callr\n")[1], "did you mean `caller`?"),
        (weighed(1, 1, "  spill: frontier\n")[1], "which weights leave open"),
        ("  route: local\n  spill: {to: frontier, weight: 5}\n", "can have no `weight`"),
    ],
)
def test_a_wrong_weight_is_told(refused, written, sentence) -> None:
    assert sentence in refused((OTHERWISE, written))


def test_sticking_to_callers_that_nobody_lists_is_told(refused) -> None:
    callers = (
        "callers:\n"
        '  billing: {key: "${BILLING_KEY}", team: finance, tags: [batch]}\n'
        '  website: {key: "${WEBSITE_KEY}", team: growth}\n'
    )
    assert "cannot be `caller` without `callers`" in refused((callers, ""), weighed(1, 1, "  sticky: caller\n"))
