"""What two policies say differently, and which requests they send different ways, in words."""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.core.types import Decision
from gateway.policy.compare import Difference, differences
from gateway.policy.facts import facts
from gateway.policy.model import Policy
from gateway.policy.space import Space
from gateway.policy.words import witness_words

MOST_SHOWN = 40


class Changes(NamedTuple):
    """A line each; both empty where the two mean the same."""

    said: tuple[str, ...]
    routed: tuple[str, ...]  # while all backends are up


def changes(old: Policy, new: Policy) -> Changes:
    """Raises ConfigError where the rules tell more kinds of requests apart than can be enumerated."""
    return Changes(tuple(_said(old, new)), tuple(_routed(old, new)))


def _said(old: Policy, new: Policy) -> Iterator[str]:
    before, after = facts(old), facts(new)
    for name in dict.fromkeys((*before, *after)):
        was, becomes = before.get(name, "not there"), after.get(name, "not there")
        if was != becomes:
            yield f"{name}: {was} ⇒ {becomes}"


class _Way(NamedTuple):
    """Decisions alike in what people see of them."""

    old: str
    new: str


def _routed(old: Policy, new: Policy) -> Iterator[str]:
    space = Space([old, new])
    ways: dict[_Way, tuple[Difference, int]] = {}
    for found in differences(space, old, new):
        way = _Way(_words(found.old), _words(found.new))
        first, states = ways.get(way, (found, 0))
        ways[way] = (first, states + space.states(found.box))
    for way, (first, states) in sorted(ways.items(), key=lambda each: -each[1][1])[:MOST_SHOWN]:
        example = witness_words(first.witness, space.signals)
        yield f"{way.old} ⇒ {way.new}: {states:,} kinds of requests, such as {example}"
    if len(ways) > MOST_SHOWN:
        yield f"and {len(ways) - MOST_SHOWN:,} more ways"


def _words(decision: Decision) -> str:
    routes = ", ".join(f"`{route.backend}`" for route in decision.routes)
    spilled = f" while `{decision.spilled_from}` is saturated" if decision.spilled_from else ""
    copied = f" with a copy to `{decision.shadow.backend}`" if decision.shadow else ""
    return f"{routes or 'refused'} by `{decision.rule}`{copied}{spilled}"
