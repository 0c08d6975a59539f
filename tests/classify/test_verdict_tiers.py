"""Tiers through the whole classifier: the demo's own traffic spreads over them, with the default boundaries."""

from itertools import islice

import pytest

from gateway.classify.verdict import Classifier
from gateway.classify.weights import shipped_weights
from gateway.core.labelling import Labelling
from gateway.core.types import ANONYMOUS, Endpoint, Envelope, Tier, Verdict
from gateway.demo.traffic import traffic

HARD_TITLES = {"prove", "concurrency bug", "plan", "hard and private"}


def classified(document: object) -> Verdict:
    envelope = Envelope(
        id="req_1",
        caller=ANONYMOUS,
        endpoint=Endpoint.CHAT,
        method="POST",
        path="/v1/chat/completions",
        model="auto",
        stream=False,
        needs=frozenset(),
        prompt_tokens=0,
        max_tokens=None,
        received_at=0.0,
        deadline_s=60.0,
        body=b"",
        document=document,
    )
    return Classifier(Labelling(kinds={}), shipped_weights(), b"secret of this test").classify(envelope)


@pytest.fixture(scope="module")
def tiers() -> dict[str, set[Tier]]:
    found: dict[str, set[Tier]] = {}
    for example in islice(traffic(seed=5), 300):
        verdict = classified({"model": "auto", "messages": example.messages, **example.extra})
        assert "complexity" not in " ".join(verdict.unknown)
        found.setdefault(example.title, set()).add(verdict.tier)
    return found


def test_what_the_demo_calls_hard_is_hard(tiers):
    assert {title: tiers[title] for title in HARD_TITLES} == {title: {Tier.HARD} for title in HARD_TITLES}


def test_nothing_else_in_the_demo_is_hard_and_most_of_it_is_simple(tiers):
    others = {title: found for title, found in tiers.items() if title not in HARD_TITLES}
    assert not any(Tier.HARD in found for found in others.values())
    assert sum(found == {Tier.SIMPLE} for found in others.values()) >= 0.7 * len(others)
