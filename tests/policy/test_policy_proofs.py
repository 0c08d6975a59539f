"""Invariants are proved: what holds is said, what does not is shown by its shortest path, and nothing is missed."""

from itertools import islice

import pytest

from gateway.config import read_policy
from gateway.core.errors import ConfigError
from gateway.core.types import Need
from gateway.policy.reach import admitted, reaching, sources
from gateway.policy.space import OWN_NEED, Space
from gateway.policy.verify import verify, violations
from gateway.wire import requests


@pytest.fixture
def broken(policy_with):
    """What is told of the small policy with these invariants and other changes."""

    def told(invariants: str, *changes: tuple[str, str]) -> list[str]:
        policy = policy_with(*changes, ("deadline: 2m\n", f"deadline: 2m\ninvariants: [{invariants}]\n"))
        return violations(policy, "house.yaml")

    return told


def test_the_clearance_is_always_proved(policy_with) -> None:
    (proof,) = verify(policy_with()).proofs
    assert (proof.sentence, proof.leak) == ("no request goes to a zone that is cleared for less than its class", None)
    assert proof.states > 100


@pytest.mark.parametrize(
    "invariant",
    [
        "{never: {sensitivity: {at_least: confidential}, reaches: {zone: openai}}}",
        "{only: {findings: card, reaches: {zone: on_prem}}}",
        "{only: {reaches: {backend: [local, frontier]}}}",
        "{always: {endpoint: chat, sensitivity: public, complexity: hard, reaches: {backend: frontier}}}",
        "{always: {endpoint: chat, prompt_tokens: {at_most: 8000}, reaches: {zone: on_prem}}}",
    ],
)
def test_an_invariant_that_holds_is_silent(broken, invariant) -> None:
    assert broken(invariant) == []


def test_a_first_choice_that_leaks_is_shown(broken) -> None:
    (told,) = broken("{never: {complexity: hard, reaches: {zone: openai}}}")
    assert told.splitlines() == [
        "house.yaml:45:14: broken: no request that is hard goes to zone `openai`",
        "    request: `chat`, public, hard",
        "    rule:    `hard` → `frontier`, `local`",
        "    failure: none is needed",
        "    zone:    `openai`, cleared for internal, through backend `frontier`",
    ]


def test_a_fallback_that_leaks_names_what_has_to_fail(broken) -> None:
    (told,) = broken("{never: {complexity: simple, endpoint: chat, model: auto, reaches: {zone: openai}}}")
    assert "    failure: `local` down, overloaded or without a first byte in time" in told.splitlines()


def test_a_pin_that_gets_around_every_rule_is_shown(broken) -> None:
    rule = ("- name: hard", "- name: home\n    when: {tag: batch}\n    route: [local]\n  - name: hard")
    (told,) = broken("{never: {tag: batch, reaches: {zone: openai}}}", rule, ("unknown_routes: frontier\n", ""))
    assert "    request: `chat`, public, simple, from caller `billing`, for model `best`" in told.splitlines()
    assert "    rule:    `pinned` → `frontier`" in told.splitlines()


def test_an_unknown_path_that_leaks_is_shown(broken) -> None:
    (told,) = broken("{only: {needs: passthrough, model: auto, reaches: {zone: on_prem}}}")
    assert "    rule:    `unknown-routes` → `frontier`" in told.splitlines()


def test_an_unknown_that_counts_as_public_is_shown_for_what_it_is(broken) -> None:
    lax = ("    default: public\n", "    default: public\n    unreadable: public\n")
    assert broken("{never: {sensitivity: restricted, reaches: {zone: openai}}}", lax) == []
    assert broken("{only: {needs: images, sensitivity: public, reaches: {zone: on_prem}}}", lax)


def test_a_finding_whose_class_is_too_low_is_shown(broken) -> None:
    lax = ("card: restricted", "card: internal")
    (told,) = broken("{never: {findings: card, reaches: {zone: openai}}}", lax)
    assert "internal (`card`)" in told


def test_always_shows_the_veto_that_breaks_it(broken) -> None:
    (told,) = broken("{always: {endpoint: chat, sensitivity: restricted, reaches: {backend: local}}}")
    assert "    veto:    backend `local` takes 8192 tokens, the request needs about 8193" in told.splitlines()


def test_always_is_about_plain_requests_and_the_needs_it_names(broken) -> None:
    rule = ("- name: hard", "- name: eyes\n    when: {needs: images}\n    route: [frontier]\n  - name: hard")
    promise = (
        "always: {{endpoint: chat, sensitivity: public, prompt_tokens: {{at_most: 99}}, {}reaches: {{backend: local}}}}"
    )
    assert broken("{" + promise.format("") + "}", rule) == []
    assert "rule:    `eyes`" in broken("{" + promise.format("needs: images, ") + "}", rule)[0]


