"""The hybrid strategy in forty lines: sensitive local, simple local, hard to OpenAI, 50 dollars a day, fallback."""

from gateway.core.types import BackendState, Sensitivity, Tier
from gateway.policy.evaluate import decide
from gateway.policy.load import load
from gateway.policy.review import review

HYBRID = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: hybrid}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal}
backends:
  local: {zone: on_prem, kind: tgi, urls: ["http://tgi:8080"], model: llama}
  frontier:
    zone: openai
    kind: openai
    urls: ["https://api.openai.com"]
    model: gpt-5.5
    api_key: ${OPENAI_API_KEY}
    price: {input_usd_per_million: 5, output_usd_per_million: 30}
budgets:
  openai_daily: {limit_usd: 50, window: day, scope: {zone: openai}}
rules:
  - name: sensitive
    when: {sensitivity: {at_least: confidential}}
    route: local
  - name: hard
    when: {complexity: hard}
    route: [frontier, local]
otherwise:
  route: [local, frontier]
invariants:
  - never: {sensitivity: {at_least: confidential}, reaches: {zone: openai}}
  - always: {reaches: {zone: openai}, charged_to: openai_daily}
"""
POLICY = load(HYBRID.encode(), "hybrid.yaml", {"OPENAI_API_KEY": "invented"})


def test_the_hybrid_strategy_takes_at_most_forty_lines_and_is_proved() -> None:
    assert len(HYBRID.splitlines()) <= 40
    assert review(POLICY).remarks == ()
    assert len(review(POLICY).proved) == 3


def test_it_routes_as_it_says(envelope, verdict) -> None:
    def way(level: Sensitivity, tier: Tier, *down: str) -> list[str]:
        states = dict.fromkeys(down, BackendState(is_up=False))
        return [route.backend for route in decide(POLICY, envelope(), verdict(level, tier), states).routes]

    assert way(Sensitivity.RESTRICTED, Tier.HARD) == ["local"]
    assert way(Sensitivity.RESTRICTED, Tier.HARD, "local") == []
    assert way(Sensitivity.PUBLIC, Tier.SIMPLE) == ["local", "frontier"]
    assert way(Sensitivity.PUBLIC, Tier.HARD) == ["frontier", "local"]
    assert way(Sensitivity.PUBLIC, Tier.SIMPLE, "local") == ["frontier"]
