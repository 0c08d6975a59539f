"""The story of one request: classify, decide, dispatch, deliver, record.

A request becomes an Envelope (http/accept), is given a Verdict, gets a Decision, and leaves a Record. Everything that
waits is awaited here in the order it happens; everything that is pure is called. The Trail is the only thing that
changes on the way, and nobody else sees it.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from gateway.core.errors import AttemptFailed, ClearanceViolation, FailureKind, GatewayError, StreamBroken
from gateway.core.money import NanoUSD, dollars
from gateway.core.ports import Clock, Fleet, Recorder, Reply, Responder
from gateway.core.types import (
    UP,
    Attempt,
    BackendSpec,
    BackendState,
    Decision,
    Ending,
    Envelope,
    Outcome,
    Record,
    Route,
    Verdict,
    Veto,
)
from gateway.core.usage import Usage
from gateway.masked import UNMASKED, Classify, Sent, Variants, maskings, restored_body, restored_chunks, variants
from gateway.policy.draw import draws_of
from gateway.policy.evaluate import decide, masks_wanted, refusal
from gateway.policy.model import Policy
from gateway.shadows import Copy, Shadows
from gateway.sweep import Interruption, Sweep, Vigil
from gateway.turnstile import Turnstile
from gateway.wire.errors import exhausted

PAUSE_S, LAST_PAUSE_S = 0.5, 5.0
"""The longest wait before a retry where another route is left, and where none is."""

Headers = list[tuple[bytes, bytes]]

_log = logging.getLogger("gateway")
_OUT_OF_TIME = GatewayError(
    504, "deadline_exceeded", "the request ran out of time before the answer was complete", type="timeout"
)
_INTERNAL = GatewayError(
    500,
    "internal_error",
    "the gateway failed to answer; the request id leads its operators to why",
    type="server_error",
)


class Trail:
    """What has happened to one request so far."""

    __slots__ = (
        "attempts",
        "backend",
        "code",
        "decision",
        "ending",
        "envelope",
        "masked",
        "sent",
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
        self.backend: BackendSpec | None = None
        self.usage: Usage | None = None
        self.ending = Ending.REFUSED
        self.status = 0
        self.code = ""

    def fail(self, ending: Ending, error: GatewayError) -> None:
        self.ending, self.status, self.code = ending, error.status, error.code


class Pipeline:
    """One policy at work. A new policy means a new Pipeline; requests in flight finish under the one they met."""

    def __init__(
        self,
        policy: Policy,
        classifier: Classify,
        fleet: Fleet,
        recorder: Recorder,
        sweep: Sweep,
        shadows: Shadows,
        clock: Clock,
        turnstile: Turnstile | None = None,
    ) -> None:
        self.policy = policy
        self.turnstile = turnstile  # for those who let requests in; None: everyone may
        self.in_flight = (
            0  # requests that have met this pipeline, counted where they do, and copies, that have not ended
        )
        self._classifier = classifier
        self._fleet = fleet
        self._recorder = recorder
        self._sweep = sweep
        self._shadows = shadows
        self._clock = clock
        self._is_masking = bool(policy.masks)
        self._is_split = policy.is_split

    async def serve(
        self, envelope: Envelope, client_left: Callable[[], Awaitable[None]], responder: Responder
    ) -> Usage | None:
        """Answer one request through `responder` and leave its Record, whatever happens on the way; what it used."""
        if self._is_split:
            envelope = msgspec.structs.replace(envelope, draws=draws_of(envelope))
        verdict = self._classifier.classify(envelope)
        states = self._fleet.states
        masked = self._masked(envelope, verdict, states) if self._is_masking else UNMASKED
        decision = decide(self.policy, envelope, verdict, states, maskings(masked) if masked else ())
        for name, exclusion in decision.excluded:
            if exclusion.veto is Veto.HEALTH:
                self._fleet.wanted(name)
        vigil = self._sweep.enter(client_left, envelope.deadline_s)
        trail = Trail(envelope, vigil, verdict, decision, states, masked)
        try:
            await self._answer(trail, responder)
        except asyncio.CancelledError:
            if not vigil.absorb(Interruption.CLIENT_LEFT):
                trail.ending = Ending.ABANDONED
                raise
            trail.ending = Ending.ABANDONED
        finally:
            self._sweep.leave(vigil)
            self._leave_record(trail)
        return trail.usage

    def _leave_record(self, trail: Trail) -> None:
        """At once, or where a copy of the request follows its answer, once that has ended too."""
        record, shadow = self._record(trail), trail.decision.shadow
        if shadow is None or trail.ending is not Ending.COMPLETED:
            self._recorder.record(record)
            return
        what = trail.masked.get(shadow.mask) or trail
        self.in_flight += 1
        copy = Copy(self._fleet[shadow.backend], shadow, what.envelope, what.verdict.sensitivity, self._copied)
        self._shadows.follow(copy, record)

    def _copied(self) -> None:
        self.in_flight -= 1

    def _masked(self, envelope: Envelope, verdict: Verdict, states: Mapping[str, BackendState]) -> Variants:
        return variants(envelope, verdict, masks_wanted(self.policy, envelope, verdict, states), self._classifier)

    async def _answer(self, trail: Trail, responder: Responder) -> None:
        try:
            reply = await self._dispatch(trail)
            await self._deliver(trail, reply, responder)
        except GatewayError as error:
            trail.fail(Ending.REFUSED, error)
            await responder.refuse(error, self._headers(trail))
        except StreamBroken as broken:
            await self._break_off(trail, responder, _broken(broken))
        except asyncio.CancelledError:
            if trail.vigil.absorb(Interruption.DEADLINE) or trail.vigil.absorb(Interruption.ATTEMPT):
                await self._stop(trail, responder, _OUT_OF_TIME)
            else:
                raise
        except Exception as bug:  # the last line of promise 4: a bug of ours is still answered, and still recorded
            _report(bug)
            await self._stop(trail, responder, _INTERNAL)

    async def _dispatch(self, trail: Trail) -> Reply:
        """The first reply in hand, route by route; raises what the client is to hear when there is none."""
        if not trail.decision.routes:
            raise refusal(trail.decision, trail.envelope)
        failures: list[AttemptFailed] = []
        last = trail.decision.routes[-1]
        for route in trail.decision.routes:
            reply = await self._try(trail, route, failures, LAST_PAUSE_S if route is last else PAUSE_S)
            if reply is not None:
                return reply
        raise exhausted(failures)

    async def _try(self, trail: Trail, route: Route, failures: list[AttemptFailed], longest_s: float) -> Reply | None:
        """One route, again as often as it says unless that means to wait for longer; None: on to the next."""
        for retry in range(1 + route.retries):
            if retry:
                pause = _pause_s(retry, failures[-1])
                if pause > longest_s:
                    return None
                trail.vigil.attempt_until = None
                await asyncio.sleep(pause)
            try:
                return await self._attempt(trail, route)
            except AttemptFailed as failure:
                failures.append(failure)
                if not failure.is_retryable:
                    return None
        return None

    async def _attempt(self, trail: Trail, route: Route) -> Reply:
        """One send. Its time to the first byte is bounded for a stream; a whole answer has the total time."""
        vigil, backend = trail.vigil, self._fleet[route.backend]
        trail.sent = trail.masked.get(route.mask)
        what = trail if trail.sent is None else trail.sent
        began = self._clock.monotonic()
        patience = route.patience_s(trail.envelope.stream)
        vigil.attempt_until = began + patience
        try:
            reply = await backend.send(what.envelope, route, what.verdict.sensitivity)
        except AttemptFailed as failure:
            self._note(trail, route.backend, failure.replica, began, str(failure.kind))
            raise
        except GatewayError as error:
            self._note(trail, route.backend, "", began, error.code)
            if not isinstance(error, ClearanceViolation):  # then nothing left, and no backend answered
                trail.backend = backend.spec
            raise
        except asyncio.CancelledError:
            if not vigil.absorb(Interruption.ATTEMPT):
                self._note(trail, route.backend, "", began, "cancelled")
                raise
            self._note(trail, route.backend, "", began, str(FailureKind.TIMEOUT))
            raise AttemptFailed(FailureKind.TIMEOUT, f"no first byte within {patience:g} s") from None
        vigil.attempt_until = began + route.total_s
        self._note(trail, route.backend, reply.replica, began, "")
        trail.backend = backend.spec
        return reply

    async def _deliver(self, trail: Trail, reply: Reply, responder: Responder) -> None:
        """From the first byte on there is no way back: it ends well, breaks off audibly, or the client leaves."""
        try:
            trail.status = reply.status
            if reply.is_stream:
                await responder.begin(reply.status, self._headers(trail) + reply.headers)
                async for data in reply.chunks() if trail.sent is None else restored_chunks(trail.sent, reply):
                    await responder.chunk(data)
                trail.usage = reply.usage
                trail.ending = Ending.COMPLETED
                await responder.end()
            else:
                body = reply.body if trail.sent is None else restored_body(trail.sent, reply)
                trail.usage = reply.usage
                trail.ending = Ending.COMPLETED
                await responder.whole(reply.status, self._headers(trail) + reply.headers, body)
        finally:
            trail.usage = reply.usage
            await reply.aclose()

    async def _stop(self, trail: Trail, responder: Responder, error: GatewayError) -> None:
        """Refuse, or break off where the response has begun."""
        if responder.has_begun:
            await self._break_off(trail, responder, error)
        else:
            trail.fail(Ending.REFUSED, error)
            await responder.refuse(error, self._headers(trail))

    async def _break_off(self, trail: Trail, responder: Responder, error: GatewayError) -> None:
        trail.ending, trail.code = Ending.INTERRUPTED, error.code
        await responder.break_off(error)

    def _note(self, trail: Trail, backend: str, replica: str, began: float, error: str) -> None:
        now, origin = self._clock.monotonic(), trail.vigil.started
        first_byte_ms = None if error else (now - began) * 1000
        trail.attempts.append(Attempt(backend, replica, (began - origin) * 1000, first_byte_ms, error))

    def _headers(self, trail: Trail) -> Headers:
        """What the decision was, for the client; the same words as in the record."""
        envelope, verdict = trail.envelope, trail.verdict
        headers = [
            (b"x-request-id", envelope.id.encode()),
            (b"x-gateway-decision-id", envelope.decision_id.encode()),
            (b"x-gateway-rule", trail.decision.rule.encode()),
            (b"x-gateway-sensitivity", verdict.sensitivity.label.encode()),
            (b"x-gateway-complexity", verdict.tier.label.encode()),
        ]
        if trail.backend is not None:
            headers.append((b"x-gateway-backend", trail.backend.name.encode()))
            if trail.sent is not None:
                headers.append((b"x-gateway-masked", ", ".join(trail.sent.masked).encode()))
        failed = ", ".join(f"{attempt.backend}={attempt.error}" for attempt in trail.attempts if attempt.error)
        if failed:
            headers.append((b"x-gateway-failed-attempts", failed.encode()))
        cost = _cost(trail)
        if cost is not None:
            headers.append((b"x-gateway-cost-usd", dollars(cost).encode()))
        return headers

    def _record(self, trail: Trail) -> Record:
        envelope, backend = trail.envelope, trail.backend
        outcome = Outcome(
            ending=trail.ending,
            status=trail.status,
            code=trail.code,
            attempts=tuple(trail.attempts),
            usage=trail.usage,
            cost=_cost(trail),
            total_ms=(self._clock.monotonic() - trail.vigil.started) * 1000,
        )
        return Record(
            id=envelope.id,
            decision_id=envelope.decision_id,
            at=envelope.received_at,
            caller=envelope.caller,
            endpoint=envelope.endpoint,
            model=envelope.model if self.policy.knows_model(envelope.model) else "",
            stream=envelope.stream,
            needs=tuple(sorted(envelope.needs)),
            prompt_tokens=envelope.prompt_tokens,
            max_tokens=envelope.max_tokens,
            body_bytes=len(envelope.body),
            verdict=trail.verdict,
            decision=trail.decision,
            backend="" if backend is None else backend.name,
            zone="" if backend is None else backend.zone.name,
            outcome=outcome,
            states={name: state for name, state in trail.states.items() if state != UP},
            maskings=maskings(trail.masked) if trail.masked else (),
            masked=() if backend is None or trail.sent is None else trail.sent.masked,
            draws=envelope.draws,
        )


def _pause_s(retry: int, failure: AttemptFailed) -> float:
    """As long as the backend asks for; else none before the first retry (another replica may be well), then longer."""
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    return 0.1 * ((1 << (retry - 1)) - 1)


def _cost(trail: Trail) -> NanoUSD | None:
    """The bill so far: None where the usage or the price is unknown, never a guess of zero."""
    usage, backend = trail.usage, trail.backend
    if usage is None or backend is None:
        return None
    price = backend.price_for(trail.envelope.endpoint)
    return None if price is None else usage.cost(price)


def _broken(broken: StreamBroken) -> GatewayError:
    message = "the backend broke off before the answer was complete; what was sent so far is all there is"
    code = "stream_timeout" if broken.kind is FailureKind.TIMEOUT else "stream_interrupted"
    return GatewayError(502, code, message, type="server_error")


def _report(bug: Exception) -> None:
    """Where it happened, without the exception's own words: they may quote the request."""
    places = " < ".join(
        f"{frame.filename}:{frame.lineno}" for frame in reversed(traceback.extract_tb(bug.__traceback__))
    )
    _log.error("unexpected %s at %s", type(bug).__name__, places)
