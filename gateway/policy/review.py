"""What a check says of a policy beside its grammar: promises that break, rules and routes without effect, gaps."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from gateway.core.types import UP, Endpoint, Sensitivity
from gateway.policy.belief import UNREADABLE_NOTE
from gateway.policy.evaluate import exclusion
from gateway.policy.model import Policy
from gateway.policy.problems import Place
from gateway.policy.reach import Source, decided, each_on, every_source, reaching, taken_before, taking
from gateway.policy.space import ABSENT, ENDPOINT, SENSITIVITY, Box, Space, Witness
from gateway.policy.verify import Proof, path, verify
from gateway.policy.vocabulary import BUDGETS, CLASSIFY, PINNED, UNKNOWN_ROUTES
from gateway.policy.words import condition_words, witness_words


class Fault(StrEnum):
    """What can be wrong with a policy that can be read."""

    BROKEN_INVARIANT = "broken-invariant"
    DEAD_RULE = "dead-rule"
    DEAD_ROUTE = "dead-route"
    GAP = "gap"
    LAX_UNKNOWN = "lax-unknown"
    IDLE_BUDGET = "idle-budget"


class Remark(NamedTuple):
    """One fault and its place. `path` shows it on a concrete request, a line each."""

    fault: Fault
    place: Place
    sentence: str
    path: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        """A policy that breaks a promise is not served; the other faults are for its author to mend."""
        return self.fault is Fault.BROKEN_INVARIANT


class Review(NamedTuple):
    """All remarks, in the file's order, and what was proved."""

    remarks: tuple[Remark, ...]
    proved: tuple[Proof, ...]


def review(policy: Policy) -> Review:
    """Raises ConfigError where the rules tell more kinds of requests apart than can be enumerated."""
    found = verify(policy)
    space = found.space
    remarks = [
        Remark(Fault.BROKEN_INVARIANT, proof.place, proof.sentence, tuple(path(policy, leak, space)))
        for proof, leak in found.leaks
    ]
    for source in every_source(policy, space):
        if source.name != PINNED and source.backends:
            remarks += _of_source(policy, space, source)
    remarks += _lax_unknowns(policy)
    remarks += _idle_budgets(policy)
    proved = tuple(proof for proof in found.proofs if proof.leak is None)
    return Review(tuple(sorted(remarks, key=lambda remark: remark.place)), proved)


def _of_source(policy: Policy, space: Space, source: Source) -> Iterator[Remark]:
    """Of a route with a mask nothing is said: what is left of a request once it is masked, no enumeration knows."""
    first = next(reaching(space, source), None)
    if first is None:
        is_plain = not (source.is_spilled or source.is_shadow)
        if source.name in policy.places and source.when is not None and is_plain:
            yield Remark(Fault.DEAD_RULE, policy.places[source.name], _why_dead(policy, space, source))
        return
    masked = {route.backend for rule in policy.rules if rule.name == source.name for route in rule.ways if route.mask}
    if source.is_shadow and source.is_spilled:
        return
    for backend in source.backends[:1] if source.is_spilled else source.backends:
        is_masked = bool(masked) if source.is_shadow else backend in masked
        if not is_masked and taking(policy, space, source, backend, source.boxes) is None:
            yield _dead_route(policy, space, source, backend, first)
    if source.name != UNKNOWN_ROUTES and not (source.is_spilled or source.is_shadow):
        yield from _gaps(policy, space, source)


def _why_dead(policy: Policy, space: Space, source: Source) -> str:
    takers = [f"`{policy.rules[number].name}`" for number in sorted(taken_before(space, source))]
    if not takers:
        return (
            f"rule `{source.name}` can never match: no request is {condition_words(source.when)} "
            "as `classify`, `models` and `callers` stand; remove it"
        )
    above = "rule " + takers[0] if len(takers) == 1 else "rules " + ", ".join(takers)
    return f"rule `{source.name}` can never match: {above} above it take all it asks for; move it up or remove it"


