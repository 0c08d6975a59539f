"""Scores a folder of prompts exactly as serving would, and reports how the scores sort them and where they lie."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from gateway.classify import complexity
from gateway.classify.weights import Weights, read, shipped_weights
from gateway.training.metrics import Floats
from gateway.training.outcomes import Request, read_requests
from gateway.training.report import Line, line, sorting_table, spread_table

_FLATTERING = "prompts that these weights were fitted on flatter them; `gateway train fit` prints held-out figures"


def evaluate(folder: Path, weights_file: Path | None) -> str:
    """The report on a folder, whose rows may lack outcomes; without a weights file, of the shipped weights."""
    weights = shipped_weights() if weights_file is None else read(weights_file)
    requests = sorted(read_requests(folder), key=lambda request: request.source)
    sources = {source: list(group) for source, group in groupby(requests, key=lambda request: request.source)}
    scores = {source: _scores(group, weights) for source, group in sources.items()}
    lines = [_line(source, group, scores[source]) for source, group in sources.items() if _has_outcomes(group)]
    sorting = [f"{sorting_table(lines, 'these weights')}\n\n{_FLATTERING}"] if lines else []
    return "\n\n".join([f"weights {weights.digest[:16]}", *sorting, spread_table(scores)])


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
