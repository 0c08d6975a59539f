"""Which requests reach a rule, and which of its routes they may take: found lazily, one box at a time."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gateway.core.errors import ConfigError
from gateway.core.types import Decision, Endpoint, Need, Sensitivity
from gateway.policy.evaluate import UP, decide, exclusion
from gateway.policy.model import Condition, Policy
from gateway.policy.space import ENDPOINT, MODEL, OWN_NEED, SENSITIVITY, Box, Space, Witness
from gateway.policy.vocabulary import PINNED, UNKNOWN_ROUTES

MOST_STEPS = 2_000_000
"""Of splitting boxes in one search. Policies that people can read need a few thousand."""


class Source(NamedTuple):
    """Where proposals come from: a rule, a pin, or the key for unknown paths."""

    name: str
    backends: tuple[str, ...]
    boxes: tuple[Box, ...]
    when: Condition | None
    before: tuple[Condition | None, ...]


def sources(policy: Policy, space: Space) -> list[Source]:
    """In the order they are asked: each pin, unknown paths, each rule, `otherwise`."""
    found: list[Source] = []
    asking: list[Box] = [space.whole]
    for backend in policy.backends:
        names = [name for name, choice in policy.choices.items() if choice.backend == backend]
        pinned, asking = each_on(space, asking, MODEL, space.mask(MODEL, names))
        found.append(Source(PINNED, (backend,), tuple(pinned), None, ()))
    unknown, known = each_on(space, asking, ENDPOINT, space.mask(ENDPOINT, (Endpoint.UNKNOWN,)))
    routes = () if policy.unknown_routes is None else (policy.unknown_routes,)
    found.append(Source(UNKNOWN_ROUTES, routes, tuple(unknown), None, ()))
    conditions = tuple(rule.when for rule in policy.rules)
    for number, rule in enumerate(policy.rules):
        backends = tuple(route.backend for route in rule.routes)
        found.append(Source(rule.name, backends, tuple(known), rule.when, conditions[:number]))
    return found


def reaching(space: Space, source: Source, boxes: Iterable[Box] | None = None) -> Iterator[Box]:
    """The requests that come to this source, of those in `boxes`: disjoint boxes, the next one found when asked for."""
    start = source.boxes if boxes is None else boxes
    inside, _ = each_split(space, start, source.when)
    stack = [(box, 0) for box in reversed(inside)]
    steps = 0
    while stack:
        box, number = stack.pop()
        while number < len(source.before):
            steps += 1
            matched, rest = space.split(box, source.before[number])
            number += 1
            if matched:
                stack += [(each, number) for part in reversed(rest) if (each := space.possible(part))]
                break
        else:
            yield box
        if steps > MOST_STEPS:
            raise ConfigError(
                f"the rules before `{source.name}` tell too many kinds of requests apart to prove anything about them; "
                "ask about fewer signals in one rule"
            )


def admitted(policy: Policy, space: Space, backend: str, box: Box) -> list[Box]:
    """The parts of the box out of which a request may go to this backend while it is up.

    The simplest request for each class and endpoint is asked of the vetoes: what they strike out of that, they strike
    out of every other. INVARIANT: needing more and being longer never makes a veto pass.
    """
    spec, classes = policy.backends[backend], dict[Need, set[Sensitivity]]()
    for witness in space.witnesses(box):
        if exclusion(spec, UP, witness.envelope, witness.verdict) is None:
            classes.setdefault(OWN_NEED[witness.envelope.endpoint], set()).add(witness.verdict.sensitivity)
    groups: dict[int, list[Need]] = {}
    for need, levels in classes.items():
        groups.setdefault(space.mask(SENSITIVITY, levels), []).append(need)
    parts: list[Box] = []
    for mask, needs in groups.items():
        endpoints = space.mask(ENDPOINT, (endpoint for endpoint, need in OWN_NEED.items() if need in needs))
        part = space.narrowed(box, ENDPOINT, endpoints)
        parts += [each for each in (part and space.narrowed(part, SENSITIVITY, mask),) if each]
    return parts


def decided(policy: Policy, source: Source, witness: Witness) -> Decision:
    """What the gateway decides while every backend is up. That it comes to the source is no matter of opinion."""
    decision = decide(policy, witness.envelope, witness.verdict, {})
    assert decision.rule == source.name, f"`{source.name}` was found, `{decision.rule}` was decided"
    return decision


def each_split(space: Space, boxes: Iterable[Box], condition: Condition | None) -> tuple[list[Box], list[Box]]:
    """The possible parts of the boxes where the condition holds, and where not."""
    inside: list[Box] = []
    outside: list[Box] = []
    for box in boxes:
        within, without = space.split(box, condition)
        inside += filter(None, map(space.possible, within))
        outside += filter(None, map(space.possible, without))
    return inside, outside


def each_on(space: Space, boxes: Iterable[Box], axis: int, mask: int) -> tuple[list[Box], list[Box]]:
    pairs = [space.on(box, axis, mask) for box in boxes]
    return [each for inside, _ in pairs for each in inside], [each for _, outside in pairs for each in outside]
