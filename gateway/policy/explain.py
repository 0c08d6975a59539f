"""Why a request goes where it goes: signals, every rule and what it asked, vetoes, order, cost, and ways elsewhere."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from gateway.core.labelling import Labelling
from gateway.core.labels import Task
from gateway.core.money import dollars
from gateway.core.types import UP, BackendState, Basis, Decision, Masking, Need, Sensitivity, Tier
from gateway.policy.axes import leaves, signal_of
from gateway.policy.belief import relabelled, score_of
from gateway.policy.evaluate import decide, refusal
from gateway.policy.facts import copy_words, route_words
from gateway.policy.match import predicate
from gateway.policy.model import Condition, Every, Policy, Rule, Signal, Stands
from gateway.policy.space import MODEL, OWN_NEED, TIME, TOKENS, Space, Witness
from gateway.policy.vocabulary import PINNED, UNKNOWN_ROUTES
from gateway.policy.words import condition_words, instant_words

_DOWN = BackendState(is_up=False, reason="supposed to be")
_THOUSAND = 1_000
_BASES: Mapping[Basis, str] = {
    Basis.FINDINGS: "what was found",
    Basis.UNKNOWN: "what could not be known",
    Basis.DEFAULT: "the default of `classify`",
    Basis.CALLER: "what is said of the caller",
    Basis.REQUEST: "what it says of itself",
}


class Asked(NamedTuple):
    """A request, what is believed of it, the states it meets, and what is believed of it masked.

    `weighed`: what its complexity rests on, in words, the heaviest first; empty where its text is not at hand.
    """

    witness: Witness
    states: Mapping[str, BackendState]
    maskings: tuple[Masking, ...] = ()
    weighed: tuple[str, ...] = ()

    def of(self, witness: Witness) -> "Asked":
        return self._replace(witness=witness)


def explained(policy: Policy, asked: Asked) -> Iterator[str]:
    """Sections of lines, each under its heading."""
    decision = _decided(policy, asked)
    yield "signals"
    yield from _indented(_signals(policy, asked))
    yield "rules"
    yield from _indented(_rules(policy, asked, decision))
    yield "routes"
    yield from _indented(_routes(policy, asked.witness, decision))
    yield "it would go elsewhere"
    yield from _indented(_elsewhere(policy, asked, decision))


def _decided(policy: Policy, asked: Asked) -> Decision:
    return decide(policy, asked.witness.envelope, asked.witness.verdict, asked.states, asked.maskings)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _signals(policy: Policy, asked: Asked) -> Iterator[str]:
    envelope, verdict, _ = asked.witness
    labelling = policy.labelling
    yield f"sensitivity    {verdict.sensitivity.label}, from {_BASES[verdict.basis]}"
    for finding in verdict.findings:
        level = labelling.kinds.get(finding.kind, labelling.unlisted).label
        yield f"               `{finding.kind}` × {finding.count}, sure to {finding.confidence:.2f}: {level}"
    for note in verdict.unknown:
        yield f"               {note}"
    distance = _distance(labelling, verdict.complexity)
    yield f"complexity     {verdict.tier.label}, score {verdict.complexity:.3f}: {distance}"
    yield from (f"               {reason}" for reason in asked.weighed)
    yield f"task           `{verdict.task}`"
    yield f"endpoint       `{envelope.endpoint}`, {'streamed' if envelope.stream else 'not streamed'}"
    team = f", team {envelope.caller.team}" if envelope.caller.team else ""
    tags = f", tags {', '.join(envelope.caller.tags)}" if envelope.caller.tags else ""
    yield f"caller         `{envelope.caller.id}`{team}{tags}"
    pinned = policy.resolve_model(envelope.model).backend
    yield f"model          `{envelope.model or 'auto'}`" + (f", which pins `{pinned}`" if pinned else "")
    yield f"needs          {', '.join(f'`{need}`' for need in sorted(envelope.needs))}"
    if policy.is_split and envelope.draws is not None:
        by_caller, by_conversation = envelope.draws
        yield f"draws          the caller {by_caller:,} and the conversation {by_conversation:,} of 10,000"
    yield f"received       {instant_words(envelope.received_at)}"
    bound = "no bound said" if envelope.max_tokens is None else f"at most {envelope.max_tokens:,}"
    yield f"prompt tokens  about {envelope.prompt_tokens:,}; of the answer {bound}"


def _distance(labelling: Labelling, score: float) -> str:
    told = []
    for name, threshold in (("medium", labelling.medium_from), ("hard", labelling.hard_from)):
        gap = score - threshold
        told.append(f"{abs(gap):.3f} {'above' if gap >= 0 else 'below'} {name} ({threshold:g})")
    return ", ".join(told)


def _rules(policy: Policy, asked: Asked, decision: Decision) -> Iterator[str]:
    if decision.rule == PINNED:
        yield "none is asked: the model pins a backend"
        return
    if decision.rule == UNKNOWN_ROUTES:
        yield "none is asked: the gateway does not know the path"
        return
    is_over = False
    for rule in policy.rules:
        mark = "  " if is_over else "✓ " if rule.name == decision.rule else "✗ "
        late = " (not asked any more)" if is_over else ""
        yield f"{mark}{rule.name}: {'; '.join(_answers(rule, asked))}{late}"
        is_over = is_over or rule.name == decision.rule


def _answers(rule: Rule, asked: Asked) -> Iterator[str]:
    """Each thing that the rule asks, with whether it is so."""
    if rule.when is None:
        yield "matches everything"
        return
    parts: tuple[Condition, ...] = rule.when.parts if isinstance(rule.when, Every) else (rule.when,)
    envelope, verdict, _ = asked.witness
    for part in parts:
        yield f"{condition_words(part)}: {'yes' if predicate(part)(envelope, verdict, asked.states) else 'no'}"


def _routes(policy: Policy, witness: Witness, decision: Decision) -> Iterator[str]:
    if decision.spilled_from:
        yield f"`{decision.spilled_from}` is saturated, so the rule spills"
    for number, route in enumerate(decision.routes, 1):
        zone = policy.backends[route.backend].zone
        yield f"{number}. {route_words(route)} in zone `{zone.name}`, {_cost(policy, witness, route.backend)}"
    shadow = next((rule.shadow for rule in policy.rules if rule.name == decision.rule), None)
    if shadow is not None:
        not_this = "" if decision.shadow else ", but of this one does not"
        yield f"+ {copy_words(shadow)} in zone `{policy.backends[shadow.route.backend].zone.name}`{not_this}"
    for name, struck_out in decision.excluded:
        yield f"✗ `{name}`: {struck_out.veto}: {struck_out.detail}"
    if not decision.routes:
        error = refusal(decision, witness.envelope)
        yield f"so the client hears {error.status} `{error.code}`"


def _cost(policy: Policy, witness: Witness, backend: str) -> str:
    price = policy.backends[backend].price
    if price is None:
        return "at an unknown price"
    prompt = dollars(price.cost(witness.envelope.prompt_tokens, 0))
    return f"{prompt} USD for the prompt and {dollars(price.cost(0, _THOUSAND))} for 1,000 tokens of answer"


class Change(NamedTuple):
    """One supposition: the beginning of a clause, what ends it, and the request it makes."""

    clause: str
    end: str
    asked: Asked


def _elsewhere(policy: Policy, asked: Asked, decision: Decision) -> Iterator[str]:
    """Each single change of a signal or a state that alters the order of backends, grouped by the order it leads to."""
    usual = tuple(route.backend for route in decision.routes)
    ways: dict[tuple[str, ...], dict[str, list[str]]] = {}
    changes = (
        *_beliefs(policy, asked),
        *_requests(policy, asked),
        *_loads(policy, asked),
        *_failures(policy, asked, decision),
    )
    for change in changes:
        found = tuple(route.backend for route in _decided(policy, change.asked).routes)
        if found != usual:
            ways.setdefault(found, {}).setdefault(change.clause, []).append(change.end)
    for way, clauses in ways.items():
        yield f"{', '.join(f'`{name}`' for name in way) or 'refused'} if"
        yield from (f"  {clause} {' or '.join(ends)}" for clause, ends in clauses.items())
    if not ways:
        yield "by no single change"


def _beliefs(policy: Policy, asked: Asked) -> Iterator[Change]:
    envelope, verdict, _ = asked.witness
    for level in Sensitivity:
        changed = msgspec.structs.replace(verdict, sensitivity=level)
        yield Change("it were", level.label, asked.of(Witness(envelope, changed)))
    for tier in Tier:
        score = score_of(policy.labelling, tier)
        changed = msgspec.structs.replace(verdict, tier=tier, complexity=score)
        yield Change("it were", f"{tier.label} (from {score:g} on)", asked.of(Witness(envelope, changed)))
    is_asked = any(signal_of(leaf) is Signal.TASK for rule in policy.rules for leaf in leaves(rule.when))
    for task in Task if is_asked else ():
        changed = msgspec.structs.replace(verdict, task=task)
        yield Change("it were", f"about `{task}`", asked.of(Witness(envelope, changed)))


def _requests(policy: Policy, asked: Asked) -> Iterator[Change]:
    envelope, verdict, _ = asked.witness
    space = Space([policy])

    def sent(clause: str, end: str, **changes: object) -> Change:
        changed = msgspec.structs.replace(envelope, **changes)
        return Change(clause, end, asked.of(Witness(changed, verdict)))

    yield sent("it were", "not streamed" if envelope.stream else "streamed", stream=not envelope.stream)
    for need in sorted(_other_needs(policy, space, envelope.needs)):
        clause = "it did not need" if need in envelope.needs else "it needed"
        yield sent(clause, f"`{need}`", needs=envelope.needs ^ {need})
    for caller in policy.everyone:
        theirs = Witness(
            msgspec.structs.replace(envelope, caller=caller), relabelled(verdict, policy.labelling, caller)
        )
        yield Change("it came from caller", f"`{caller.id}`", asked.of(theirs))
    for model in space.atoms[MODEL]:
        yield sent("it asked for model", f"`{model}`", model=model)
    for start in space.atoms[TOKENS]:
        yield sent("its length were", f"{start} prompt tokens", prompt_tokens=start)
    for draw in space.draws[1:] and space.draws:
        yield sent("the draw were", f"{draw:,} of 10,000", draws=(draw, draw))
    for at in space.atoms[TIME] if Signal.TIME in space.signals else ():
        assert isinstance(at, float)
        yield sent("it came on", instant_words(at), received_at=at)


def _loads(policy: Policy, asked: Asked) -> Iterator[Change]:
    for name in policy.spilling:
        state = asked.states.get(name, UP)
        turned = msgspec.structs.replace(state, is_saturated=not state.is_saturated)
        end = f"`{name}` no longer saturated" if state.is_saturated else f"`{name}` saturated"
        yield Change("it met", end, asked._replace(states={**asked.states, name: turned}))


def _failures(policy: Policy, asked: Asked, decision: Decision) -> Iterator[Change]:
    """Of the backends that it may go to, and of those that rules ask about."""
    read = [leaf.backend for rule in policy.rules for leaf in leaves(rule.when) if isinstance(leaf, Stands)]
    for name in dict.fromkeys((*(route.backend for route in decision.routes), *read)):
        if asked.states.get(name, UP).is_up:
            yield Change("it had to do without", f"`{name}`", asked._replace(states={**asked.states, name: _DOWN}))
        else:
            yield Change("it met", f"`{name}` up again", asked._replace(states={**asked.states, name: UP}))


def _other_needs(policy: Policy, space: Space, needs: frozenset[Need]) -> set[Need]:
    """Those that conditions read or that backends lack, but for what the endpoint itself brings."""
    lacking = {need for spec in policy.backends.values() for need in spec.cannot}
    read = {need for need in space.needs if isinstance(need, Need)}
    return (lacking | read | needs) - set(OWN_NEED.values())
