"""How well a score sorts prompts by their need for the strong model: RouteLLM's APGR, with bootstrap intervals.

Sorted by score, the top 0, 10, ... 100 % of the prompts go to the strong model. The share of the gap between the two
models that this recovers, averaged over those shares by the trapezoid rule, is the APGR (arXiv:2406.18665, section 4).
Chance gives 0.5.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHARES = np.linspace(0.0, 1.0, 11)
RESAMPLES = 1000


class Interval(NamedTuple):
    """An estimate and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def apgr(score: Floats, weak: Floats, strong: Floats) -> float:
    """Average performance gap recovered; NaN where the strong models are not better on the whole."""
    gains = (strong - weak)[order(score)]
    return float(_recovered(gains, np.ones((1, len(gains))))[0])


def apgr_interval(score: Floats, weak: Floats, strong: Floats) -> Interval:
    """The same with the interval over prompts drawn anew; the draws are the same at every call."""
    gains = (strong - weak)[order(score)]
    count = len(gains)
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    drawn = _recovered(gains, draws.astype(np.float64))
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
    return Interval(apgr(score, weak, strong), float(low), float(high))


def order(score: Floats) -> NDArray[np.intp]:
    """Highest first; equal scores in an order that has nothing to do with that of the file."""
    shuffled = np.random.default_rng(1).permutation(len(score))
    return shuffled[np.argsort(-score[shuffled], kind="stable")]


def _recovered(gains: Floats, draws: Floats) -> Floats:
    """APGR for each row of `draws`, which says how often each prompt was drawn; `gains` in the order of the score."""
    recovered = np.empty(len(draws))
    for row, counts in enumerate(draws):
        calls = np.concatenate(([0.0], np.cumsum(counts)))
        gained = np.concatenate(([0.0], np.cumsum(counts * gains)))
        at_shares = np.interp(SHARES * calls[-1], calls, gained)
        recovered[row] = np.trapezoid(at_shares, SHARES) / gained[-1] if gained[-1] > 0 else np.nan
    return recovered
