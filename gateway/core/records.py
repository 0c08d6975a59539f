"""What is left of a request: its Attempts, its Outcome, its Record; no prompt, no completion, no credential."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from gateway.core.money import NanoUSD
from gateway.core.shadow import Shadow
from gateway.core.tracing import Trace
from gateway.core.types import BackendState, Caller, Decision, Endpoint, Masking, Need, Sensitivity, Verdict
from gateway.core.usage import Usage


class Attempt(msgspec.Struct, frozen=True):
    """One send to one replica. `error` is a `FailureKind` word, empty when it answered."""

    backend: str
    replica: str
    started_ms: float  # since the request was accepted
    first_byte_ms: float | None = None
    error: str = ""
    held: NanoUSD | None = None  # what was set aside for it; None: no budget pays for it
    charged: NanoUSD | None = None  # what the budgets paid in the end
    zone: str = ""  # of the backend, as the policy had it


class Ending(StrEnum):
    """How a request ended."""

    COMPLETED = "completed"  # the backend's answer reached its end
    INTERRUPTED = "interrupted"  # the backend broke off after the first byte
    ABANDONED = "abandoned"  # the client left
    REFUSED = "refused"  # no backend was asked, or none answered


class Outcome(msgspec.Struct, frozen=True):
    """`code` is the error code the client heard, if any; `cost` is None where a price is unknown."""

    ending: Ending
    status: int
    code: str
    attempts: tuple[Attempt, ...]
    usage: Usage | None
    cost: NanoUSD | None
    total_ms: float


class Record(msgspec.Struct, frozen=True):
    """What is kept of a request: no prompt, no completion, no credential. `model` is "" unless the policy knows it.

    `states` holds each backend of which anything else than "up" was known when it was decided, so that the decision can
    be made again; `maskings` what was believed of the request masked. `masked`: the kinds that the backend which
    answered was not shown.
    """

    id: str
    decision_id: str
    at: float  # seconds since the epoch
    caller: Caller
    endpoint: Endpoint
    model: str
    stream: bool
    needs: tuple[Need, ...]
    prompt_tokens: int
    max_tokens: int | None
    body_bytes: int
    verdict: Verdict
    decision: Decision
    backend: str  # the one that answered; "" where none did
    zone: str
    outcome: Outcome
    states: Mapping[str, BackendState] = msgspec.field(default_factory=dict)
    maskings: tuple[Masking, ...] = ()
    masked: tuple[str, ...] = ()
    shadow: Shadow | None = None  # what became of its copy
    draws: tuple[int, int] | None = None  # as in the Envelope
    trace: Trace | None = None

    def masked_classes(self) -> dict[str, Sensitivity]:
        """By backend: the class of what went there, where something was masked on the way."""
        classes = {masking.kinds: masking.verdict.sensitivity for masking in self.maskings}
        return {route.backend: classes[route.mask] for route in self.decision.routes if route.mask in classes}
