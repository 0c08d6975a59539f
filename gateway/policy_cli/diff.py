"""`gateway policy diff`: what two policies say differently, and which requests they send different ways."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.config import policy_text
from gateway.core.types import Decision
from gateway.policy.compare import Difference, differences
from gateway.policy.facts import facts
from gateway.policy.load import load
from gateway.policy.model import Policy
from gateway.policy.space import Space
from gateway.policy.words import witness_words

MOST_SHOWN = 40


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", type=Path, metavar="OLD", help="a policy file")
    parser.add_argument("new", type=Path, metavar="NEW", help="another")
    parser.epilog = "exit code 0: they mean the same; 1: they do not; 2: a file cannot be used"


def run(given: argparse.Namespace) -> int:
    old, new = (load(policy_text(path), str(path), os.environ) for path in (given.old, given.new))
    said, routed = list(_said(old, new)), list(_routed(old, new))
    if not (said or routed):
        print("they mean the same")
        return 0
    for heading, lines in (("what is said", said), ("what is decided, while no backend is down", routed)):
        print(f"{heading}:" if lines else f"{heading}: the same")
        for line in lines:
            print(f"  {line}")
    return 1


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
    return f"{routes or 'refused'} by `{decision.rule}`{spilled}"
