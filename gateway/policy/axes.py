"""The axes of a proof: what each signal can be, as far as these policies and conditions tell it apart."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import assert_never

from gateway.core.labelling import Labelling
from gateway.core.money import NanoUSD
from gateway.core.types import Caller, Tier
from gateway.policy.cost import first_too_dear
from gateway.policy.draw import starts
from gateway.policy.model import AnyOf, Between, Condition, During, Every, Negated, OneOf, Policy, Signal, Some, Stands
from gateway.policy.vocabulary import AUTO

Leaf = OneOf | AnyOf | Between | During | Stands
"""What asks about a signal."""


def signal_of(leaf: Leaf) -> Signal:
    match leaf:
        case Between():
            return Signal.PROMPT_TOKENS
        case During():
            return Signal.TIME
        case Stands():
            return Signal.BACKEND
        case OneOf() | AnyOf():
            return leaf.signal
        case _:
            assert_never(leaf)


def leaves(condition: Condition | None) -> Iterator[Leaf]:
    """What is asked, without how it is combined."""
    match condition:
        case None:
            return
        case Every(parts) | Some(parts):
            for part in parts:
                yield from leaves(part)
        case Negated(part):
            yield from leaves(part)
        case OneOf() | AnyOf() | Between() | During() | Stands():
            yield condition
        case _:
            assert_never(condition)


def mentioned(read: Iterable[Leaf], signal: Signal) -> set[Hashable]:
    return {value for leaf in read if isinstance(leaf, AnyOf) and leaf.signal is signal for value in leaf.values}


def tiers(labelling: Labelling) -> tuple[Tier, ...]:
    """Those that some score has; 1 is always hard."""
    simple = (Tier.SIMPLE,) if labelling.medium_from > 0 else ()
    return (*simple, *((Tier.MEDIUM,) if labelling.medium_from < labelling.hard_from else ()), Tier.HARD)


def callers(policies: Sequence[Policy]) -> dict[Caller, None]:
    """Everyone; who differs only in what the policies say of its class is one caller, as the first has it."""
    callers: dict[tuple[str, str, tuple[str, ...]], Caller] = {}
    for policy in policies:
        for caller in policy.everyone:
            callers.setdefault((caller.id, caller.team, caller.tags), caller)
    return dict.fromkeys(callers.values())


def models(policies: Sequence[Policy], asked: Sequence[frozenset[Hashable]]) -> tuple[str, ...]:
    """One name of each group that neither the policies nor their conditions tell apart."""
    names = dict.fromkeys((AUTO, *(name for policy in policies for name in policy.choices)))
    groups: dict[Hashable, str] = {}
    for name in names:
        leads = tuple(policy.resolve_model(name).backend for policy in policies)
        groups.setdefault((leads, *(name in values for values in asked)), name)
    return tuple(groups.values())


def draws(policies: Sequence[Policy]) -> tuple[int, ...]:
    """Where a draw may begin to put another backend first."""
    splits = [rule.split for policy in policies for rule in policy.rules if rule.split is not None]
    return tuple(sorted({0}.union(*(starts(tuple(split.weights.values())) for split in splits))))


def token_starts(policies: Sequence[Policy], read: Iterable[Leaf]) -> tuple[int, ...]:
    """Where a longer prompt may begin to be treated differently: at bounds, where a window is full, and where it costs
    too much."""
    starts = {0}
    for leaf in read:
        if isinstance(leaf, Between):
            starts |= {leaf.at_least or 0} | ({leaf.at_most + 1} if leaf.at_most is not None else set())
    starts |= {spec.context_tokens for policy in policies for spec in policy.backends.values() if spec.context_tokens}
    starts |= {tokens for policy in policies for tokens in _too_dear_from(policy)}
    return tuple(sorted(starts))


def _too_dear_from(policy: Policy) -> Iterator[int]:
    for route in (route for rule in policy.rules for route in rule.ways):
        spec = policy.backends[route.backend]
        for price in filter(None, (spec.price, *spec.prices.values())) if route.max_cost is not None else ():
            yield first_too_dear(price, route.max_cost or NanoUSD(0))
