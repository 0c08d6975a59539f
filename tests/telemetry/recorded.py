"""A small policy, the fleet and the sweep it would have, and Records as the pipeline leaves them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.core.money import NanoUSD
from gateway.core.records import Attempt, Ending, Outcome, Record
from gateway.core.types import (
    BackendState,
    Caller,
    Decision,
    Endpoint,
    Exclusion,
    Finding,
    Need,
    Route,
    Sensitivity,
    Tier,
    Verdict,
    Veto,
)
from gateway.core.usage import Usage
from gateway.policy.load import load
from gateway.policy.model import Policy

POLICY = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: house, version: 7}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal}
backends:
  local: {zone: on_prem, kind: tgi, urls: ["http://127.0.0.1:9"], model: llama}
  frontier: {zone: openai, kind: openai, urls: ["http://127.0.0.1:9"], model: gpt-5.5, api_key: "${OPENAI_API_KEY}"}
otherwise: {route: [local, frontier]}
"""


def a_policy() -> Policy:
    return load(POLICY.encode(), "house.yaml", {"OPENAI_API_KEY": "invented"})


class Fleet:
    """What `core.ports.Fleet` tells of the two backends; both down unless said otherwise, and neither is there."""

    def __init__(self) -> None:
        self.states = {"local": BackendState(False, "asleep"), "frontier": BackendState(False, "asleep")}
        self.busy: dict[tuple[str, str], int] = {}

    def in_flight(self) -> Mapping[tuple[str, str], int]:
        return self.busy

    def queues(self) -> Mapping[tuple[str, str], int]:
        return {("local", "a:1"): 9}

    def predicted_waits(self) -> Mapping[str, float]:
        return {"local": 2.5}

    def wanted(self, name: str) -> None:
        assert name in self.states

    def __getitem__(self, name: str) -> Any:
        raise AssertionError(f"there is no {name} here")


class Sweep:
    in_flight = 0


ANSWERED = Outcome(
    ending=Ending.COMPLETED,
    status=200,
    code="",
    attempts=(Attempt("local", "a:1", 0.1, None, "overloaded"), Attempt("local", "b:1", 4.0, 120.04)),
    usage=Usage(21, 8, 5),
    cost=NanoUSD(196_000),
    total_ms=345.678,
)
REFUSED = Outcome(Ending.REFUSED, 503, "no_backend_available", (), None, None, 1.5)


def a_record(number: int = 0, outcome: Outcome = ANSWERED, **changes: Any) -> Record:
    """An answered, streamed chat with a card number in it; or whatever the changes make of it."""
    stem = f"_{number:024x}"
    answered = outcome.ending is not Ending.REFUSED
    record = Record(
        id="req" + stem,
        decision_id="dec" + stem,
        at=1_790_000_000.25 + number,
        caller=Caller("billing", "finance"),
        endpoint=Endpoint.CHAT,
        model="gpt-4o",
        stream=True,
        needs=(Need.CHAT,),
        prompt_tokens=20,
        max_tokens=None,
        body_bytes=900,
        verdict=Verdict(Sensitivity.RESTRICTED, 0.123456, Tier.SIMPLE, (Finding("card", 2, 0.99),), ("odd",)),
        decision=Decision(
            (Route("local"),), "otherwise", (("frontier", Exclusion(Veto.CLEARANCE, "…")),), a_policy().digest
        ),
        backend="local" if answered else "",
        zone="on_prem" if answered else "",
        outcome=outcome,
    )
    return msgspec.structs.replace(record, **changes)
