"""Conditions on how backends are: matched at that moment, proved in every state, told in paths and comparisons."""

import pytest

from gateway.core.types import BackendState, Tier
from gateway.policy.compare import differences
from gateway.policy.evaluate import decide
from gateway.policy.mutants import mutants
from gateway.policy.space import Space
from gateway.policy.verify import path, verify
from gateway.policy.words import condition_words

DOWN = {"local": BackendState(is_up=False, reason="probe failed")}
FULL = {"local": BackendState(is_up=True, is_saturated=True)}
SATURATES = ("    context_tokens: 8192\n", "    context_tokens: 8192\n    saturated_at: {queue: 8}\n")
HOME = ("best: frontier", "best: auto"), ("unknown_routes: frontier\n", "")


def emergency(standings: str) -> tuple[str, str]:
    rule = f"  - {{name: emergency, when: {{backend: {{local: {standings}}}}}, route: [frontier]}}\n"
    return "  - name: private\n", rule + "  - name: private\n"


def signed(invariant: str) -> tuple[str, str]:
    return "deadline: 2m\n", f"deadline: 2m\ninvariants: [{invariant}]\n"


@pytest.mark.parametrize(
    ("standings", "states", "rule"),
    [
        ("down", {}, "otherwise"),
        ("down", DOWN, "emergency"),
        ("down", FULL, "otherwise"),
        ("saturated", FULL, "emergency"),
        ("[saturated, down]", DOWN, "emergency"),
        ("up", {}, "emergency"),
        ("up", FULL, "otherwise"),
    ],
)
def test_a_rule_asks_how_a_backend_is_at_that_moment(policy_with, envelope, verdict, standings, states, rule) -> None:
    policy = policy_with(SATURATES, emergency(standings))
    assert decide(policy, envelope(), verdict(tier=Tier.SIMPLE), states).rule == rule


def test_a_rule_that_leaks_only_while_a_backend_is_down_is_found_with_that_state(policy_with) -> None:
    promise = signed("never: {complexity: simple, model: auto, reaches: {zone: openai}}")
    home = ("route: [local, frontier]\nunknown", "route: [local]\nunknown"), *HOME[:1]
    policy = policy_with(emergency("down"), *home, HOME[1], promise)
    found = verify(policy)
    ((_, leak),) = found.leaks
    assert path(policy, leak, found.space)[:2] == [
        "request: `chat`, public, simple, while `local` is down",
        "rule:    `emergency` → `frontier`",
    ]
    assert verify(policy_with(emergency("saturated"), SATURATES, *home, HOME[1], promise)).leaks != []


def test_always_is_about_backends_that_are_up_unless_it_says_otherwise(policy_with) -> None:
    silent = signed(
        "always: {endpoint: chat, prompt_tokens: {at_most: 99}, complexity: simple, reaches: {backend: local}}"
    )
    named = (silent[0], silent[1].replace("complexity: simple", "complexity: simple, backend: {local: down}"))
    assert verify(policy_with(emergency("down"), silent)).leaks == []
    assert verify(policy_with(emergency("down"), named)).leaks != []


def test_two_policies_that_differ_while_a_backend_is_down_are_told_apart(policy_with) -> None:
    old, new = policy_with(emergency("down")), policy_with()
    found = next(differences(Space([old, new]), old, new))
    assert found.states["local"].standing == "down"
    assert decide(old, *found.witness).routes != decide(new, *found.witness).routes


def test_it_is_told_in_words_and_a_state_left_out_is_a_change_to_notice(policy_with) -> None:
    policy = policy_with(SATURATES, emergency("[saturated, down]"))
    assert condition_words(policy.rules[0].when) == "asked while `local` is saturated or down"
    assert "rule `emergency` without `local` being down" in {mutant.change for mutant in mutants(policy)}


@pytest.mark.parametrize(
    ("standings", "sentence"),
    [
        ("dwon", "did you mean `down`?"),
        ("saturated", "never counts as saturated; give it `saturated_at`"),
        ("[up, saturated, down]", "is always one of these; remove it"),
    ],
)
def test_a_wrong_state_is_told(refused, standings, sentence) -> None:
    changes = (SATURATES,) if sentence.startswith("is always") else ()
    assert sentence in refused(emergency(standings), *changes)


def test_an_unknown_backend_is_told_with_the_nearest(refused) -> None:
    wrong = (emergency("down")[0], emergency("down")[1].replace("{local:", "{locl:"))
    assert "names no backend of the file; did you mean `local`?" in refused(wrong)
