"""From a Condition to a function that answers it: compiled once when the policy loads, called for every request."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import assert_never

from gateway.core.types import UP, BackendState, Envelope, Verdict
from gateway.policy.model import (
    AnyOf,
    Between,
    Condition,
    During,
    Every,
    Negated,
    OneOf,
    Predicate,
    Signal,
    Some,
    Stands,
)
from gateway.policy.windows import Window

States = Mapping[str, BackendState]

_ONE: Mapping[Signal, Callable[[Envelope, Verdict], Hashable]] = {
    Signal.SENSITIVITY: lambda envelope, verdict: verdict.sensitivity,
    Signal.COMPLEXITY: lambda envelope, verdict: verdict.tier,
    Signal.TASK: lambda envelope, verdict: verdict.task,
    Signal.ENDPOINT: lambda envelope, verdict: envelope.endpoint,
    Signal.CALLER: lambda envelope, verdict: envelope.caller.id,
    Signal.TEAM: lambda envelope, verdict: envelope.caller.team,
    Signal.MODEL: lambda envelope, verdict: envelope.model,
    Signal.STREAM: lambda envelope, verdict: envelope.stream,
}
_SEVERAL: Mapping[Signal, Callable[[Envelope, Verdict], Iterable[Hashable]]] = {
    Signal.TAG: lambda envelope, verdict: envelope.caller.tags,
    Signal.FINDINGS: lambda envelope, verdict: [finding.kind for finding in verdict.findings],
    Signal.NEEDS: lambda envelope, verdict: envelope.needs,
}


def predicate(condition: Condition) -> Predicate:
    """Whether the condition holds for an envelope and its verdict, as the backends are."""
    match condition:
        case OneOf(signal, values):
            value = _ONE[signal]
            return lambda envelope, verdict, states: value(envelope, verdict) in values
        case AnyOf(signal, values):
            several = _SEVERAL[signal]
            return lambda envelope, verdict, states: not values.isdisjoint(several(envelope, verdict))
        case Between(at_least, at_most):
            least, most = at_least or 0, float("inf") if at_most is None else at_most
            return lambda envelope, verdict, states: least <= envelope.prompt_tokens <= most
        case During(windows):
            return _during(tuple(windows))
        case Stands(backend, standings):
            return lambda envelope, verdict, states: states.get(backend, UP).standing in standings
        case Every(parts):
            return _every(tuple(predicate(part) for part in parts))
        case Some(parts):
            return _some(tuple(predicate(part) for part in parts))
        case Negated(part):
            holds = predicate(part)
            return lambda envelope, verdict, states: not holds(envelope, verdict, states)
        case _:
            assert_never(condition)


def always(envelope: Envelope, verdict: Verdict, states: States) -> bool:
    """What `otherwise` asks."""
    return True


def _during(windows: tuple[Window, ...]) -> Predicate:
    if len(windows) == 1:
        holds = windows[0].holds
        return lambda envelope, verdict, states: holds(envelope.received_at)
    return lambda envelope, verdict, states: any(window.holds(envelope.received_at) for window in windows)


def _every(parts: tuple[Predicate, ...]) -> Predicate:
    def holds(envelope: Envelope, verdict: Verdict, states: States) -> bool:
        for part in parts:  # noqa: SIM110 - `all()` over a generator costs three times as much
            if not part(envelope, verdict, states):
                return False
        return True

    return holds


def _some(parts: tuple[Predicate, ...]) -> Predicate:
    def holds(envelope: Envelope, verdict: Verdict, states: States) -> bool:
        for part in parts:  # noqa: SIM110
            if part(envelope, verdict, states):
                return True
        return False

    return holds
