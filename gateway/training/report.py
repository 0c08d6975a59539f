"""Tables for people: how well scores sort each source's prompts, beside prompt length; and where the scores lie."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gateway.core.labelling import Labelling
from gateway.training.metrics import Floats, Interval, apgr_interval

_TIERS = Labelling(kinds={})
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Line(NamedTuple):
    """One source: its models' mean scores, and the APGR of prompt length, of the model, and of one foreign to it."""

    source: str
    prompts: int
    weak: float
    strong: float
    length: Interval
    model: Interval
    foreign: Interval | None = None


def line(source: str, weak: Floats, strong: Floats, length: Floats, score: Floats, foreign: Floats | None) -> Line:
    return Line(
        source,
        len(weak),
        float(weak.mean()),
        float(strong.mean()),
        apgr_interval(length, weak, strong),
        apgr_interval(score, weak, strong),
        None if foreign is None else apgr_interval(foreign, weak, strong),
    )


def sorting_table(lines: Sequence[Line], model: str) -> str:
    """`model` says what the model had seen."""
    foreign = "source never seen" if any(each.foreign for each in lines) else ""
    rows = [("source", "prompts", "weak", "strong", "prompt length", model, foreign)]
    for each in lines:
        means = (str(each.prompts), f"{each.weak:.3f}", f"{each.strong:.3f}")
        rows.append((each.source, *means, str(each.length), str(each.model), str(each.foreign or "")))
    return f"APGR with 95 % intervals; chance is 0.5\n\n{aligned(rows)}"


def spread_table(scores: Mapping[str, Floats]) -> str:
    """Quantiles of the score by source, and the share that each tier gets at the default boundaries."""
    rows = [("source", "prompts", *(f"{q:.0%}" for q in QUANTILES), "simple", "medium", "hard")]
    for source, values in scores.items():
        quantiles = (f"{value:.3f}" for value in np.quantile(values, QUANTILES))
        simple, hard = float(np.mean(values < _TIERS.medium_from)), float(np.mean(values >= _TIERS.hard_from))
        shares = (f"{simple:.0%}", f"{1 - simple - hard:.0%}", f"{hard:.0%}")
        rows.append((source, str(len(values)), *quantiles, *shares))
    title = f"scores by quantile, and tiers with medium_from {_TIERS.medium_from:g} and hard_from {_TIERS.hard_from:g}"
    return f"{title}\n\n{aligned(rows)}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, the first row being the heads."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(cell.rstrip() for cell in cells)
