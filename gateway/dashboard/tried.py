"""What trying a policy found, as rows: its own cases, and recorded requests decided again."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import NamedTuple

from gateway.asking import trials
from gateway.classify.weights import Weights
from gateway.core.records import Record
from gateway.core.types import Sensitivity
from gateway.policy.backtest import Backtest
from gateway.policy.model import Policy
from gateway.policy.trial import coverage, noticed

MOST_WAYS = 50


class Bounds(NamedTuple):
    """How much is decided again at most: records, and seconds that it may take."""

    most: int
    seconds: float


def backtested(policy: Policy, newest: Callable[[int], Generator[Record]], bounds: Bounds) -> dict[str, object]:
    """So many of the `newest` recorded requests decided again under `policy`; `is_cut_short`: time was up before the
    end. Blocking."""
    found, until, is_cut_short = Backtest(policy), time.monotonic() + bounds.seconds, False
    with closing(newest(bounds.most)) as records:  # in the thread that opened what it reads
        for record in records:
            found.add(record)
            if time.monotonic() > until:
                is_cut_short = found.records < bounds.most
                break
    return {
        "records": found.records,
        "is_cut_short": is_cut_short,
        "rerouted": found.rerouted,
        "of_this_policy": found.of_this_policy,
        "reproduced": found.reproduced,
        "new_egress": found.new_egress,
        "first_egress": None if found.first_egress is None else found.first_egress.decision_id,
        "cost": {"old": found.old_cost, **found.new_cost._asdict(), "unknown": found.unknown_costs},
        "wait_ms": {"old": found.mean_wait_ms(found.old_backends), "new": found.mean_wait_ms(found.new_backends)},
        "backends": _sides(found.old_backends, found.new_backends),
        "refusals": _sides(found.old_refusals, found.new_refusals),
        "zones": _zones(found),
        "ways": _ways(found),
    }


def tested(policy: Policy, weights: Weights, is_scored: bool) -> dict[str, object]:
    """Each case and what of it does not hold; where `is_scored`, also which changes to a rule nobody would notice."""
    found = trials(policy, weights)
    seen = noticed(policy, found) if is_scored else None
    return {
        "cases": [
            {"name": each.case.name, "line": each.case.place.line, "rule": each.rule, "mistakes": each.mistakes}
            for each in found
        ],
        "failed": sum(bool(each.mistakes) for each in found),
        "coverage": coverage(policy, found),
        "score": None if seen is None else seen.score,
        "unnoticed": [] if seen is None else [mutant.change for mutant in seen.survivors],
    }


def _sides(old: Mapping[str, int], new: Mapping[str, int]) -> list[dict[str, object]]:
    return [{"name": name, "old": old.get(name, 0), "new": new.get(name, 0)} for name in sorted({*old, *new})]


def _zones(found: Backtest) -> list[dict[str, object]]:
    """`zone` "": nobody answered."""
    return [
        {
            "sensitivity": Sensitivity(level).label,
            "zone": zone,
            "old": found.old_zones[level, zone],
            "new": found.new_zones[level, zone],
        }
        for level, zone in sorted({*found.old_zones, *found.new_zones}, key=lambda each: (-each[0], each[1]))
    ]


def _ways(found: Backtest) -> list[dict[str, object]]:
    """By money first, since that is what a count hides."""
    ranked = sorted(found.ways.items(), key=lambda each: (-abs(each[1][1]), -each[1][0]))
    return [
        {**way._asdict(), "requests": requests, "extra_nano": extra, "example": example}
        for way, (requests, extra, example) in ranked[:MOST_WAYS]
    ]
