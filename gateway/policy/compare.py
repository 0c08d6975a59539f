"""Two policies side by side: which requests they send different ways."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gateway.core.types import BackendState, Decision
from gateway.policy.belief import masked_well
from gateway.policy.model import Policy
from gateway.policy.reach import Source, decided, meeting, reaching, sources
from gateway.policy.space import Box, Space, Witness


class Difference(NamedTuple):
    """A request that is routed differently in these states, with both decisions; the box holds all that are so."""

    box: Box
    witness: Witness
    old: Decision
    new: Decision
    states: Mapping[str, BackendState]


def is_same(old: Policy, new: Policy, rule: str | None = None) -> bool:
    """Whether both route every request alike. They must have the same zones, backends and `classify`.

    `rule`: the only one in which they differ, so that requests which come to it under neither need not be looked at.
    """
    space = Space([old, new])
    ways = [(old, new)] if rule is None else [(old, new), (new, old)]
    return all(next(differences(space, *way, rule), None) is None for way in ways)


def differences(space: Space, old: Policy, new: Policy, rule: str | None = None) -> Iterator[Difference]:
    """For each class and endpoint of each box, the simplest request that is routed differently while nothing is down.

    Where the simplest is routed alike, so is every other of its class and endpoint: vetoes strike out the same routes
    of both. Masks are taken to succeed. That a backend or the meaning of a finding has changed is not looked at here.
    `rule`: only requests that come to it under the old policy.
    """
    for saturated in (None, *dict.fromkeys((*old.spilling, *new.spilling))):
        after = sources(new, space, saturated)
        for source in sources(old, space, saturated):
            others = after if saturated is None or source.is_spilled else [each for each in after if each.is_spilled]
            if rule not in (None, source.name) or not others:
                continue
            for box in reaching(space, source):
                yield from _within(space, old, new, source, others, box)


def _within(
    space: Space, old: Policy, new: Policy, source: Source, after: list[Source], box: Box
) -> Iterator[Difference]:
    for other in after:
        shared = [part for each in other.boxes if (part := _both(space, box, each))]
        for part in reaching(space, other, shared):
            for each in (drawn for found in space.witnesses(part) for drawn in space.drawing(found)):
                witness = meeting(source, each)
                masks = (*old.masks, *new.masks)
                masked = masked_well(witness.verdict, space.labelling, witness.envelope.caller, masks)
                was, becomes = decided(old, source, witness, masked), decided(new, other, witness, masked)
                if (was.routes, was.shadow) != (becomes.routes, becomes.shadow):
                    yield Difference(space.like(part, witness), witness, was, becomes, witness.states)


def _both(space: Space, one: Box, other: Box) -> Box | None:
    shared = tuple(left & right for left, right in zip(one, other, strict=True))
    return space.possible(shared) if all(shared) else None
