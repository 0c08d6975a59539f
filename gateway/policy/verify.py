"""Proofs by enumeration: every request that a policy can tell apart is decided, and each invariant asked about it.

`decide` itself is asked, so there is no second reading of what a policy means. Two properties of it make few
questions enough, and are held by tests: a veto looks at nothing but its own route's backend, and what is down, longer
or in need of more only strikes routes out. So what goes nowhere forbidden while all backends are up, never does.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gateway.core.budgets import Budget
from gateway.core.types import BackendSpec, Caller, Decision, Endpoint, Sensitivity
from gateway.policy.axes import leaves
from gateway.policy.model import AnyOf, Invariant, Policy, Promise, Signal, Stands
from gateway.policy.problems import Place
from gateway.policy.reach import SHADOW_HOP, Source, decided, each_on, each_split, every_source, reaching, taking
from gateway.policy.space import ABSENT, CALLER, ENDPOINT, SENSITIVITY, Box, Space, Witness
from gateway.policy.vocabulary import AUTO, PINNED, UNKNOWN_ROUTES
from gateway.policy.words import invariant_words, witness_words

_CLEARANCE = "no request goes to a zone that is cleared for less than its class"


class Leak(NamedTuple):
    """How a promise is broken: this request, decided so. `hop` counts routes from 0, or is a copy's; None: none leads
    there."""

    witness: Witness
    decision: Decision
    hop: int | None


class Proof(NamedTuple):
    """One promise (None: that no zone receives more than it is cleared for), and over how many states it was asked."""

    invariant: Invariant | None
    sentence: str
    states: int
    leak: Leak | None

    @property
    def place(self) -> Place:
        return Place(1, 1) if self.invariant is None else self.invariant.place


class Verification(NamedTuple):
    """Everything that the enumeration says of a policy's promises."""

    space: Space
    proofs: tuple[Proof, ...]

    @property
    def leaks(self) -> list[tuple[Proof, Leak]]:
        return [(proof, proof.leak) for proof in self.proofs if proof.leak is not None]


def verify(policy: Policy) -> Verification:
    """Raises ConfigError where the rules tell more kinds of requests apart than can be enumerated."""
    space = Space([policy])
    found = every_source(policy, space)
    return Verification(
        space, tuple(_proof(policy, space, found, invariant) for invariant in (None, *policy.invariants))
    )


def _proof(policy: Policy, space: Space, found: Sequence[Source], invariant: Invariant | None) -> Proof:
    search = _unkept if invariant is not None and invariant.promise is Promise.ALWAYS else _strayed
    leaks = [leak for source in found for leak in search(policy, space, source, invariant)]
    about, _ = each_split(space, [space.whole], None if invariant is None else invariant.when)
    sentence = _CLEARANCE if invariant is None else invariant_words(invariant)
    return Proof(invariant, sentence, sum(map(space.states, about)), min(leaks, key=_length, default=None))


def _strayed(policy: Policy, space: Space, source: Source, invariant: Invariant | None) -> Iterator[Leak]:
    """For each route of the source that may not be there: a request that takes it."""
    for backend in source.backends:
        is_charged = invariant is not None and invariant.promise is Promise.CHARGED and backend in invariant.backends
        if invariant is not None and not is_charged and not invariant.is_broken_by(backend):
            continue
        spoken_of, _ = each_split(space, source.boxes, None if invariant is None else invariant.when)
        if invariant is not None and invariant.budget is not None:
            spoken_of = _unpaid(policy.backends[backend], space, spoken_of, invariant.budget)
        if invariant is None:
            clearance = policy.backends[backend].zone.clearance
            above = space.mask(SENSITIVITY, (level for level in Sensitivity if level > clearance))
            spoken_of, _ = each_on(space, spoken_of, SENSITIVITY, above)
        taken = taking(policy, space, source, backend, spoken_of)
        if taken is not None:
            yield Leak(*taken)


def _unpaid(spec: BackendSpec, space: Space, boxes: Sequence[Box], budget: Budget) -> list[Box]:
    """The parts of which the budget would not pay for an attempt at this backend."""
    parts: list[Box] = []
    endpoints: dict[str | None, list[Endpoint]] = {}
    for endpoint in Endpoint:
        endpoints.setdefault(spec.model_for(endpoint), []).append(endpoint)
    everyone = [caller for caller in space.atoms[CALLER] if isinstance(caller, Caller)]
    for model, theirs in endpoints.items():
        others = [each for each in everyone if not budget.scope.pays(each, spec.zone.name, spec.name, model)]
        asked, _ = each_on(space, boxes, ENDPOINT, space.mask(ENDPOINT, theirs))
        unpaid, _ = each_on(space, asked, CALLER, space.mask(CALLER, others))
        parts += filter(None, map(space.possible, unpaid))
    return parts


