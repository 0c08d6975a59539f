"""`gateway train fit --outcomes`: weights for one's own traffic, a report with intervals, and a reliability plot."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gateway.classify.complexity import features_of, odds
from gateway.classify.features import Features
from gateway.classify.weights import DIGEST_SHOWN, Weights, load
from gateway.training.local import Local, Outcomes, fit_local
from gateway.training.metrics import Floats, apgr, apgr_interval
from gateway.training.outcomes import Request, read_file
from gateway.training.plot import reliability_plot
from gateway.training.quality import calibration_error, calls_needed, interval
from gateway.training.report import aligned
from gateway.training.sample import check, matrices, target

FEW = 200
"""Prompts below which a fit is likely to be no better than the weights it started from."""
KNOWN = 0.9
"""APGR above which no prompt was read but recognised: on new prompts no model comes near."""
KEPT = (0.95, 0.98)


class Prices(NamedTuple):
    """What an average request costs, in dollars."""

    weak: float
    strong: float


def fit_own(outcomes: Path, prior: Weights, out: Path, plot: Path | None, prices: Prices | None) -> str:
    """Write a weights file and return the report. Raises `ConfigError` where the outcomes do not do."""
    requests = [request for request in read_file(outcomes) if request.has_outcome]
    rows, fitted = _fitted(requests, prior, datetime.date.today().isoformat())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(fitted.exported)
    paragraphs = [*_warnings(requests, rows, fitted), _table(rows, fitted), *_money(rows, fitted, prices)]
    digest = load(fitted.exported).digest[:DIGEST_SHOWN]
    paragraphs.append(f"wrote {out}: digest {digest}, fitted on {len(requests)} prompts")
    if plot is not None:
        reliability_plot(fitted.likely, 1 - rows.weak, plot)
        paragraphs.append(f"wrote {plot}: what was said beside what came")
    return "\n\n".join(paragraphs)


def fitted_on(requests: Sequence[Request], prior: Weights, date: str) -> Local:
    """The fit alone. Raises `ConfigError` where the outcomes do not do."""
    return _fitted(requests, prior, date)[1]


def _fitted(requests: Sequence[Request], prior: Weights, date: str) -> tuple[Outcomes, Local]:
    weak = np.array([request.weak for request in requests])
    strong = np.array([request.strong for request in requests])
    need = target(weak, strong)
    check(need)
    rows = _outcomes(requests, weak, strong, prior)
    return rows, fit_local(rows, prior, need, date)


def _outcomes(requests: Sequence[Request], weak: Floats, strong: Floats, prior: Weights) -> Outcomes:
    bodies = [request.document for request in requests]
    buckets, counters = matrices(bodies)
    seen = (features_of(body) for body in bodies)
    levels = [odds(each, prior) for each in seen if isinstance(each, Features)]
    return Outcomes(buckets, counters, np.array(levels), weak, strong)


def _warnings(requests: Sequence[Request], rows: Outcomes, fitted: Local) -> list[str]:
    """What the outcomes cannot tell, each with its consequence."""
    warnings = []
    contradictory = sum(request.is_contradictory for request in requests)
    if contradictory:
        warnings.append(f"warning: rows of {contradictory} prompts contradict each other; each counts with its mean")
    if apgr(rows.prior, rows.weak, rows.strong) > KNOWN:
        warnings.append(
            "warning: the weights started from seem to have been fitted on these very prompts, so nothing new is "
            "learned and the figures below flatter; start from others with --prior"
        )
    if len(requests) < FEW:
        warnings.append(
            f"warning: {len(requests)} prompts are few; below {FEW} a fit is often no better than its prior"
        )
    if rows.strong.mean() <= rows.weak.mean():
        warnings.append(
            "warning: the strong model is not better than the weak one here; no order can gain, so APGR is not defined"
        )
    elif apgr(fitted.held_out, rows.weak, rows.strong) <= apgr(rows.prior, rows.weak, rows.strong):
        warnings.append(
            "warning: on prompts held out the fit is no better than what it started from; keep the earlier weights"
        )
    return warnings


def _table(rows: Outcomes, fitted: Local) -> str:
    scores = {"prompt length": rows.counters[:, 0], "before": rows.prior, "fitted, held out": fitted.held_out}
    heads = ("", *scores)
    table = [heads, ("APGR", *(str(apgr_interval(score, rows.weak, rows.strong)) for score in scores.values()))]
    for kept in KEPT:
        calls = (_calls(score, rows, kept) for score in scores.values())
        table.append((f"strong calls for {kept:.0%} of the strong model's quality", *calls))
    error = interval(calibration_error, fitted.likely, 1 - rows.weak)
    table.append(("ECE of the probability that the weak model fails", "", "", str(error)))
    means = (
        f"{len(rows.weak)} prompts; the weak model scores {rows.weak.mean():.3f}, the strong {rows.strong.mean():.3f}"
    )
    return f"{means}; 95 % intervals\n\n{aligned(table)}"


def _calls(score: Floats, rows: Outcomes, kept: float) -> str:
    def share(score: Floats, weak: Floats, strong: Floats) -> float:
        return calls_needed(score, weak, strong, kept)

    return str(interval(share, score, rows.weak, rows.strong))


def _money(rows: Outcomes, fitted: Local, prices: Prices | None) -> list[str]:
    if prices is None:
        return []
    lines = []
    for kept in KEPT:
        share = calls_needed(fitted.held_out, rows.weak, rows.strong, kept)
        cost = share * prices.strong + (1 - share) * prices.weak
        lines.append(
            f"{kept:.0%} of the quality: ${cost * 1000:.2f} for 1,000 requests, "
            f"${prices.strong * 1000:.2f} if all go to the strong model"
        )
    return ["\n".join(lines)]
