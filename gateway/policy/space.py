"""Every request that a policy can tell apart, as boxes over finite axes, split by what its conditions ask.

A box holds, for each axis, one bit for each value it allows. Splitting never multiplies out what no condition reads,
so a policy of hundreds of rules has hundreds of boxes where its states are billions.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import NamedTuple, assert_never

import msgspec

from gateway.core.labelling import Labelling
from gateway.core.labels import Task
from gateway.core.types import (
    BackendSpec,
    BackendState,
    Caller,
    Endpoint,
    Envelope,
    Need,
    Sensitivity,
    Standing,
    Tier,
    Verdict,
)
from gateway.policy import axes
from gateway.policy.axes import Leaf, leaves, mentioned
from gateway.policy.belief import FAILED_NOTE, UNREADABLE_NOTE, class_of, found, score_of
from gateway.policy.draw import ALWAYS_DRAWN
from gateway.policy.model import AnyOf, Between, Condition, During, Every, Negated, OneOf, Policy, Signal, Some, Stands
from gateway.policy.vocabulary import FINDING_KINDS
from gateway.policy.windows import instants

Box = tuple[int, ...]
ENDPOINT, SENSITIVITY, TIER, CALLER, MODEL, STREAM, TOKENS, TIME, TASK = range(9)
ABSENT, PRESENT = 1, 2

OWN_NEED: Mapping[Endpoint, Need] = {
    Endpoint.CHAT: Need.CHAT,
    Endpoint.COMPLETIONS: Need.COMPLETIONS,
    Endpoint.EMBEDDINGS: Need.EMBEDDINGS,
    Endpoint.GENERATE_ROOT: Need.GENERATE,
    Endpoint.GENERATE: Need.GENERATE,
    Endpoint.GENERATE_STREAM: Need.GENERATE,
    Endpoint.TOKENIZE: Need.TOKENIZE,
    Endpoint.CHAT_TOKENIZE: Need.TOKENIZE,
    Endpoint.UNKNOWN: Need.PASSTHROUGH,
}
"""What a request needs by what it calls; held equal to `wire/` by a test. All other needs may come with any."""
_OWN_NEEDS = frozenset(OWN_NEED.values())
_DEADLINE_S = 600.0
SUPPOSED: Mapping[Hashable, BackendState] = {
    Standing.SATURATED: BackendState(is_up=True, is_saturated=True, reason="supposed to be"),
    Standing.DOWN: BackendState(is_up=False, reason="supposed to be"),
}


class Witness(NamedTuple):
    """One concrete request of a box, with what is believed about it and how the backends are; not named is up."""

    envelope: Envelope
    verdict: Verdict
    states: Mapping[str, BackendState] = {}


class Space:
    """The axes that these policies and conditions span. The first policy's `classify` says what can be believed."""

    def __init__(self, policies: Sequence[Policy], more: Iterable[Condition | None] = ()) -> None:
        conditions = [rule.when for policy in policies for rule in policy.rules]
        conditions += [invariant.when for policy in policies for invariant in policy.invariants]
        read = [leaf for condition in (*conditions, *more) for leaf in leaves(condition)]
        self.labelling: Labelling = policies[0].labelling
        callers = axes.callers(policies)
        self._is_believed_alike = all(
            policy.labelling == self.labelling and callers.keys() >= set(policy.everyone) for policy in policies
        )
        self.signals = frozenset(map(axes.signal_of, read))
        if any(invariant.budget for policy in policies for invariant in policy.invariants):
            self.signals |= {Signal.CALLER}  # a scope asks who pays
        needs = mentioned(read, Signal.NEEDS) - _OWN_NEEDS
        kinds = {str(kind) for kind in mentioned(read, Signal.FINDINGS)}
        self.atoms: list[tuple[Hashable, ...]] = [
            tuple(Endpoint),
            tuple(Sensitivity),
            axes.tiers(self.labelling),
            tuple(callers),
            axes.models(
                policies, [leaf.values for leaf in read if isinstance(leaf, OneOf) and leaf.signal is Signal.MODEL]
            ),
            (False, True),
            axes.token_starts(policies, read),
            instants(window for leaf in read if isinstance(leaf, During) for window in leaf.windows),
            tuple(Task) if Signal.TASK in self.signals else (Task.CHAT,),
        ]
        self.needs = {need: len(self.atoms) + number for number, need in enumerate(sorted(needs, key=str))}
        self.kinds = {kind: len(self.atoms) + len(needs) + number for number, kind in enumerate(sorted(kinds))}
        self._kinds = slice(len(self.atoms) + len(needs), len(self.atoms) + len(needs) + len(kinds))
        self.atoms += [(False, True)] * (len(needs) + len(kinds))
        asked = sorted({leaf.backend for leaf in read if isinstance(leaf, Stands)})
        self.backends = {name: len(self.atoms) + number for number, name in enumerate(asked)}
        self.atoms += [tuple(Standing)] * len(asked)
        self.draws = axes.draws(policies)
        self._floors = self._masks_by_floor()
        # By `id`, since hashing a condition costs more than splitting by it; each is kept, so that no id is used twice.
        self._masks: dict[int, tuple[Leaf, tuple[int, int]]] = {}
        self._demands: dict[int, tuple[Condition | None, tuple[tuple[int, int], ...]]] = {}
        self.admitted: dict[tuple[int, Box], tuple[BackendSpec, list[Box]]] = {}
        self._reachable: dict[tuple[int, ...], tuple[int, int] | None] = {}
        whole = self.possible(tuple((1 << len(values)) - 1 for values in self.atoms))
        assert whole is not None, "some request is always possible"
        self.whole: Box = whole

    def possible(self, box: Box) -> Box | None:
        """The box without classes and callers that nothing in it can bring about; None: no request is like that.

        A request may say itself that it is more sensitive, so every class above the least is possible. Where two
        policies differ in what they believe, each class counts as possible.
        """
        if not self._is_believed_alike:
            return box
        asked = (box[SENSITIVITY], box[CALLER], *box[self._kinds])
        if asked not in self._reachable:
            self._reachable[asked] = self._reach(box)
        if (reachable := self._reachable[asked]) is None:
            return None
        part = self.narrowed(box, CALLER, reachable[0])
        return part and self.narrowed(part, SENSITIVITY, reachable[1])

    def _reach(self, box: Box) -> tuple[int, int] | None:
        """The callers and the classes that something in the box can bring about."""
        labelling, least, most = self.labelling, 0, box[SENSITIVITY].bit_length() - 1
        for kind, axis in self.kinds.items():
            if box[axis] == PRESENT:
                least = max(least, labelling.kinds.get(kind, labelling.unlisted))
        fitting = [(floor, mask) for floor, mask in self._floors if box[CALLER] & mask and max(floor, least) <= most]
        if not fitting:
            return None
        return sum(mask for _, mask in fitting), -1 << max(least, fitting[0][0])

    def _masks_by_floor(self) -> list[tuple[int, int]]:
        """Which callers have which least class, the lowest first."""
        masks: dict[int, int] = {}
        for number, caller in enumerate(self.atoms[CALLER]):
            assert isinstance(caller, Caller)
            floor = self.labelling.floor(caller)
            masks[floor] = masks.get(floor, 0) | 1 << number
        return sorted(masks.items())

    def narrowed(self, box: Box, axis: int, mask: int) -> Box | None:
        kept = box[axis] & mask
        return None if not kept else box if kept == box[axis] else (*box[:axis], kept, *box[axis + 1 :])

    def mask(self, axis: int, values: Iterable[Hashable]) -> int:
        wanted = set(values)
        return sum(1 << number for number, value in enumerate(self.atoms[axis]) if value in wanted)

    def values(self, box: Box, axis: int) -> list[Hashable]:
        return [value for number, value in enumerate(self.atoms[axis]) if box[axis] >> number & 1]

    def split(self, box: Box, condition: Condition | None) -> tuple[list[Box], list[Box]]:
        """Disjoint boxes: where the condition holds, and where it does not. None holds everywhere."""
        match condition:
            case None:
                return [box], []
            case Every(parts):
                return self._every(box, parts)
            case Some(parts):
                outside, inside = self._every(box, tuple(Negated(part) for part in parts))
                return inside, outside
            case Negated(part):
                inside, outside = self.split(box, part)
                return outside, inside
            case AnyOf(Signal.FINDINGS, kinds):
                return self._any_present(box, [self.kinds[kind] for kind in self.kinds if kind in kinds])
            case AnyOf(Signal.NEEDS, needs):
                return self._any_needed(box, needs)
            case OneOf() | AnyOf() | Between() | During() | Stands():
                axis, mask = self._mask_of(condition)
                return self.on(box, axis, mask)
            case _:
                assert_never(condition)

    def is_apart(self, box: Box, condition: Condition | None) -> bool:
        """Whether it is plain that the condition holds nowhere in the box: a cheap look before a split."""
        known = self._demands.get(id(condition))
        if known is None:
            known = self._demands[id(condition)] = condition, tuple(self._demanded(condition))
        return any([not box[axis] & mask for axis, mask in known[1]])  # noqa: C419 - a generator costs twice as much

    def _demanded(self, condition: Condition | None) -> Iterator[tuple[int, int]]:
        """Values without which the condition cannot hold, axis by axis; not all such values are told."""
        match condition:
            case Every(parts):
                for part in parts:
                    yield from self._demanded(part)
            case AnyOf(Signal.FINDINGS | Signal.NEEDS, values):
                axis = (self.kinds | self.needs).get(next(iter(values))) if len(values) == 1 else None
                if axis is not None:
                    yield axis, PRESENT
            case OneOf() | AnyOf() | Between() | During() | Stands():
                yield self._mask_of(condition)
            case _:
                return

    def _every(self, box: Box, parts: Sequence[Condition]) -> tuple[list[Box], list[Box]]:
        inside, outside = [box], []
        for part in parts:
            pairs = [self.split(each, part) for each in inside]
            inside = [each for within, _ in pairs for each in within]
            outside += [each for _, without in pairs for each in without]
        return inside, outside

    def _any_needed(self, box: Box, needs: frozenset[Hashable]) -> tuple[list[Box], list[Box]]:
        """What an endpoint needs by itself is asked of the endpoint, the rest of its own axis each."""
        endpoints = self.mask(ENDPOINT, (endpoint for endpoint, need in OWN_NEED.items() if need in needs))
        inside, rest = self.on(box, ENDPOINT, endpoints)
        for each in rest:
            more, without = self._any_present(each, [self.needs[need] for need in self.needs if need in needs])
            return inside + more, without
        return inside, []

    def _any_present(self, box: Box, axes: Sequence[int]) -> tuple[list[Box], list[Box]]:
        inside: list[Box] = []
        for axis in axes:
            present, absent = self.on(box, axis, PRESENT)
            inside += present
            if not absent:
                return inside, []
            box = absent[0]
        return inside, [box]

    def on(self, box: Box, axis: int, mask: int) -> tuple[list[Box], list[Box]]:
        held = box[axis]
        if not held & mask:
            return [], [box]
        if not held & ~mask:
            return [box], []
        before, after = box[:axis], box[axis + 1 :]
        return [(*before, held & mask, *after)], [(*before, held & ~mask, *after)]

    def _mask_of(self, condition: Leaf) -> tuple[int, int]:
        known = self._masks.get(id(condition))
        if known is None:
            known = self._masks[id(condition)] = condition, self._read_mask(condition)
        return known[1]

    def _read_mask(self, condition: Leaf) -> tuple[int, int]:
        if isinstance(condition, Between):
            least, most = condition.at_least or 0, condition.at_most
            starts = [start for start in self.atoms[TOKENS] if isinstance(start, int)]
            return TOKENS, self.mask(
                TOKENS, (each for each in starts if least <= each and (most is None or each <= most))
            )
        if isinstance(condition, Stands):
            axis = self.backends[condition.backend]
            return axis, self.mask(axis, condition.standings)
        if isinstance(condition, During):
            moments = (at for at in self.atoms[TIME] if isinstance(at, float))
            return TIME, self.mask(TIME, (at for at in moments if any(each.holds(at) for each in condition.windows)))
        if condition.signal in _CALLER_SIGNALS:
            callers = (caller for caller in self.atoms[CALLER] if isinstance(caller, Caller))
            return CALLER, self.mask(CALLER, (each for each in callers if _is_meant(condition, each)))
        axis = _AXES[condition.signal]
        return axis, self.mask(axis, condition.values)

    def drawing(self, witness: Witness) -> Iterator[Witness]:
        """The witness with each draw that a weight tells from others."""
        if len(self.draws) == 1:
            yield witness
            return
        for draw in self.draws:
            yield witness._replace(envelope=msgspec.structs.replace(witness.envelope, draws=(draw, draw)))

    def like(self, box: Box, witness: Witness) -> Box:
        """The part of the box whose class and endpoint are the witness's, as far as vetoes can tell."""
        own = OWN_NEED[witness.envelope.endpoint]
        endpoints = self.mask(ENDPOINT, (endpoint for endpoint, need in OWN_NEED.items() if need is own))
        part = self.narrowed(box, ENDPOINT, endpoints)
        part = part and self.narrowed(part, SENSITIVITY, self.mask(SENSITIVITY, (witness.verdict.sensitivity,)))
        assert part is not None, "the witness is of the box"
        return part

    def states(self, box: Box) -> int:
        """How many requests of the box conditions can tell apart."""
        return prod(held.bit_count() for held in box)

    def witnesses(self, box: Box, is_longest: bool = False) -> Iterator[Witness]:
        """The simplest request for each class and each need that an endpoint brings: those that vetoes let pass most.

        `is_longest`: those with the longest prompt and no bound on the answer, and the shortest without it, which the
        vetoes let pass least.
        """
        by_need = {OWN_NEED[endpoint]: endpoint for endpoint in reversed(_endpoints(self.values(box, ENDPOINT)))}
        for endpoint in sorted(by_need.values(), key=list(Endpoint).index):
            for level in self.values(box, SENSITIVITY):
                assert isinstance(level, Sensitivity)
                if is_longest:
                    yield self._witness(box, endpoint, level, -1, None)
                yield self._witness(box, endpoint, level, 0, None if is_longest else 0)

    def _witness(
        self, box: Box, endpoint: Endpoint, level: Sensitivity, length: int, max_tokens: int | None
    ) -> Witness:
        (model, stream, at) = (self.values(box, axis)[0] for axis in (MODEL, STREAM, TIME))
        tokens, tier = self.values(box, TOKENS)[length], self.values(box, TIER)[0]
        callers = [caller for caller in self.values(box, CALLER) if isinstance(caller, Caller)]
        caller = next((each for each in callers if self.labelling.floor(each) <= level), callers[0])
        assert isinstance(tokens, int)
        assert isinstance(at, float)
        assert isinstance(tier, Tier)
        needs = {need for need, axis in self.needs.items() if box[axis] == PRESENT and isinstance(need, Need)}
        envelope = Envelope(
            id=ALWAYS_DRAWN,
            caller=caller,
            endpoint=endpoint,
            method="POST",
            path=PATHS[endpoint],
            model=str(model),
            stream=bool(stream),
            needs=frozenset(needs | {OWN_NEED[endpoint]}),
            prompt_tokens=tokens,
            max_tokens=max_tokens,
            received_at=at,
            draws=(0, 0),
            deadline_s=_DEADLINE_S,
            body=b"",
            document={},
        )
        task = next(each for each in self.values(box, TASK) if isinstance(each, Task))
        verdict = msgspec.structs.replace(self._verdict(box, caller, level, tier), task=task)
        return Witness(envelope, verdict, self.fleet(box))

    def fleet(self, box: Box) -> Mapping[str, BackendState]:
        """The backends that conditions ask about, each as well as it may be in the box."""
        held = {name: self.values(box, axis)[0] for name, axis in self.backends.items()}
        return {name: SUPPOSED[standing] for name, standing in held.items() if standing in SUPPOSED}

    def while_up(self, box: Box, but: Collection[str] = ()) -> Box | None:
        """The part in which every backend is up that conditions ask about, other than these."""
        part: Box | None = box
        for name, axis in self.backends.items():
            part = part if part is None or name in but else self.narrowed(part, axis, self.mask(axis, (Standing.UP,)))
        return part

    def _verdict(self, box: Box, caller: Caller, level: Sensitivity, tier: Tier) -> Verdict:
        """What brings the class about, as simply as may be: a finding, something unknown, else the client's word."""
        labelling = self.labelling
        kinds = [kind for kind, axis in self.kinds.items() if box[axis] == PRESENT]
        unknown: tuple[str, ...] = ()
        declared: Sensitivity | None = None
        if level > class_of(labelling, caller, kinds)[0]:
            free = (kind for kind in sorted(FINDING_KINDS) if kind not in self.kinds or box[self.kinds[kind]] & PRESENT)
            cause = next((kind for kind in free if labelling.kinds.get(kind, labelling.unlisted) == level), None)
            if cause is not None:
                kinds.append(cause)
            elif labelling.unreadable == level:
                unknown = (UNREADABLE_NOTE,)
            elif labelling.on_error == level:
                unknown = (FAILED_NOTE,)
            else:
                declared = level
        _, basis = class_of(labelling, caller, kinds, unknown, declared)
        return Verdict(level, score_of(labelling, tier), tier, found(kinds), unknown, basis=basis, declared=declared)


