"""Which requests reach a rule, and which of its routes they may take: found lazily, one box at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.core.errors import ConfigError
from gateway.core.types import UP, BackendSpec, BackendState, Decision, Endpoint, Masking, Need, Sensitivity, Standing
from gateway.policy.evaluate import decide, exclusion
from gateway.policy.model import Condition, Policy
from gateway.policy.space import ENDPOINT, MODEL, OWN_NEED, SENSITIVITY, SUPPOSED, Box, Space, Witness
from gateway.policy.vocabulary import PINNED, UNKNOWN_ROUTES

SHADOW_HOP = -1
MOST_STEPS = 2_000_000
"""Of splitting boxes in one search. Policies that people can read need a few thousand."""


class Source(NamedTuple):
    """Where proposals come from: a rule, a pin, or the key for unknown paths."""

    name: str
    backends: tuple[str, ...]
    boxes: tuple[Box, ...]
    when: Condition | None
    before: tuple[Condition | None, ...]
    states: Mapping[str, BackendState] = {}
    is_spilled: bool = False
    is_shadow: bool = False


def every_source(policy: Policy, space: Space) -> list[Source]:
    """The usual ones, each rule that spills while it does, and of each of these the copies."""
    spilled = (source for name in policy.spilling for source in sources(policy, space, name) if source.is_spilled)
    found = [*sources(policy, space), *spilled]
    copies = {rule.name: (rule.shadow.route.backend,) for rule in policy.rules if rule.shadow is not None}
    shadows = (each._replace(backends=copies[each.name], is_shadow=True) for each in found if each.name in copies)
    return [*found, *shadows]


def sources(policy: Policy, space: Space, saturated: str | None = None) -> list[Source]:
    """In the order they are asked: each pin, unknown paths, each rule, `otherwise`.

    `saturated`: the one backend that is; all others are up. A rule asks of one backend whether it is, so that no more
    than one at a time need be looked at.
    """
    states = {} if saturated is None else {saturated: SUPPOSED[Standing.SATURATED]}
    found: list[Source] = []
    asking: list[Box] = [space.whole]
    for axis in (space.backends[name] for name in states if name in space.backends):
        asking, _ = each_on(space, asking, axis, space.mask(axis, (Standing.SATURATED,)))
    for backend in policy.backends:
        names = [name for name, choice in policy.choices.items() if choice.backend == backend]
        pinned, asking = each_on(space, asking, MODEL, space.mask(MODEL, names))
        found.append(Source(PINNED, (backend,), tuple(pinned), None, (), states))
    unknown, known = each_on(space, asking, ENDPOINT, space.mask(ENDPOINT, (Endpoint.UNKNOWN,)))
    routes = () if policy.unknown_routes is None else (policy.unknown_routes,)
    found.append(Source(UNKNOWN_ROUTES, routes, tuple(unknown), None, (), states))
    conditions = tuple(rule.when for rule in policy.rules)
    for number, rule in enumerate(policy.rules):
        is_spilled = rule.spill is not None and rule.routes[0].backend == saturated
        backends = tuple(route.backend for route in (rule.spilled if is_spilled else rule.routes))
        found.append(Source(rule.name, backends, tuple(known), rule.when, conditions[:number], states, is_spilled))
    return found


def reaching(
    space: Space, source: Source, boxes: Iterable[Box] | None = None, most_steps: int = MOST_STEPS
) -> Iterator[Box]:
    """The requests that come to this source, of those in `boxes`: disjoint boxes, the next one found when asked for.

    Raises ConfigError after so many steps.
    """
    inside, _ = each_split(space, source.boxes if boxes is None else boxes, source.when)
    yield from _left(space, source, inside, set(), most_steps)


def taken_before(space: Space, source: Source) -> set[int]:
    """Which of the conditions before this source take requests that it would match, by number."""
    takers: set[int] = set()
    inside, _ = each_split(space, source.boxes, source.when)
    for _ in _left(space, source, inside, takers, MOST_STEPS):
        pass
    return takers


def _left(space: Space, source: Source, inside: list[Box], takers: set[int], most_steps: int) -> Iterator[Box]:
    """What the conditions before leave over; the numbers of those that take something go to `takers`.

    A condition that takes all of a box ends the search there; else the one that leaves the fewest pieces is asked
    first, and of its pieces only those conditions that took something of the whole.
    """
    stack: list[tuple[Box, Sequence[int]]] = [(box, range(len(source.before))) for box in reversed(inside)]
    steps = 0
    while stack:
        box, numbers = stack.pop()
        steps += len(numbers)
        if steps > most_steps:
            raise ConfigError(
                f"the rules before `{source.name}` tell too many kinds of requests apart to prove anything about them; "
                "ask about fewer signals in one rule"
            )
        splits = _splits(space, source, box, numbers)
        if not splits:
            yield box
            continue
        number, rest = min(splits, key=lambda each: len(each[1]))
        takers.add(number)
        others = [other for other, _ in splits if other != number]
        stack += [(part, others) for part in reversed(rest)]


def _splits(space: Space, source: Source, box: Box, numbers: Sequence[int]) -> list[tuple[int, list[Box]]]:
    """The conditions that take something of the box, each with what it leaves; the first that takes all is alone."""
    splits: list[tuple[int, list[Box]]] = []
    for number in numbers:
        if space.is_apart(box, source.before[number]):
            continue
        matched, rest = space.split(box, source.before[number])
        if any(space.possible(part) for part in matched):
            left = [part for each in rest if (part := space.possible(each))]
            if not left:
                return [(number, [])]
            splits.append((number, left))
    return splits


def admitted(policy: Policy, space: Space, backend: str, box: Box) -> list[Box]:
    """The parts of the box out of which a request may go to this backend, as well as that may be there.

    The simplest request for each class and endpoint is asked of the vetoes: what they strike out of that, they strike
    out of every other. INVARIANT: needing more and being longer never makes a veto pass.
    """
    spec = policy.backends[backend]
    known = space.admitted.get((id(spec), box))
    if known is None:  # every rule asks the same of the same boxes
        known = space.admitted[id(spec), box] = spec, _admitted(space, spec, box)
    return known[1]


def _admitted(space: Space, spec: BackendSpec, box: Box) -> list[Box]:
    classes: dict[Need, set[Sensitivity]] = {}
    for witness in space.witnesses(box):
        if exclusion(spec, witness.states.get(spec.name, UP), witness.envelope, witness.verdict) is None:
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


class Taken(NamedTuple):
    """A request that takes a route of a source: `hop` counts the routes that must fail before, from 0; a copy's hop is
    `SHADOW_HOP`."""

    witness: Witness
    decision: Decision
    hop: int


def taking(policy: Policy, space: Space, source: Source, backend: str, boxes: Iterable[Box]) -> Taken | None:
    """The first request found, of those in `boxes`, that comes to the source and may go to this backend."""
    open_to = [part for box in boxes for part in admitted(policy, space, backend, box)]
    for box in reaching(space, source, open_to):
        for each in space.witnesses(box):
            witness = meeting(source, each)
            if len(space.draws) > 1:
                witness = min(
                    space.drawing(meeting(source, each)), key=lambda drawn: _place(policy, source, drawn, backend)
                )
            decision = decided(policy, source, witness)
            hop = _shadow_hop(decision) if source.is_shadow else _hop(decision, backend)
            if hop is not None:
                return Taken(witness, decision, hop)
    return None


def _hop(decision: Decision, backend: str) -> int | None:
    return next((hop for hop, route in enumerate(decision.routes) if route.backend == backend), None)


def _shadow_hop(decision: Decision) -> int | None:
    return None if decision.shadow is None else SHADOW_HOP


def _place(policy: Policy, source: Source, witness: Witness, backend: str) -> int:
    """How many routes are asked before this backend; all, where it is not asked."""
    routes = decided(policy, source, witness).routes
    return next((place for place, route in enumerate(routes) if route.backend == backend), len(routes))


def decided(policy: Policy, source: Source, witness: Witness, maskings: Sequence[Masking] = ()) -> Decision:
    """What the gateway decides. That it comes to the source is no matter of opinion."""
    decision = decide(policy, *meeting(source, witness), maskings)
    assert decision.rule == source.name, f"`{source.name}` was found, `{decision.rule}` was decided"
    return decision


def meeting(source: Source, witness: Witness) -> Witness:
    """The witness with the states that the source supposes, beside those that its box does."""
    return witness._replace(states={**witness.states, **source.states})


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
