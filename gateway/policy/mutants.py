"""A policy with one rule deleted or weakened, in every way that a slip of the pen might."""

from collections.abc import Iterator
from typing import NamedTuple, assert_never

import msgspec

from gateway.core.types import Route
from gateway.policy.match import predicate
from gateway.policy.model import AnyOf, Between, Condition, During, Every, Negated, OneOf, Policy, Rule, Some, Stands
from gateway.policy.windows import DAY_MINUTES, DAYS, Window
from gateway.policy.words import condition_words, listed, window_words


class Mutant(NamedTuple):
    """A changed policy, the rule that was changed, and how, in words."""

    rule: str
    change: str
    policy: Policy


def mutants(policy: Policy) -> Iterator[Mutant]:
    for number, rule in enumerate(policy.rules):
        before, after = policy.rules[:number], policy.rules[number + 1 :]
        if after:
            yield Mutant(rule.name, f"without rule `{rule.name}`", _with(policy, (*before, *after)))
        for change, changed in _changed(rule):
            yield Mutant(rule.name, f"rule `{rule.name}` {change}", _with(policy, (*before, changed, *after)))


def _with(policy: Policy, rules: tuple[Rule, ...]) -> Policy:
    return msgspec.structs.replace(policy, rules=rules)


def _changed(rule: Rule) -> Iterator[tuple[str, Rule]]:
    if rule.when is not None:
        for change, when in _weakened(rule.when):
            yield change, msgspec.structs.replace(rule, when=when, matches=predicate(when))
    for change, routes in _rerouted(rule.routes):
        yield change, msgspec.structs.replace(rule, routes=routes)
    if rule.shadow is not None:
        yield f"without its shadow at `{rule.shadow.route.backend}`", msgspec.structs.replace(rule, shadow=None)
    if rule.split is not None:
        yield "without its weights", msgspec.structs.replace(rule, split=None)
    if rule.spill is not None:
        yield f"without its spill to `{rule.spill.backend}`", msgspec.structs.replace(rule, spill=None)
        if rule.spill.mask and rule.spill not in rule.routes:
            bare = msgspec.structs.replace(rule.spill, mask=())
            yield f"without the mask on its spill to `{bare.backend}`", msgspec.structs.replace(rule, spill=bare)


def _rerouted(routes: tuple[Route, ...]) -> Iterator[tuple[str, tuple[Route, ...]]]:
    for number, route in enumerate(routes):
        if route.mask:
            bare = msgspec.structs.replace(route, mask=())
            yield f"without the mask on `{route.backend}`", (*routes[:number], bare, *routes[number + 1 :])
        if route.max_cost is not None:
            free = msgspec.structs.replace(route, max_cost=None)
            yield f"without the bound on what `{route.backend}` costs", (*routes[:number], free, *routes[number + 1 :])
    if len(routes) < 2:
        return
    yield "with its routes turned round", routes[::-1]
    for number, route in enumerate(routes):
        yield f"without route `{route.backend}`", (*routes[:number], *routes[number + 1 :])


def _weakened(condition: Condition) -> Iterator[tuple[str, Condition]]:
    match condition:
        case OneOf(signal, values) | AnyOf(signal, values):
            for value in sorted(values, key=str) if len(values) > 1 else ():
                kept = values - {value}
                yield f"without {listed([value])} in its `{signal}`", type(condition)(signal, kept)
        case Between(at_least, at_most):
            if at_least is not None:
                yield "one token later", Between(at_least + 1, at_most)
            if at_most is not None and at_most > (at_least or 0):
                yield "until one token earlier", Between(at_least, at_most - 1)
        case During(windows):
            for window in sorted(windows, key=window_words) if len(windows) > 1 else ():
                yield f"without {window_words(window)}", During(windows - {window})
            for window in windows:
                for change, changed in _shifted(window):
                    yield f"{change} {window_words(window)}", During(windows - {window} | {changed})
        case Stands(backend, standings):
            for standing in sorted(standings) if len(standings) > 1 else ():
                yield f"without `{backend}` being {standing}", Stands(backend, standings - {standing})
        case Every(parts) | Some(parts):
            yield from _of_parts(type(condition), parts)
        case Negated(part):
            yield f"without its `not` ({condition_words(part)})", part
            for change, weaker in _weakened(part):
                yield change, Negated(weaker)
        case _:
            assert_never(condition)


def _shifted(window: Window) -> Iterator[tuple[str, Window]]:
    """A named window changes in this rule only."""
    if window.start != window.until % DAY_MINUTES:
        yield "all day in", msgspec.structs.replace(window, start=0, until=DAY_MINUTES)
    for day in sorted(window.days) if len(window.days) > 1 else ():
        yield f"without {DAYS[day]} in", msgspec.structs.replace(window, days=window.days - {day})


def _of_parts(kind: type[Every] | type[Some], parts: tuple[Condition, ...]) -> Iterator[tuple[str, Condition]]:
    for number, part in enumerate(parts):
        rest = (*parts[:number], *parts[number + 1 :])
        if rest:
            yield f"without its part “{condition_words(part)}”", rest[0] if len(rest) == 1 else kind(rest)
        for change, weaker in _weakened(part):
            yield change, kind((*parts[:number], weaker, *parts[number + 1 :]))
