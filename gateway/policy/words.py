"""Conditions, requests and routes in plain English."""

from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import assert_never

from gateway.core.types import ANONYMOUS, Basis, Sensitivity, Standing, Tier
from gateway.policy.belief import causes
from gateway.policy.model import (
    AnyOf,
    Between,
    Condition,
    During,
    Every,
    Invariant,
    Negated,
    OneOf,
    Promise,
    Signal,
    Some,
    Stands,
)
from gateway.policy.models import NO_PREFERENCE
from gateway.policy.space import OWN_NEED, Witness
from gateway.policy.vocabulary import AUTO
from gateway.policy.windows import DAY_MINUTES, DAYS, Window


def condition_words(condition: Condition | None) -> str:
    """What a request is like for which it holds, to follow "that is"."""
    match condition:
        case None:
            return "anything"
        case OneOf(Signal.STREAM, values):
            return "streamed" if True in values else "not streamed"
        case OneOf(Signal.MODEL, values) if AUTO in values:
            return "for model " + listed(values - {"", *NO_PREFERENCE})
        case OneOf(signal, values) | AnyOf(signal, values):
            return _PHRASES[signal].format(listed(values))
        case Between(at_least, at_most):
            return _lengths(at_least, at_most)
        case During(windows):
            return "received " + " or ".join(sorted(map(window_words, windows)))
        case Stands(backend, standings):
            return f"asked while `{backend}` is " + " or ".join(each for each in Standing if each in standings)
        case Every(parts):
            return " and ".join(_bracketed(part) for part in parts)
        case Some(parts):
            return " or ".join(_bracketed(part) for part in parts)
        case Negated(part):
            return f"not {_bracketed(part)}"
        case _:
            assert_never(condition)


_PHRASES: Mapping[Signal, str] = {
    Signal.SENSITIVITY: "{}",
    Signal.COMPLEXITY: "{}",
    Signal.TASK: "about {}",
    Signal.ENDPOINT: "sent to {}",
    Signal.CALLER: "from caller {}",
    Signal.TEAM: "from team {}",
    Signal.TAG: "from a caller tagged {}",
    Signal.MODEL: "for model {}",
    Signal.FINDINGS: "found to hold {}",
    Signal.NEEDS: "in need of {}",
}


def listed(values: Iterable[Hashable]) -> str:
    """Words joined by "or", levels in their order."""
    ordered = sorted(values, key=lambda value: (0, value, "") if isinstance(value, int) else (1, 0, str(value)))
    return " or ".join(dict.fromkeys(_word(value) for value in ordered))


def _word(value: Hashable) -> str:
    if isinstance(value, Sensitivity | Tier):
        return value.label
    return f"`{value or AUTO}`"


def _lengths(at_least: int | None, at_most: int | None) -> str:
    if at_most is None:
        return f"of {at_least or 0:,} prompt tokens or more"
    return f"of at most {at_most:,} prompt tokens" if not at_least else f"of {at_least:,} to {at_most:,} prompt tokens"


def window_words(window: Window) -> str:
    """To follow "received": `during `office`, mon to fri from 08:00 to 18:00 (Europe/Rome)`."""
    named = f"during `{window.name}`, " if window.name else ""
    days = ", ".join(DAYS[day] for day in sorted(window.days))
    if len(window.days) == len(DAYS):
        days = "every day"
    hours = (
        "" if window.start == window.until % DAY_MINUTES else f" from {_clock(window.start)} to {_clock(window.until)}"
    )
    return f"{named}{days}{hours} ({window.time_zone})"


def instant_words(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%a %Y-%m-%d %H:%M} UTC"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _bracketed(condition: Condition) -> str:
    words = condition_words(condition)
    return f"({words})" if isinstance(condition, Every | Some) else words


def invariant_words(invariant: Invariant) -> str:
    """The promise as a sentence without its end."""
    subject = "no request" if invariant.promise is Promise.NEVER else "every request"
    about = "" if invariant.when is None else f" that is {condition_words(invariant.when)}"
    match invariant.promise:
        case Promise.NEVER:
            return f"{subject}{about} goes to {invariant.destination}"
        case Promise.ONLY:
            return f"{subject}{about} goes to {invariant.destination} or nowhere"
        case Promise.ALWAYS:
            return f"{subject}{about} can go to {invariant.destination} while all is up"
        case Promise.CHARGED:
            payer = "a budget" if invariant.budget is None else f"budget `{invariant.budget.name}`"
            return f"{payer} pays for {subject}{about} that goes to {invariant.destination}"
        case _:
            assert_never(invariant.promise)


def witness_words(witness: Witness, signals: frozenset[Signal]) -> str:
    """A concrete request; of what no condition reads, only what is out of the ordinary."""
    envelope, verdict, states = witness
    reasons = causes(envelope.caller, verdict)
    words = [f"`{envelope.endpoint}`", verdict.sensitivity.label + (f" ({', '.join(reasons)})" if reasons else "")]
    if Signal.COMPLEXITY in signals:
        words.append(verdict.tier.label)
    if Signal.TASK in signals:
        words.append(f"about `{verdict.task}`")
    is_owed_to_it = verdict.basis is Basis.CALLER
    if envelope.caller != ANONYMOUS and not is_owed_to_it and signals & {Signal.CALLER, Signal.TEAM, Signal.TAG}:
        words.append(f"from caller `{envelope.caller.id}`")
    if envelope.model != AUTO:
        words.append(f"for model `{envelope.model or AUTO}`")
    if extra := sorted(envelope.needs - {OWN_NEED[envelope.endpoint]}):
        words.append("in need of " + ", ".join(f"`{need}`" for need in extra))
    if Signal.STREAM in signals:
        words.append("streamed" if envelope.stream else "not streamed")
    if Signal.TIME in signals:
        words.append(f"received {instant_words(envelope.received_at)}")
    words += [f"while `{name}` is {state.standing}" for name, state in states.items() if Signal.BACKEND in signals]
    if envelope.prompt_tokens:
        words.append(f"{envelope.prompt_tokens:,} prompt tokens")
    return ", ".join(words)
