"""Figures of a score on prompts with outcomes: the calls needed for a quality, and the calibration error."""

from collections.abc import Callable

import numpy as np

from gateway.training.metrics import RESAMPLES, SHARES, Floats, Interval, order

BINS = 10


def calls_needed(score: Floats, weak: Floats, strong: Floats, kept: float) -> float:
    """The share of prompts for the strong model at which `kept` of its quality is reached; RouteLLM's thresholds."""
    gains = (strong - weak)[order(score)]
    gained = np.concatenate(([0.0], np.cumsum(gains))) / len(gains)
    quality = weak.mean() + np.interp(SHARES, np.linspace(0, 1, len(gained)), gained)
    wanted = kept * strong.mean()
    above = np.flatnonzero(quality >= wanted)
    if not len(above):
        return 1.0
    first = int(above[0])
    if first == 0:
        return 0.0
    low, high = quality[first - 1], quality[first]
    step = SHARES[first] - SHARES[first - 1]
    return float(SHARES[first - 1] + step * (wanted - low) / (high - low))


def calibration_error(likely: Floats, failing: Floats) -> float:
    """ECE: the mean distance between what was said and what came, over bins with equally many prompts."""
    bins = np.array_split(np.argsort(likely, kind="stable"), min(BINS, len(likely)))
    return float(sum(len(each) * abs(likely[each].mean() - failing[each].mean()) for each in bins) / len(likely))


def interval(figure: Callable[..., float], *columns: Floats, draws: int = RESAMPLES // 4) -> Interval:
    """A figure of some columns with its 95 % bootstrap interval over prompts; the draws are the same at every call."""
    dice = np.random.default_rng(0)
    count = len(columns[0])
    drawn = [figure(*(column[rows] for column in columns)) for rows in dice.integers(0, count, (draws, count))]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Interval(figure(*columns), float(low), float(high))