def _unkept(policy: Policy, space: Space, source: Source, invariant: Invariant | None) -> Iterator[Leak]:
    """`always` speaks of what rules decide: no pin, no unknown path, and no need but those that it names itself."""
    assert invariant is not None
    if source.name in (PINNED, UNKNOWN_ROUTES) or source.is_spilled or source.is_shadow:  # they leave no route out
        return
    spoken_of, _ = each_split(space, source.boxes, invariant.when)
    for box in reaching(space, source, [part for each in spoken_of for part in _plain(space, each, invariant)]):
        for witness in space.witnesses(box, is_longest=True):
            decision = decided(policy, source, witness)
            if not any(route.backend in invariant.backends for route in decision.routes):
                yield Leak(witness, decision, None)
                return


def _plain(space: Space, box: Box, invariant: Invariant) -> Iterator[Box]:
    asked = tuple(leaves(invariant.when))
    named = {need for leaf in asked if isinstance(leaf, AnyOf) and leaf.signal is Signal.NEEDS for need in leaf.values}
    plain: Box | None = box
    for need, axis in space.needs.items():
        plain = plain if plain is None or need in named else space.narrowed(plain, axis, ABSENT)
    states = {leaf.backend for leaf in asked if isinstance(leaf, Stands)}
    plain = plain and space.while_up(plain, states)
    if plain is not None:
        yield plain


def _length(leak: Leak) -> tuple[int, int]:
    """The shortest path is the one with the fewest failures, then the one with the plainest request."""
    envelope, verdict, states = leak.witness
    odd = len(envelope.needs) + len(verdict.findings) + 2 * len(verdict.unknown) + (envelope.model != AUTO)
    odd += 2 * (envelope.endpoint is not Endpoint.CHAT) + 2 * len(states)
    return abs(leak.hop or 0) + bool(leak.decision.spilled_from), 2 * odd + envelope.stream + (verdict.tier > 0) + (
        envelope.prompt_tokens > 0
    )


def path(policy: Policy, leak: Leak, space: Space) -> list[str]:
    """This request, this rule, this failure, this zone: a line each."""
    witness, decision, hop = leak
    lines = [
        f"request: {witness_words(witness, space.signals)}",
        f"rule:    `{decision.rule}` → {_ticked(proposed(policy, decision)) or 'nowhere'}",
        *(f"veto:    {exclusion.detail}" for _, exclusion in decision.excluded if hop is None),
    ]
    if hop is None:
        return [*lines, f"zone:    {_ticked(_zones(policy, decision)) or 'none'}"]
    before = [route.backend for route in decision.routes[: max(hop, 0)]]
    failures = [f"`{decision.spilled_from}` saturated"] if decision.spilled_from else []
    failures += [f"{_ticked(before)} down, overloaded or without a first byte in time"] if before else []
    failure = ", ".join(failures) or "none is needed"
    reached = decision.shadow if hop == SHADOW_HOP else decision.routes[hop]
    assert reached is not None, "a hop is a route of the decision or its shadow"
    zone, by = policy.backends[reached.backend].zone, "a copy to backend" if hop == SHADOW_HOP else "backend"
    where = f"`{zone.name}`, cleared for {zone.clearance.label}, through {by} `{reached.backend}`"
    return [*lines, f"failure: {failure}", f"zone:    {where}"]


def proposed(policy: Policy, decision: Decision) -> list[str]:
    """The backends that the decision's rule names, in order."""
    for rule in policy.rules:
        if rule.name == decision.rule:
            return [route.backend for route in (rule.spilled if decision.spilled_from else rule.routes)]
    return [*(route.backend for route in decision.routes), *(name for name, _ in decision.excluded)]


def _zones(policy: Policy, decision: Decision) -> list[str]:
    return list(dict.fromkeys(policy.backends[route.backend].zone.name for route in decision.routes))


def _ticked(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def violations(policy: Policy, filename: str) -> list[str]:
    """A paragraph for each promise that the policy breaks: where it stands, and the shortest path that breaks it."""
    found = verify(policy)
    return [
        f"{filename}:{proof.place.line}:{proof.place.column}: broken: {proof.sentence}\n"
        + "\n".join(f"    {line}" for line in path(policy, leak, found.space))
        for proof, leak in found.leaks
    ]
