"""Scores a folder of prompts exactly as serving would, and reports how the scores sort them and where they lie."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from gateway.classify import complexity
from gateway.classify.weights import DIGEST_SHOWN, Weights, read, shipped_weights
from gateway.core.errors import ConfigError
from gateway.training.metrics import Floats, apgr, apgr_interval
from gateway.training.outcomes import Request, read_requests
from gateway.training.quality import interval
from gateway.training.report import Line, aligned, line, sorting_table, spread_table

_FLATTERING = "prompts that these weights were fitted on flatter them; `gateway train fit` prints held-out figures"


def compare(folder: Path, weights_file: Path | None, other_file: Path) -> str:
    """Two weights files on the same prompts; the difference is positive where the other sorts them better.

    Raises `ConfigError` where no row has an outcome.
    """
    weights = shipped_weights() if weights_file is None else read(weights_file)
    other = read(other_file)
    requests = [request for request in read_requests(folder) if request.has_outcome]
    if not requests:
        raise ConfigError("no row has `weak_score` and `strong_score`; without outcomes there is nothing to compare by")
    rows: list[tuple[str, ...]] = [("source", "prompts", "these weights", "the other", "difference")]
    for source in sorted({request.source for request in requests}):
        own = [request for request in requests if request.source == source]
        weak, strong = np.array([each.weak for each in own]), np.array([each.strong for each in own])
        scores = _scores(own, weights), _scores(own, other)
        each = (str(apgr_interval(score, weak, strong)) for score in scores)
        rows.append((source, str(len(own)), *each, str(interval(_difference, *scores, weak, strong))))
    names = f"weights {weights.digest[:DIGEST_SHOWN]}, the other {other.digest[:DIGEST_SHOWN]}"
    return (
        f"{names}\n\nAPGR with 95 % intervals, the difference on the same prompts\n\n{aligned(rows)}\n\n{_FLATTERING}"
    )


def _difference(score: Floats, other: Floats, weak: Floats, strong: Floats) -> float:
    return apgr(other, weak, strong) - apgr(score, weak, strong)


def evaluate(folder: Path, weights_file: Path | None) -> str:
    """The report on a folder, whose rows may lack outcomes; without a weights file, of the shipped weights."""
    weights = shipped_weights() if weights_file is None else read(weights_file)
    requests = sorted(read_requests(folder), key=lambda request: request.source)
    sources = {source: list(group) for source, group in groupby(requests, key=lambda request: request.source)}
    scores = {source: _scores(group, weights) for source, group in sources.items()}
    lines = [_line(source, group, scores[source]) for source, group in sources.items() if _has_outcomes(group)]
    sorting = [f"{sorting_table(lines, 'these weights')}\n\n{_FLATTERING}"] if lines else []
    return "\n\n".join([f"weights {weights.digest[:DIGEST_SHOWN]}", *sorting, spread_table(scores)])


def _scores(requests: Sequence[Request], weights: Weights) -> Floats:
    return np.array([complexity.score(request.document, weights) for request in requests])


def _has_outcomes(requests: Sequence[Request]) -> bool:
    return any(request.has_outcome for request in requests)


def _line(source: str, requests: Sequence[Request], scores: Floats) -> Line:
    tried = np.array([request.has_outcome for request in requests])
    weak = np.array([request.weak for request in requests])[tried]
    strong = np.array([request.strong for request in requests])[tried]
    length = np.array([float(len(str(request.document["messages"]))) for request in requests])[tried]
    return line(source, weak, strong, length, scores[tried], None)
