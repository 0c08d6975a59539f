"""Turns what a threshold is meant to do (a share of calls, a quality kept, a loss) into a score, from a sample."""

import datetime
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from gateway.classify import complexity
from gateway.classify.weights import Weights
from gateway.core.errors import ConfigError
from gateway.training.metrics import Floats
from gateway.training.outcomes import Request, read_file
from gateway.training.quality import calls_needed

Unit = Literal["share", "keep", "loss"]


class Threshold(msgspec.Struct, frozen=True):
    """Scores from `score` on go to the strong model: `share` of the sample's prompts, to give `amount` of `unit`."""

    unit: Unit
    amount: float
    score: float
    share: float
    prompts: int
    found_on: str  # ISO date
    weights: str  # the digest of the weights whose scores these are


def find_threshold(sample: Path, weights: Weights, unit: Unit, amount: float, out: Path) -> Threshold:
    """Write the threshold as JSON and return it. Raises `ConfigError` where the sample cannot tell."""
    if not 0 <= amount <= 1:
        raise ConfigError(f"`--{unit}` must be from 0 to 1, not {amount:g}")
    requests = read_file(sample)
    if unit != "share":
        requests = [request for request in requests if request.has_outcome]
        if not requests:
            raise ConfigError(
                f"`--{unit}` needs outcomes: without local labels no score means a quality; use --share, or add scores"
            )
    scores = np.array([complexity.score(request.document, weights) for request in requests])
    share = amount if unit == "share" else _share(requests, scores, unit, amount)
    score = float(np.quantile(scores, 1 - share)) if share > 0 else 1.0
    today = datetime.date.today().isoformat()
    threshold = Threshold(unit, amount, score, share, len(requests), today, weights.digest)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(threshold)) + b"\n")
    return threshold


def _share(requests: list[Request], scores: Floats, unit: Unit, amount: float) -> float:
    """The calls needed; a loss is of quality, on average over all requests, beside the strong model alone."""
    weak, strong = np.array([each.weak for each in requests]), np.array([each.strong for each in requests])
    best = float(strong.mean())
    if best == 0:
        raise ConfigError("the strong model scores 0 on every prompt; there is no quality to keep")
    return calls_needed(scores, weak, strong, amount if unit == "keep" else 1 - amount / best)
