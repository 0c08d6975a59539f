"""Kinds that a policy does not look for: they cost nothing, decide nothing, and nothing may be built on them."""

import pytest

from gateway.classify.detectors import DETECTORS
from gateway.classify.verdict import Classifier
from gateway.classify.weights import shipped_weights
from gateway.core.errors import ConfigError
from gateway.core.types import Envelope, Sensitivity
from gateway.policy.load import load

BASE = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: house}
zones: {on_prem: {clearance: restricted}}
backends: {local: {zone: on_prem, kind: tgi, urls: [http://tgi:8080], model: llama}}
classify: {sensitivity: {ignore: [person, address], kinds: {email: confidential}}}
otherwise: {route: [local]}
"""


@pytest.fixture
def asking(envelope):
    """An envelope with one message of the user's."""

    def ask(text: str) -> Envelope:
        return envelope(document={"messages": [{"role": "user", "content": text}]})

    return ask


def told(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(text.encode(), "policy.yaml", {})
    return str(caught.value)


def test_what_is_ignored_is_not_looked_for(asking) -> None:
    labelling = load(BASE.encode(), "policy.yaml", {}).labelling
    assert labelling.ignored == {"person", "address"}
    asked: list[str] = []

    def noting(name: str):
        return lambda view: iter(asked.append(name) or ())

    detectors = [type(each)(each.name, each.kind, noting(each.name), 0, each.also) for each in DETECTORS]
    Classifier(labelling, shipped_weights(), b"key", detectors).classify(asking("Say hello to Mira Oldenkott"))
    assert set(asked) == {each.name for each in DETECTORS} - {"names and addresses"}


def test_a_kind_of_a_detector_that_finds_another_too_is_left_out_of_the_verdict(asking) -> None:
    one = BASE.replace("[person, address]", "[person]")
    labelling = load(one.encode(), "policy.yaml", {}).labelling
    verdict = Classifier(labelling, shipped_weights(), b"key").classify(asking("Dr. Mira Oldenkott called me"))
    assert [finding.kind for finding in verdict.findings] == []
    assert verdict.sensitivity is Sensitivity.PUBLIC


def test_a_kind_cannot_be_ignored_and_have_a_class() -> None:
    assert "`email` is both in" in told(BASE.replace("[person, address]", "[email]"))


def test_no_rule_may_ask_for_what_is_ignored() -> None:
    asked = BASE + "rules: [{name: r, when: {findings: [person]}, route: [local]}]\n"
    assert "cannot be `person`" in told(asked)


def test_no_route_may_mask_what_is_ignored() -> None:
    masking = BASE.replace("route: [local]", "route: [{to: local, mask: [person]}]")
    assert "what is not looked for cannot be masked" in told(masking)
