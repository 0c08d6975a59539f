"""Rules propose, vetoes dispose: from a policy, a request, a verdict and the fleet's state to a Decision."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from gateway.core.errors import GatewayError
from gateway.core.types import (
    UP,
    BackendSpec,
    BackendState,
    Decision,
    Endpoint,
    Envelope,
    Exclusion,
    Masking,
    Route,
    Standing,
    Verdict,
    Veto,
)
from gateway.policy.belief import causes
from gateway.policy.cost import too_dear, window_of
from gateway.policy.draw import in_order, is_drawn
from gateway.policy.model import Policy, Shadowing
from gateway.policy.vocabulary import AUTO, PINNED, UNKNOWN_ROUTES

_RETRY_AFTER_S = 5
_LONGEST_NAME = 64


def decide(
    policy: Policy,
    envelope: Envelope,
    verdict: Verdict,
    states: Mapping[str, BackendState],
    maskings: Sequence[Masking] = (),
) -> Decision:
    """The routes this request may take, best first, and every proposed route that may not be taken, with the reason.

    Pure: the same arguments give the same Decision. A backend that `states` does not name counts as up: a wrong guess
    costs one failed attempt, where the opposite would refuse what could be answered. A model name that the policy does
    not know counts as `auto`; whoever accepts requests has refused it before. `maskings` has one for each of
    `masks_wanted` that could be done.
    INVARIANT: no route in the Decision leads to a zone whose clearance is below the sensitivity of what would be sent:
    the verdict's, or where the route masks something that was found, that of its masking. The shadow is such a route.
    """
    rule, proposed, spilled_from, shadowing = _propose(policy, envelope, verdict, states)
    routes: list[Route] = []
    excluded: list[tuple[str, Exclusion]] = []
    for route in proposed:
        struck_out = _struck_out(policy, route, states, envelope, verdict, maskings)
        if struck_out is None:
            routes.append(route)
        else:
            excluded.append((route.backend, struck_out))
    shadow: Route | None = None
    if shadowing is not None and routes and is_drawn(envelope.id, shadowing.share):
        shadow = msgspec.structs.replace(shadowing.route, mask=routes[0].mask)  # a copy shows no more
        is_idle = states.get(shadow.backend, UP).standing is Standing.UP and shadow.backend != routes[0].backend
        if not is_idle or _struck_out(policy, shadow, states, envelope, verdict, maskings) is not None:
            shadow = None
    return Decision(tuple(routes), rule, tuple(excluded), policy.digest, spilled_from, shadow)


def _struck_out(
    policy: Policy,
    route: Route,
    states: Mapping[str, BackendState],
    envelope: Envelope,
    verdict: Verdict,
    maskings: Sequence[Masking],
) -> Exclusion | None:
    spec, state = policy.backends[route.backend], states.get(route.backend, UP)
    if _masks_any(route, verdict):
        struck_out = _masked_exclusion(policy, route, states, envelope, verdict, maskings)
    else:
        struck_out = exclusion(spec, state, envelope, verdict)
    if struck_out is None and route.max_cost is not None and (why := too_dear(route, spec, state, envelope)):
        return Exclusion(Veto.COST, why)
    return struck_out


def exclusion(spec: BackendSpec, state: BackendState, envelope: Envelope, verdict: Verdict) -> Exclusion | None:
    """The first veto against a route to this backend; None: it may be taken."""
    for veto, strikes in VETOES:
        detail = strikes(spec, state, envelope, verdict)
        if detail is not None:
            return Exclusion(veto, detail)
    return None


def masks_wanted(
    policy: Policy, envelope: Envelope, verdict: Verdict, states: Mapping[str, BackendState]
) -> tuple[tuple[str, ...], ...]:
    """What deciding has to know besides: the verdict on this request with each of these masked."""
    proposed = _propose(policy, envelope, verdict, states).routes
    return tuple(dict.fromkeys(route.mask for route in proposed if _masks_any(route, verdict)))


def _masks_any(route: Route, verdict: Verdict) -> bool:
    return bool(route.mask) and any(finding.kind in route.mask for finding in verdict.findings)


def _masked_exclusion(
    policy: Policy,
    route: Route,
    states: Mapping[str, BackendState],
    envelope: Envelope,
    verdict: Verdict,
    maskings: Sequence[Masking],
) -> Exclusion | None:
    """The first veto against what would be sent: the masked request, in which nothing that is to be masked is left."""
    spec, kinds = policy.backends[route.backend], _ticked(route.mask)
    state = states.get(spec.name, UP)
    seen = next((masking.verdict for masking in maskings if masking.kinds == route.mask), None)
    if seen is None:
        why = _clearance(spec, state, envelope, verdict) or f"backend `{spec.name}` may receive it masked only"
        return Exclusion(Veto.CLEARANCE, f"{why}; {kinds} could not be masked")
    struck_out = exclusion(spec, state, envelope, seen)
    if struck_out is not None and struck_out.veto is Veto.CLEARANCE:
        return Exclusion(Veto.CLEARANCE, f"{struck_out.detail} even with {kinds} masked")
    left = [finding.kind for finding in seen.findings if finding.kind in route.mask]
    if left:
        return Exclusion(Veto.CLEARANCE, f"masking did not suffice: {_ticked(left)} is left for backend `{spec.name}`")
    return struck_out or _broken_promise(policy, spec, envelope, seen, states)


def _broken_promise(
    policy: Policy, spec: BackendSpec, envelope: Envelope, seen: Verdict, states: Mapping[str, BackendState]
) -> Exclusion | None:
    """Proofs are about requests that go as they are; of a masked one each promise is asked when it is there."""
    for invariant in policy.invariants:
        if invariant.is_broken_by(spec.name) and invariant.matches(envelope, seen, states):
            place = f"line {invariant.place.line}"
            return Exclusion(Veto.CLEARANCE, f"the invariant in {place} keeps it from `{spec.name}`, masked or not")
    return None


class Proposal(NamedTuple):
    """What is proposed, by which rule, which backend is not first because it is saturated, and where copies go."""

    rule: str
    routes: tuple[Route, ...]
    spilled_from: str = ""
    shadow: Shadowing | None = None


def _propose(policy: Policy, envelope: Envelope, verdict: Verdict, states: Mapping[str, BackendState]) -> Proposal:
    """A pinned backend alone, then the backend for unknown routes, then the first rule that matches."""
    pinned = policy.resolve_model(envelope.model).backend
    if pinned is not None:
        return Proposal(PINNED, (Route(pinned),))
    if envelope.endpoint is Endpoint.UNKNOWN:
        return Proposal(UNKNOWN_ROUTES, () if policy.unknown_routes is None else (Route(policy.unknown_routes),))
    for rule in policy.rules:
        if rule.matches(envelope, verdict, states):
            if rule.spill is not None and states.get(first := rule.routes[0].backend, UP).is_saturated:
                return Proposal(rule.name, rule.spilled, first, rule.shadow)
            routes = rule.routes if rule.split is None else in_order(rule.routes, rule.split, envelope)
            return Proposal(rule.name, routes, "", rule.shadow)
    raise AssertionError("`otherwise` matches everything")


def _clearance(spec: BackendSpec, state: BackendState, envelope: Envelope, verdict: Verdict) -> str | None:
    if verdict.sensitivity <= spec.zone.clearance:
        return None
    zone, reasons = spec.zone, causes(envelope.caller, verdict)
    because = f" ({', '.join(reasons)})" if reasons else ""
    level = verdict.sensitivity.label
    return f"zone `{zone.name}` is cleared for {zone.clearance.label}, the request is {level}{because}"


def _ticked(kinds: Sequence[str]) -> str:
    return ", ".join(f"`{kind}`" for kind in kinds)


def _caller(spec: BackendSpec, state: BackendState, envelope: Envelope, verdict: Verdict) -> str | None:
    zones = envelope.caller.zones
    if not zones or spec.zone.name in zones:
        return None
    return f"backend `{spec.name}` is in zone `{spec.zone.name}`, the key may lead to {_ticked(zones)} only"


def _capability(spec: BackendSpec, state: BackendState, envelope: Envelope, verdict: Verdict) -> str | None:
    if envelope.needs.isdisjoint(spec.cannot):
        return None
    words = ", ".join(f"`{need}`" for need in sorted(envelope.needs & spec.cannot))
    return f"backend `{spec.name}` cannot do {words}"


def _window(spec: BackendSpec, state: BackendState, envelope: Envelope, verdict: Verdict) -> str | None:
    window = window_of(spec, state)
    if window is None:
        return None
    asked = envelope.prompt_tokens + (envelope.max_tokens or 1)
    return None if asked <= window else f"backend `{spec.name}` takes {window} tokens, the request needs about {asked}"


def _health(spec: BackendSpec, state: BackendState, envelope: Envelope, verdict: Verdict) -> str | None:
    return None if state.is_up else f"backend `{spec.name}` is down: {state.reason or 'no reason known'}"


VETOES: tuple[tuple[Veto, Callable[[BackendSpec, BackendState, Envelope, Verdict], str | None]], ...] = (
    (Veto.CLEARANCE, _clearance),
    (Veto.CALLER, _caller),
    (Veto.CAPABILITY, _capability),
    (Veto.CONTEXT, _window),
    (Veto.HEALTH, _health),
)
"""In the order asked: what may never be, what cannot be, what does not fit, what is not there right now."""
ORDER: tuple[Veto, ...] = (*(veto for veto, _ in VETOES), Veto.COST)
"""The last is asked of routes that have a bound."""


def refusal(decision: Decision, envelope: Envelope) -> GatewayError:
    """What the client hears of a Decision without routes: the reason of the route that came closest to being taken."""
    if not decision.excluded:
        path = envelope.path.split("?", 1)[0]
        return GatewayError(404, "unknown_url", f"Invalid URL ({envelope.method} {path})")
    closest = max((exclusion for _, exclusion in decision.excluded), key=lambda each: ORDER.index(each.veto))
    return _REFUSALS[closest.veto](closest.detail)


_REFUSALS: Mapping[Veto, Callable[[str], GatewayError]] = {
    Veto.CLEARANCE: lambda detail: GatewayError(
        403,
        "no_cleared_backend",
        f"no backend may receive this request: {detail}; remove what is sensitive, or ask the policy's owner",
        type="policy_error",
    ),
    Veto.CALLER: lambda detail: GatewayError(
        403,
        "zone_not_allowed",
        f"this key may not be used for this request: {detail}; use another key, or ask who issued it",
        type="permission_error",
    ),
    Veto.CAPABILITY: lambda detail: GatewayError(
        400,
        "unsupported_by_backend",
        f"no backend that may receive this request can do it: {detail}; leave that out of the request",
    ),
    Veto.CONTEXT: lambda detail: GatewayError(
        400,
        "context_length_exceeded",
        f"the request is too long: {detail}; shorten it or lower `max_tokens`",
    ),
    Veto.HEALTH: lambda detail: GatewayError(
        503,
        "no_backend_available",
        f"no backend that may receive this request is available: {detail}; try again in {_RETRY_AFTER_S} seconds",
        type="server_error",
        retry_after_s=_RETRY_AFTER_S,
    ),
    Veto.COST: lambda detail: GatewayError(
        400,
        "cost_limit_exceeded",
        f"the request could cost too much: {detail}; shorten it or lower `max_tokens`",
    ),
}


def unknown_model(name: str, policy: Policy) -> GatewayError:
    """For a `model` the policy does not know: 404, with the nearest names that it does."""
    known = [AUTO, *policy.models, *policy.backends]
    near = difflib.get_close_matches(name[:_LONGEST_NAME], known, n=3, cutoff=0.5)
    shown = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
    hint = (
        "did you mean " + " or ".join(f"`{each}`" for each in near) + "?"
        if near
        else "see GET /v1/models, or say `auto`"
    )
    return GatewayError(404, "model_not_found", f"the model `{shown}` does not exist; {hint}", param="model")
