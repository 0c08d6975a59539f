"""The story of one request: classify, decide, dispatch, deliver, record.

A request becomes an Envelope (http/accept), is given a Verdict, gets a Decision, and leaves a Record. Everything that
waits is awaited here in the order it happens; everything that is pure is called. The Trail is the only thing that
changes on the way.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from gateway.core.errors import AttemptFailed, ClearanceViolation, FailureKind, GatewayError, StreamBroken
from gateway.core.ports import Clock, Fleet, Recorder, Reply, Responder
from gateway.core.records import Ending
from gateway.core.types import UP, BackendSpec, BackendState, Envelope, Route, Verdict, Veto
from gateway.core.usage import Usage
from gateway.masked import UNMASKED, Classify, Variants, maskings, restored_body, restored_chunks, variants
from gateway.policy.draw import draws_of
from gateway.policy.evaluate import decide, masks_wanted, refusal
from gateway.policy.model import Policy
from gateway.shadows import Copy, Shadows
from gateway.spending import Spending
from gateway.sweep import Interruption, Sweep
from gateway.trail import Trail
from gateway.turnstile import Turnstile
from gateway.wire.errors import exhausted

PAUSE_S, LAST_PAUSE_S = 0.5, 5.0
"""The longest wait before a retry where another route is left, and where none is."""

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
        spending: Spending | None = None,
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
        self.spending = spending  # None: the policy has no budgets
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
            trail.settle()
            self._leave_record(trail)
        return trail.usage

    def _leave_record(self, trail: Trail) -> None:
        """At once, or where a copy of the request follows its answer, once that has ended too."""
        record, shadow = trail.record(self.policy, self._clock.monotonic()), trail.decision.shadow
        if shadow is None or trail.ending is not Ending.COMPLETED:
            self._recorder.record(record)
            return
        what = trail.masked.get(shadow.mask) or trail
        self.in_flight += 1
        afford = None if self.spending is None else self.spending.afford
        backend, state = self._fleet[shadow.backend], trail.states.get(shadow.backend, UP)
        copy = Copy(backend, shadow, what.envelope, what.verdict.sensitivity, self._copied, afford, state)
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
            await responder.refuse(error, trail.headers())
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
        envelope = what.envelope if self.spending is None else await self._afford(trail, what.envelope, backend.spec)
        began = self._clock.monotonic()
        patience = route.patience_s(trail.envelope.stream)
        vigil.attempt_until = began + patience
        try:
            reply = await backend.send(trail.outbound(envelope), route, what.verdict.sensitivity)
        except (AttemptFailed, GatewayError) as error:
            trail.failed(backend.spec, began, error)
            if isinstance(error, GatewayError) and not isinstance(error, ClearanceViolation):
                trail.backend = backend.spec  # it answered; elsewhere nothing left, or nothing came
            raise
        except asyncio.CancelledError as cancelled:
            if not vigil.absorb(Interruption.ATTEMPT):
                trail.failed(backend.spec, began, cancelled)
                raise
            late = AttemptFailed(FailureKind.TIMEOUT, f"no first byte within {patience:g} s")
            trail.failed(backend.spec, began, late)
            raise late from None
        vigil.attempt_until = began + route.total_s
        trail.answers(backend.spec, reply.replica, began, self._clock.monotonic())
        return reply

    async def _afford(self, trail: Trail, envelope: Envelope, spec: BackendSpec) -> Envelope:
        """What is sent once money has been set aside for it: as it is, or bounded so that it cannot cost more."""
        assert self.spending is not None
        trail.slip, trail.vigil.attempt_until = None, None
        began = self._clock.monotonic()
        try:
            slip = await self.spending.afford(envelope, spec, trail.states.get(spec.name, UP))
        except (AttemptFailed, GatewayError) as error:
            trail.failed(spec, began, error)
            raise
        trail.slip = slip
        return envelope if slip is None else slip.envelope

    async def _deliver(self, trail: Trail, reply: Reply, responder: Responder) -> None:
        """From the first byte on there is no way back: it ends well, breaks off audibly, or the client leaves."""
        try:
            trail.status = reply.status
            if reply.is_stream:
                await responder.begin(reply.status, trail.headers() + reply.headers)
                async for data in reply.chunks() if trail.sent is None else restored_chunks(trail.sent, reply):
                    await responder.chunk(data)
                trail.usage = reply.usage
                trail.ending = Ending.COMPLETED
                await responder.end()
            else:
                body = reply.body if trail.sent is None else restored_body(trail.sent, reply)
                trail.usage = reply.usage
                trail.ending = Ending.COMPLETED
                await responder.whole(reply.status, trail.headers() + reply.headers, body)
        finally:
            trail.usage = reply.usage
            await reply.aclose()

    async def _stop(self, trail: Trail, responder: Responder, error: GatewayError) -> None:
        """Refuse, or break off where the response has begun."""
        if responder.has_begun:
            await self._break_off(trail, responder, error)
        else:
            trail.fail(Ending.REFUSED, error)
            await responder.refuse(error, trail.headers())

    async def _break_off(self, trail: Trail, responder: Responder, error: GatewayError) -> None:
        trail.ending, trail.code = Ending.INTERRUPTED, error.code
        await responder.break_off(error)


def _pause_s(retry: int, failure: AttemptFailed) -> float:
    """As long as the backend asks for; else none before the first retry (another replica may be well), then longer."""
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    return 0.1 * ((1 << (retry - 1)) - 1)


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
