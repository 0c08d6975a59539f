"""When a rule matches: each signal by example, and every combination against a plain reading."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_reading import holds
from policy_texts import ALIASES, TIMES, conditions, envelopes, loaded, states, verdicts

from gateway.core.types import (
    BackendState,
    Caller,
    Endpoint,
    Envelope,
    Finding,
    Need,
    Sensitivity,
    Tier,
    Verdict,
)
from gateway.policy.vocabulary import FINDING_KINDS


@pytest.fixture
def matches(policy_with, envelope, verdict):
    """Whether the first rule with this condition matches a request that differs from a plain one in these points."""

    def asked(
        when: str, request: dict[str, Any] | None = None, belief: dict[str, Any] | None = None, states: Any = None
    ) -> bool:
        rule = policy_with(("{sensitivity: {at_least: confidential}}", f"{{{when}}}")).rules[0]
        return rule.matches(envelope(**(request or {})), verdict(**(belief or {})), states or {})

    return asked


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("sensitivity: internal", "internal"),
        ("sensitivity: [public, confidential]", "public confidential"),
        ("sensitivity: {at_least: confidential}", "confidential restricted"),
        ("sensitivity: {at_most: internal}", "public internal"),
        ("sensitivity: {at_least: internal, at_most: confidential}", "internal confidential"),
        ("sensitivity: {at_least: internal, at_most: internal}", "internal"),
        ("not: {sensitivity: {at_least: confidential}}", "public internal"),
    ],
)
def test_sensitivity_is_asked_by_word_by_list_or_by_range(matches, when, wanted) -> None:
    matching = [level for level in Sensitivity if matches(when, belief={"sensitivity": level})]
    assert [level.label for level in matching] == wanted.split()


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("complexity: medium", "medium"),
        ("complexity: [simple, hard]", "simple hard"),
        ("complexity: {at_least: medium}", "medium hard"),
        ("complexity: {at_most: medium}", "simple medium"),
    ],
)
def test_complexity_is_asked_by_word_by_list_or_by_range(matches, when, wanted) -> None:
    assert [tier.label for tier in Tier if matches(when, belief={"tier": tier})] == wanted.split()


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("at_least: 10", [10, 11, 12]),
        ("at_most: 10", [9, 10]),
        ("at_least: 10, at_most: 11", [10, 11]),
        ("at_most: 0", []),
    ],
)
def test_prompt_tokens_are_asked_by_range_with_both_ends(matches, when, wanted) -> None:
    asked = f"prompt_tokens: {{{when}}}"
    assert [count for count in (9, 10, 11, 12) if matches(asked, {"prompt_tokens": count})] == wanted


@pytest.mark.parametrize("word", [each.value for each in Endpoint if each is not Endpoint.UNKNOWN])
def test_an_endpoint_matches_its_own_word_only(matches, word) -> None:
    matching = [each.value for each in Endpoint if matches(f"endpoint: {word}", {"endpoint": each})]
    assert matching == [word]


@pytest.mark.parametrize("word", [need.value for need in Need])
def test_a_need_matches_where_the_request_has_it_among_others(matches, word) -> None:
    other = Need.TOOLS if word != "tools" else Need.FILES
    assert matches(f"needs: [{word}]", {"needs": frozenset({Need(word), other})})
    assert not matches(f"needs: [{word}]", {"needs": frozenset({other})})
    assert not matches(f"needs: [{word}]", {"needs": frozenset()})


@pytest.mark.parametrize("kind", sorted(FINDING_KINDS))
def test_a_finding_matches_where_it_is_among_others(matches, kind) -> None:
    other = Finding("card" if kind != "card" else "iban", 1, 1.0)
    assert matches(f"findings: {kind}", belief={"findings": (other, Finding(kind, 2, 0.5))})
    assert not matches(f"findings: {kind}", belief={"findings": (other,)})


def test_a_list_of_several_means_any_of_them(matches) -> None:
    assert matches("needs: [tools, files]", {"needs": frozenset({Need.FILES})})
    assert not matches("needs: [tools, files]", {"needs": frozenset({Need.IMAGES})})


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("caller: website", ["website"]),
        ("caller: [website, billing]", ["billing", "website"]),
        ("team: finance", ["billing"]),
        ("tag: batch", ["billing"]),
    ],
)
def test_callers_are_asked_by_name_team_or_tag(matches, policy_with, when, wanted) -> None:
    callers = [*policy_with().callers.values(), Caller("nobody")]
    assert sorted(each.id for each in callers if matches(when, {"caller": each})) == wanted


@pytest.mark.parametrize("streamed", [True, False])
def test_stream_is_asked_by_true_or_false(matches, streamed) -> None:
    assert matches(f"stream: {str(streamed).lower()}", {"stream": streamed})
    assert not matches(f"stream: {str(not streamed).lower()}", {"stream": streamed})


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("model: auto", ["", "auto", "tgi"]),
        ("model: gpt-4o", ["gpt-4o", "old-name"]),
        ("model: old-name", ["old-name"]),
    ],
)
def test_a_model_matches_what_was_said_and_the_names_that_stand_for_it(matches, when, wanted) -> None:
    said = ["", "auto", "tgi", "gpt-4o", "old-name", "best", "local"]
    assert [name for name in said if matches(when, {"model": name})] == wanted


def test_a_name_that_the_file_gives_a_meaning_is_no_longer_none(policy_with, envelope, verdict) -> None:
    changes = ("best: frontier", "best: frontier\n  dummy: auto"), ("{complexity: hard}", "{model: auto}")
    rule = policy_with(*changes).rules[1]
    assert rule.matches(envelope(model="tgi"), verdict(), {})
    assert not rule.matches(envelope(model="dummy"), verdict(), {})


def test_several_keys_must_all_hold(matches) -> None:
    assert matches("stream: true, complexity: hard", {"stream": True}, {"tier": Tier.HARD})
    assert not matches("stream: true, complexity: hard", {"stream": True}, {"tier": Tier.SIMPLE})
    assert not matches("stream: true, complexity: hard", {"stream": False}, {"tier": Tier.HARD})


@pytest.mark.parametrize(
    ("key", "wanted"), [("all", [(True, True)]), ("any", [(True, False), (False, True), (True, True)])]
)
def test_all_and_any_combine_conditions(matches, key, wanted) -> None:
    when = f"{key}: [{{stream: true}}, {{sensitivity: public}}]"
    cases = [(False, False), (True, False), (False, True), (True, True)]
    levels = {True: Sensitivity.PUBLIC, False: Sensitivity.INTERNAL}
    assert [case for case in cases if matches(when, {"stream": case[0]}, {"sensitivity": levels[case[1]]})] == wanted


def test_not_turns_a_whole_mapping_around(matches) -> None:
    when = "not: {stream: true, complexity: hard}"
    assert matches(when, {"stream": True}, {"tier": Tier.SIMPLE})
    assert not matches(when, {"stream": True}, {"tier": Tier.HARD})


POLICY: dict[str, Any] = {
    "apiVersion": "gateway/v1",
    "kind": "RoutingPolicy",
    "metadata": {"name": "one"},
    "zones": {"home": {"clearance": "restricted"}},
    "backends": {"ant": {"zone": "home", "kind": "tgi", "model": "one", "urls": ["http://ant"]}},
    "models": {"gpt-4o": "auto", "gpt-5": "gpt-4o", "old/name:1": "gpt-5", "older": "auto"},
    "callers": {
        "billing": {"key": "${A:-}", "team": "finance", "tags": ["batch", "night"]},
        "website": {"key": "${B:-}", "team": "growth"},
        "robot": {"key": "${C:-}", "tags": ["batch"]},
    },
    "times": TIMES,
    "otherwise": {"route": "ant"},
}


@given(
    conditions(ALIASES, depth=3, names=("ant",)),
    st.lists(st.tuples(envelopes, verdicts, states), min_size=1, max_size=8),
)
@settings(max_examples=300, deadline=None)
def test_every_condition_holds_where_a_plain_reading_says_so(
    when: dict[str, Any], asked: list[tuple[Envelope, Verdict, dict[str, BackendState]]]
) -> None:
    written = POLICY | {"rules": [{"name": "r", "when": when, "route": "ant"}]}
    rule = loaded(written).rules[0]
    assert [rule.matches(*each) for each in asked] == [holds(when, written, *each) for each in asked]