def _dead_route(policy: Policy, space: Space, source: Source, backend: str, box: Box) -> Remark:
    witness = next(space.witnesses(box))
    struck_out = exclusion(policy.backends[backend], UP, witness.envelope, witness.verdict)
    told = dict(decided(policy, source, witness).excluded)
    struck_out = struck_out or told.get(backend)
    reason = "" if struck_out is None else f", such as: {struck_out.detail}"
    verb, part = ("spill", "spill") if source.is_spilled else ("send anything", "route")
    verb, part = ("send a copy", "shadow") if source.is_shadow else (verb, part)
    where = f"`{source.name}`" if source.name == UNKNOWN_ROUTES else f"rule `{source.name}`"
    return Remark(
        Fault.DEAD_ROUTE,
        policy.places[source.name],
        f"{where} can never {verb} to `{backend}`: a veto strikes every request out{reason}; remove the {part}",
        (f"request: {witness_words(witness, space.signals)}", f"rule:    `{source.name}`"),
    )


def _gaps(policy: Policy, space: Space, source: Source) -> Iterator[Remark]:
    """The plainest chats that a rule leaves without an answer although another backend may and can give one."""
    chats, _ = each_on(space, source.boxes, ENDPOINT, space.mask(ENDPOINT, (Endpoint.CHAT,)))
    for axis in space.needs.values():
        chats, _ = each_on(space, chats, axis, ABSENT)
    chats = [part for each in chats if (part := space.while_up(each))]
    for level in space.atoms[SENSITIVITY]:
        inside, _ = each_on(space, chats, SENSITIVITY, space.mask(SENSITIVITY, (level,)))
        box = next(reaching(space, source, [each for part in inside if (each := space.possible(part))]), None)
        if box is not None and (remark := _gap(policy, space, source, next(space.witnesses(box)))):
            yield remark
            return


def _gap(policy: Policy, space: Space, source: Source, witness: Witness) -> Remark | None:
    decision = decided(policy, source, witness)
    able = [
        name
        for name, spec in policy.backends.items()
        if exclusion(spec, UP, witness.envelope, witness.verdict) is None and not _is_forbidden(policy, witness, name)
    ]
    if decision.routes or not able:
        return None
    others = ", ".join(f"`{name}`" for name in able)
    return Remark(
        Fault.GAP,
        policy.places[source.name],
        f"rule `{source.name}` leaves requests unanswered that {others} may receive and can answer; "
        "add the route, or an invariant that forbids it",
        (
            f"request: {witness_words(witness, space.signals)}",
            f"rule:    `{source.name}`",
            *(f"veto:    {struck_out.detail}" for _, struck_out in decision.excluded),
        ),
    )


def _is_forbidden(policy: Policy, witness: Witness, backend: str) -> bool:
    """Whether an invariant says that such a request must not go there: then leaving it unanswered is what is wanted."""
    return any(invariant.is_broken_by(backend) and invariant.matches(*witness) for invariant in policy.invariants)


def _lax_unknowns(policy: Policy) -> Iterator[Remark]:
    """An unknown that counts as public may be the worst there is, and goes where that must not."""
    labelling = policy.labelling
    worst = max(labelling.kinds.values(), default=Sensitivity.PUBLIC)
    lower = [spec.name for spec in policy.backends.values() if spec.zone.clearance < worst]
    for key, level in (("unreadable", labelling.unreadable), ("unlisted", labelling.unlisted)):
        if level is Sensitivity.PUBLIC and worst is not Sensitivity.PUBLIC and lower:
            backend = lower[0]
            yield Remark(
                Fault.LAX_UNKNOWN,
                policy.places[CLASSIFY],
                f"`{key}` counts as public, though what it stands for may be {worst.label}; raise it, at least to "
                f"{Sensitivity.INTERNAL.label} where somebody has looked at what comes in",
                (
                    f"request: `chat`, public ({_UNKNOWN_WORDS[key]})",
                    f"zone:    `{policy.backends[backend].zone.name}`, through backend `{backend}`",
                ),
            )


def _idle_budgets(policy: Policy) -> Iterator[Remark]:
    """Those that no caller, backend and model are together in the scope of."""
    for name, budget in policy.budgets.items():
        if not any(
            budget.scope.pays(caller, spec.zone.name, spec.name, model)
            for caller in policy.everyone
            for spec in policy.backends.values()
            for model in spec.models.values()
        ):
            yield Remark(
                Fault.IDLE_BUDGET,
                policy.places[BUDGETS + name],
                f"nobody charges budget `{name}`: no caller, backend and model are all in its `scope`; widen that, or "
                "remove the budget",
            )


_UNKNOWN_WORDS = {"unreadable": UNREADABLE_NOTE, "unlisted": "a finding of another kind"}