@pytest.mark.parametrize(
    ("invariant", "sentence"),
    [
        ("{}", "invariant 1 must say one of `never`, `only` and `always`"),
        ("{never: {reaches: {zone: openai}}, only: {reaches: {zone: openai}}}", "invariant 1 must say one of"),
        ("{never: {sensitivity: public}}", "missing key `reaches` in `never` of invariant 1"),
        ("{never: {reaches: {}}}", "names no place; say a zone, region, retention or backend"),
        ("{never: {reaches: {zone: opnai}}}", "did you mean `openai`?"),
        ("{never: {reaches: {zone: openai, backend: local}}}", "no backend is there, so this promises nothing"),
        ("{nevr: {reaches: {zone: openai}}}", "did you mean `never`?"),
        ("{never: {sensitvity: public, reaches: {zone: openai}}}", "did you mean `sensitivity`?"),
    ],
)
def test_a_wrong_invariant_is_told_with_its_place(refused, invariant, sentence) -> None:
    told = refused(("deadline: 2m\n", f"deadline: 2m\ninvariants: [{invariant}]\n"))
    assert told.startswith("house.yaml:45:")
    assert sentence in told


def test_a_policy_whose_proof_fails_is_not_served(tmp_path, base, environment) -> None:
    path = tmp_path / "leaky.yaml"
    path.write_text(base + "invariants: [{never: {complexity: hard, reaches: {zone: openai}}}]\n")
    with pytest.raises(ConfigError) as caught:
        read_policy(path, environment)
    assert "broken: no request that is hard goes to zone `openai`\n    request: " in str(caught.value)


def many_rules(number: int) -> str:
    """Rules about callers and teams, each with two further signals, in a fixed jumble."""
    further = [
        "complexity: hard, prompt_tokens: {{at_least: {0}}}",
        "needs: tools, findings: phone, prompt_tokens: {{at_most: {0}}}",
        "endpoint: [chat, completions], prompt_tokens: {{at_least: {0}}}",
        "sensitivity: {{at_least: internal}}, stream: true, prompt_tokens: {{at_most: {0}}}",
        "not: {{needs: images}}, prompt_tokens: {{at_most: {0}}}",
    ]
    rules = []
    for each in range(number):
        who = f"caller: {('billing', 'website')[each % 2]}" if each % 3 else f"team: {('finance', 'growth')[each % 2]}"
        asks = further[each % len(further)].format(1000 + 37 * each)
        rules.append(f"  - {{name: r{each}, when: {{{who}, {asks}}}, route: [frontier, local]}}\n")
    return "".join(rules)


def test_two_hundred_rules_are_proved(policy_with) -> None:
    never = "invariants: [{never: {sensitivity: {at_least: confidential}, reaches: {zone: openai}}}]\n"
    policy = policy_with(("  - name: private\n", many_rules(200) + "  - name: private\n"), ("deadline: 2m\n", never))
    clearance, promise = verify(policy).proofs
    assert len(policy.rules) == 203
    assert clearance.leak is promise.leak is None
    assert promise.states > 1_000_000


def test_a_cheap_look_never_overlooks_what_a_split_finds(policy_with) -> None:
    policy = policy_with(("  - name: private\n", many_rules(20) + "  - name: private\n"))
    space, conditions = Space([policy]), [rule.when for rule in policy.rules]
    boxes = [box for source in sources(policy, space) for box in islice(reaching(space, source), 20)]
    told_apart = [(box, condition) for box in boxes for condition in conditions if space.is_apart(box, condition)]
    assert len(told_apart) > 1000
    assert not any(space.split(box, condition)[0] for box, condition in told_apart)


def test_what_was_asked_before_is_answered_as_if_asked_first(policy_with) -> None:
    policy = policy_with(("  - name: private\n", many_rules(20) + "  - name: private\n"))
    space = Space([policy])
    boxes = [box for source in sources(policy, space) for box in islice(reaching(space, source), 5)]
    for backend in policy.backends:
        once = [admitted(policy, space, backend, box) for box in boxes]
        assert once == [admitted(policy, Space([policy]), backend, box) for box in boxes]
        assert once == [admitted(policy, space, backend, box) for box in boxes]
        assert [space.possible(box) for box in boxes] == [Space([policy]).possible(box) for box in boxes]


def test_a_search_without_end_in_sight_is_given_up_aloud(policy_with) -> None:
    policy = policy_with(("  - name: private\n", many_rules(50) + "  - name: private\n"))
    space = Space([policy])
    last = sources(policy, space)[-1]
    with pytest.raises(ConfigError, match="too many kinds of requests apart to prove anything about them"):
        list(reaching(space, last, most_steps=100))


def test_what_an_endpoint_needs_by_itself_is_what_reading_it_says() -> None:
    body = b'{"messages": [], "prompt": "x", "input": "x", "inputs": "x"}'
    read = {endpoint: requests.read(endpoint, body).needs for endpoint in OWN_NEED if endpoint != "unknown"}
    assert {endpoint: frozenset({OWN_NEED[endpoint]}) for endpoint in read} == read
    assert requests.read_unknown("application/json", body).needs == frozenset({Need.PASSTHROUGH})