_AXES: Mapping[Signal, int] = {
    Signal.SENSITIVITY: SENSITIVITY,
    Signal.COMPLEXITY: TIER,
    Signal.TASK: TASK,
    Signal.ENDPOINT: ENDPOINT,
    Signal.MODEL: MODEL,
    Signal.STREAM: STREAM,
}
_CALLER_SIGNALS = (Signal.CALLER, Signal.TEAM, Signal.TAG)
PATHS: Mapping[Endpoint, str] = {
    Endpoint.CHAT: "/v1/chat/completions",
    Endpoint.COMPLETIONS: "/v1/completions",
    Endpoint.EMBEDDINGS: "/v1/embeddings",
    Endpoint.GENERATE_ROOT: "/",
    Endpoint.GENERATE: "/generate",
    Endpoint.GENERATE_STREAM: "/generate_stream",
    Endpoint.TOKENIZE: "/tokenize",
    Endpoint.CHAT_TOKENIZE: "/chat_tokenize",
    Endpoint.UNKNOWN: "/v1/…",
}


def _is_meant(condition: OneOf | AnyOf, caller: Caller) -> bool:
    if condition.signal is Signal.TAG:
        return not condition.values.isdisjoint(caller.tags)
    return (caller.id if condition.signal is Signal.CALLER else caller.team) in condition.values


def _endpoints(values: Iterable[Hashable]) -> list[Endpoint]:
    return [value for value in values if isinstance(value, Endpoint)]
