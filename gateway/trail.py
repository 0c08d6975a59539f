"""What has happened to one request so far, the only thing that changes on its way; the client's headers and the Record
are made from it."""

from collections.abc import Mapping

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError
from gateway.core.money import NanoUSD, dollars
from gateway.core.records import Attempt, Ending, Outcome, Record
from gateway.core.types import UP, BackendSpec, BackendState, Decision, Envelope, Verdict
from gateway.core.usage import Usage
from gateway.masked import Sent, Variants, maskings
from gateway.policy.model import Policy
from gateway.spending import Slip
from gateway.sweep import Vigil

Headers = list[tuple[bytes, bytes]]


class Trail:
    """One request under way. It belongs to the pipeline."""

    __slots__ = (
        "attempts",
        "backend",
        "code",
        "decision",
        "ending",
        "envelope",
        "masked",
        "sent",
        "slip",
        "states",
        "status",
        "usage",
        "verdict",
        "vigil",
    )

    def __init__(
        self,
        envelope: Envelope,
        vigil: Vigil,
        verdict: Verdict,
        decision: Decision,
        states: Mapping[str, BackendState],
        masked: Variants,
    ) -> None:
        self.envelope = envelope
        self.masked = masked
        self.sent: Sent | None = None  # to the backend that answered, where that is not the envelope itself
        self.vigil = vigil
        self.verdict = verdict
        self.decision = decision
        self.states = states
        self.attempts: list[Attempt] = []
        self.slip: Slip | None = None  # of the attempt that is under way, or that answered
        self.backend: BackendSpec | None = None
        self.usage: Usage | None = None
        self.ending = Ending.REFUSED
        self.status = 0
        self.code = ""

    def fail(self, ending: Ending, error: GatewayError) -> None:
        self.ending, self.status, self.code = ending, error.status, error.code

    def outbound(self, envelope: Envelope) -> Envelope:
        """As the attempt that comes now sends it: where there is a trace, from that attempt's own span."""
        trace = envelope.trace
        if trace is None or not trace.is_joined:
            return envelope
        return msgspec.structs.replace(envelope, trace=trace.for_attempt(envelope.id, len(self.attempts)))

    def answers(self, backend: BackendSpec, replica: str, began: float, now: float) -> None:
        """An attempt has an answer in hand. Times are of the monotonic clock."""
        self.backend = backend
        self._note(backend, replica, began, (now - began) * 1000, "")

    def failed(self, backend: BackendSpec, began: float, error: BaseException) -> None:
        """An attempt has brought none, and is paid for as far as it has to be."""
        if self.slip is not None:
            self.slip.failed(error)
        if isinstance(error, AttemptFailed):
            self._note(backend, error.replica, began, None, str(error.kind))
        else:
            self._note(backend, "", began, None, error.code if isinstance(error, GatewayError) else "cancelled")

    def _note(self, backend: BackendSpec, replica: str, began: float, first_byte_ms: float | None, error: str) -> None:
        started_ms, slip = (began - self.vigil.started) * 1000, self.slip
        held, charged = (None, None) if slip is None else (slip.held, slip.charged)
        zone = backend.zone.name
        self.attempts.append(Attempt(backend.name, replica, started_ms, first_byte_ms, error, held, charged, zone))

    def settle(self) -> None:
        """The request has ended, and what its last attempt took is known as far as it ever will be."""
        slip = self.slip
        if slip is None:
            return
        if self.backend is not None:
            slip.answered(self.status, self.usage, is_whole=self.ending is Ending.COMPLETED)
        else:
            slip.failed(AttemptFailed(FailureKind.BROKEN, "it ended in a way that nobody foresaw"))
        if self.attempts and self.attempts[-1].charged is None:
            self.attempts[-1] = msgspec.structs.replace(self.attempts[-1], charged=slip.charged)

    def cost(self) -> NanoUSD | None:
        """The bill so far: None where the usage or the price is unknown, never a guess of zero."""
        if self.usage is None or self.backend is None:
            return None
        price = self.backend.price_for(self.envelope.endpoint)
        return None if price is None else self.usage.cost(price)

    def headers(self) -> Headers:
        """What the decision was, for the client; the same words as in the record."""
        envelope, verdict = self.envelope, self.verdict
        headers = [
            (b"x-request-id", envelope.id.encode()),
            (b"x-gateway-decision-id", envelope.decision_id.encode()),
            (b"x-gateway-rule", self.decision.rule.encode()),
            (b"x-gateway-sensitivity", verdict.sensitivity.label.encode()),
            (b"x-gateway-complexity", verdict.tier.label.encode()),
        ]
        if self.backend is not None:
            headers.append((b"x-gateway-backend", self.backend.name.encode()))
            if self.sent is not None:
                headers.append((b"x-gateway-masked", ", ".join(self.sent.masked).encode()))
        failed = ", ".join(f"{attempt.backend}={attempt.error}" for attempt in self.attempts if attempt.error)
        if failed:
            headers.append((b"x-gateway-failed-attempts", failed.encode()))
        cost = self.cost()
        if cost is not None:
            headers.append((b"x-gateway-cost-usd", dollars(cost).encode()))
        return headers

    def record(self, policy: Policy, now: float) -> Record:
        """What is kept of it; `now` is of the monotonic clock."""
        envelope, backend = self.envelope, self.backend
        outcome = Outcome(
            ending=self.ending,
            status=self.status,
            code=self.code,
            attempts=tuple(self.attempts),
            usage=self.usage,
            cost=self.cost(),
            total_ms=(now - self.vigil.started) * 1000,
        )
        return Record(
            id=envelope.id,
            decision_id=envelope.decision_id,
            at=envelope.received_at,
            caller=envelope.caller,
            endpoint=envelope.endpoint,
            model=envelope.model if policy.knows_model(envelope.model) else "",
            stream=envelope.stream,
            needs=tuple(sorted(envelope.needs)),
            prompt_tokens=envelope.prompt_tokens,
            max_tokens=envelope.max_tokens,
            body_bytes=len(envelope.body),
            verdict=self.verdict,
            decision=self.decision,
            backend="" if backend is None else backend.name,
            zone="" if backend is None else backend.zone.name,
            outcome=outcome,
            states={name: state for name, state in self.states.items() if state != UP},
            maskings=maskings(self.masked) if self.masked else (),
            masked=() if backend is None or self.sent is None else self.sent.masked,
            draws=envelope.draws,
            trace=envelope.trace,
        )
