"""A route with a mask: read, told in words, and taken only for what the mask leaves harmless."""

import pytest

from gateway.core.errors import ConfigError
from gateway.core.types import (
    ANONYMOUS,
    Endpoint,
    Envelope,
    Finding,
    Masking,
    Need,
    Sensitivity,
    Tier,
    Verdict,
)
from gateway.policy.evaluate import decide, masks_wanted
from gateway.policy.facts import facts
from gateway.policy.load import load
from gateway.policy.prose import prose
from gateway.policy.review import review

TEXT = """
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: masks}
zones: {home: {clearance: restricted}, out: {clearance: internal}}
backends:
  gpu: {zone: home, kind: vllm, model: llama, urls: ["http://gpu"]}
  api: {zone: out, kind: openai, model: gpt, urls: ["http://api"], api_key: "${KEY:-}"}
rules: [{name: private, when: {sensitivity: restricted}, route: [{to: api, mask: [phone, email]}, gpu]}]
otherwise: {route: [api, gpu]}
"""
POLICY = load(TEXT.encode(), "masks.yaml", {})
CHAT = Envelope(
    "req_1", ANONYMOUS, Endpoint.CHAT, "POST", "/", "auto", False, frozenset({Need.CHAT}), 1, None, 0.0, 60.0, b"", {}
)
MASK = ("email", "phone")


def verdict(level: Sensitivity, *kinds: str) -> Verdict:
    return Verdict(level, 0.1, Tier.SIMPLE, tuple(Finding(kind, 1, 0.99) for kind in kinds))


FOUND = verdict(Sensitivity.RESTRICTED, "email")


def decided(*maskings: Masking, found: Verdict = FOUND) -> tuple[list[str], str]:
    decision = decide(POLICY, CHAT, found, {}, maskings)
    return [route.backend for route in decision.routes], "".join(why.detail for _, why in decision.excluded)


def test_the_kinds_are_read_in_order_and_told_in_words() -> None:
    assert POLICY.rules[0].routes[0].mask == MASK
    assert "`api` with `email`, `phone` masked (30s" in facts(POLICY)["rule `private`"]
    assert "goes to `api` with `email`, `phone` masked, then `gpu`" in prose(POLICY)


def test_a_kind_that_nobody_finds_is_no_mask() -> None:
    with pytest.raises(ConfigError, match="cannot be `emial`; did you mean `email`"):
        load(TEXT.replace("email", "emial").encode(), "masks.yaml", {})


def test_what_is_told_of_a_whole_text_is_no_mask() -> None:
    with pytest.raises(ConfigError, match="cannot be `medical`"):
        load(TEXT.replace("[phone, email]", "[phone, medical]").encode(), "masks.yaml", {})


def test_what_the_mask_leaves_harmless_may_go() -> None:
    assert masks_wanted(POLICY, CHAT, FOUND, {}) == (MASK,)
    assert decided(Masking(MASK, verdict(Sensitivity.PUBLIC))) == (["api", "gpu"], "")


def test_what_it_leaves_too_sensitive_may_not() -> None:
    backends, why = decided(Masking(MASK, verdict(Sensitivity.RESTRICTED, "card")))
    assert backends == ["gpu"]
    assert why.endswith("the request is restricted (`card`) even with `email`, `phone` masked")


def test_what_is_left_of_its_kinds_keeps_it_even_where_the_zone_might_receive_it() -> None:
    backends, why = decided(Masking(MASK, verdict(Sensitivity.PUBLIC, "phone")))
    assert (backends, why) == (["gpu"], "masking did not suffice: `phone` is left for backend `api`")


def test_what_could_not_be_masked_does_not_go() -> None:
    assert decided() == (["gpu"], "zone `out` is cleared for internal, the request is restricted (`email`); "
                                  "`email`, `phone` could not be masked")  # fmt: skip


def test_other_findings_want_no_mask() -> None:
    found = verdict(Sensitivity.RESTRICTED, "card")
    assert masks_wanted(POLICY, CHAT, found, {}) == ()
    assert decided(found=found)[0] == ["gpu"]


def test_a_route_that_only_masked_requests_take_is_not_called_dead() -> None:
    assert [remark for remark in review(POLICY).remarks if "api" in remark.sentence] == []
