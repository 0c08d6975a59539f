"""One small policy, and what a test of deciding needs: an envelope, a verdict, a policy from a few changed lines."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.core.errors import ConfigError
from gateway.core.types import ANONYMOUS, Endpoint, Envelope, Need, Sensitivity, Tier, Verdict
from gateway.policy.load import load
from gateway.policy.model import Policy
from gateway.policy.read import ReadFile

BASE = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: house, version: 7}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal, retention: 30d}
backends:
  local:
    zone: on_prem
    kind: tgi
    urls: [http://tgi-0:8080]
    model: llama
    context_tokens: 8192
  frontier:
    zone: openai
    kind: openai
    urls: ["https://api.openai.com/v1"]
    api_key: ${OPENAI_API_KEY}
    model: {chat: gpt-5.5, embeddings: text-embedding-3-small}
    price: {input_usd_per_million: 5, output_usd_per_million: 30}
models:
  gpt-4o: auto
  old-name: gpt-4o
  best: frontier
callers:
  billing: {key: "${BILLING_KEY}", team: finance, tags: [batch]}
  website: {key: "${WEBSITE_KEY}", team: growth}
classify:
  sensitivity:
    kinds: {card: restricted, email: confidential}
    default: public
  complexity: {medium_from: 0.3, hard_from: 0.7}
rules:
  - name: private
    when: {sensitivity: {at_least: confidential}}
    route: [local]
  - name: hard
    when: {complexity: hard}
    route: [{to: frontier, first_byte: 8s, retries: 1}, local]
otherwise:
  route: [local, frontier]
unknown_routes: frontier
baseline: frontier
deadline: 2m
"""

ENVIRONMENT = {"OPENAI_API_KEY": "not-a-real-key", "BILLING_KEY": "billing-key", "WEBSITE_KEY": "website-key"}


@pytest.fixture
def base() -> str:
    return BASE


@pytest.fixture
def environment() -> Mapping[str, str]:
    return ENVIRONMENT


@pytest.fixture
def policy_with() -> Callable[..., Policy]:
    """The small policy with `old` text replaced by `new`, pair by pair."""

    def changed(
        *changes: tuple[str, str], environment: Mapping[str, str] = ENVIRONMENT, read: ReadFile | None = None
    ) -> Policy:
        text = BASE
        for old, new in changes:
            assert old in text, f"the small policy has no {old!r}"
            text = text.replace(old, new, 1)
        return load(text.encode(), "house.yaml", environment, read)

    return changed


@pytest.fixture
def refused(policy_with: Callable[..., Policy]) -> Callable[..., str]:
    """What is told of the small policy with changes that make it wrong."""

    def told(*changes: tuple[str, str], environment: Mapping[str, str] = ENVIRONMENT) -> str:
        with pytest.raises(ConfigError) as caught:
            policy_with(*changes, environment=environment)
        return str(caught.value)

    return told


@pytest.fixture
def envelope() -> Callable[..., Envelope]:
    """A chat request; name what is different."""

    def made(**changes: Any) -> Envelope:
        plain: dict[str, Any] = {
            "id": "req_1",
            "caller": ANONYMOUS,
            "endpoint": Endpoint.CHAT,
            "method": "POST",
            "path": "/v1/chat/completions",
            "model": "auto",
            "stream": False,
            "needs": frozenset({Need.CHAT}),
            "prompt_tokens": 20,
            "max_tokens": None,
            "received_at": 0.0,
            "deadline_s": 600.0,
            "body": b"{}",
            "document": {},
        }
        return Envelope(**plain | changes)

    return made


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """A public, simple request; name what is different."""

    def made(sensitivity: Sensitivity = Sensitivity.PUBLIC, tier: Tier = Tier.SIMPLE, **changes: Any) -> Verdict:
        return Verdict(sensitivity, tier / 2, tier, **changes)

    return made
