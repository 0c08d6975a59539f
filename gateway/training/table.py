"""The complexity model's figures on a folder of outcomes, as one page: order, own labels, robustness, cost."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from gateway.classify import complexity
from gateway.classify.weights import Weights, load, shipped_weights
from gateway.core.labelling import Labelling
from gateway.policy.belief import tier_of
from gateway.training import model
from gateway.training.anchors import anchors
from gateway.training.fit import line_of
from gateway.training.metrics import Floats, apgr
from gateway.training.outcomes import Request, read_requests
from gateway.training.own import fitted_on
from gateway.training.quality import calibration_error
from gateway.training.report import aligned, sorting_table
from gateway.training.sample import Sample, sample_of

FEW, MANY = 200, 1500
"""How many own labels are fitted on; the figures are of the prompts that are left, of which there must be `REST`."""
REST = 100
_DRAWS = 3
_TIERS = Labelling(kinds={})
_PROMPTS, _ROUNDS = 500, 5


def table(folder: Path) -> str:
    """Raises `ConfigError` where the outcomes do not do."""
    requests = read_requests(folder)
    sample = sample_of(requests, list(anchors()))
    held_out = model.held_out_levels(sample)
    lines = [line_of(sample, source, held_out) for source in sample.sources]
    measured = [request for request in requests if request.has_outcome]
    shipped = shipped_weights()
    return "\n\n".join(
        (
            sorting_table(lines, "prompt held out"),
            _own_labels(sample, held_out, measured),
            _robustness(measured, shipped),
            _cost(shipped),
        )
    )


def _own_labels(sample: Sample, held_out: Floats, measured: Sequence[Request]) -> str:
    heads = ("source", "prior", f"{FEW} labels", f"ECE, {FEW}", f"{MANY} labels", f"ECE, {MANY}")
    rows, better, tried = [heads], 0, 0
    for source in sample.sources:
        own = [request for request in measured if request.source == source]
        if len(own) < FEW + REST:
            continue
        seen = ~np.isin(sample.group, sample.group[sample.source == source])
        prior = load(model.fit(sample.take(seen), held_out[seen]).export())
        few, many = _after(own, prior, FEW), _after(own, prior, MANY) if len(own) >= MANY + REST else None
        tried, better = tried + 1, better + (few[1] > few[0])
        cells = ("", "") if many is None else (f"{many[1]:.3f}", f"{many[2]:.3f}")
        rows.append((source, f"{few[0]:.3f}", f"{few[1]:.3f}", f"{few[2]:.3f}", *cells))
    title = f"APGR with own labels, from a prior that never saw the source, mean of {_DRAWS} draws"
    return f"{title}; {FEW} labels beat the prior on {better} of {tried}\n\n{aligned(rows)}"


def _after(own: Sequence[Request], prior: Weights, count: int) -> tuple[float, float, float]:
    """On the prompts not fitted on: APGR of the prior, APGR of the fit, ECE of the fit."""
    figures = []
    for draw in range(_DRAWS):
        shuffled = random.Random(draw).sample(own, len(own))
        fitted = load(fitted_on(shuffled[:count], prior, "").exported)
        rest = shuffled[count:]
        weak, strong = np.array([each.weak for each in rest]), np.array([each.strong for each in rest])
        before, after = _scores(rest, prior), _scores(rest, fitted)
        likely = np.array([fitted.probability(float(score)) for score in after], dtype=float)
        figures.append((apgr(before, weak, strong), apgr(after, weak, strong), calibration_error(likely, 1 - weak)))
    before_mean, after_mean, error = (float(number) for number in np.mean(figures, axis=0))
    return before_mean, after_mean, error


def _scores(requests: Sequence[Request], weights: Weights) -> Floats:
    return np.array([complexity.score(request.document, weights) for request in requests])


def _robustness(measured: Sequence[Request], weights: Weights) -> str:
    dice = random.Random(0)
    texts = [_text(each) for each in dice.sample(measured, min(_PROMPTS, len(measured)))]
    noises: dict[str, Callable[[str], str]] = {
        "typos (one word in twenty)": lambda text: typos(text, dice),
        "lower case": str.lower,
        "upper case": str.upper,
    }
    kept = [f"{name} {_kept(texts, noise, weights):.0%}" for name, noise in noises.items()]
    return f"tier unchanged, shipped weights, {len(texts)} prompts: {', '.join(kept)}"


def _text(request: Request) -> str:
    messages = request.document["messages"]
    return str(messages[-1]["content"]) if isinstance(messages, list) else ""


def _kept(texts: Sequence[str], noise: Callable[[str], str], weights: Weights) -> float:
    def tier(text: str) -> int:
        return tier_of(_TIERS, complexity.score({"prompt": text}, weights))

    return statistics.fmean(tier(text) == tier(noise(text)) for text in texts)


def typos(text: str, dice: random.Random) -> str:
    """Two neighbouring letters swapped in one word of twenty."""
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) > 3 and dice.random() < 0.05:
            at = dice.randrange(1, len(word) - 2)
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _cost(weights: Weights) -> str:
    """Beside `str.split` and `lower` of the same texts, so that a busy machine does not look like a slow model."""
    dice = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(dice.choices(letters, k=dice.randint(2, 9))) for _ in range(4000)]
    texts = [" ".join(dice.choices(words, k=300))[:1024] for _ in range(_PROMPTS)]
    ours = _fastest_us(texts, lambda text: complexity.score({"prompt": text}, weights))
    plain = _fastest_us(texts, lambda text: text.lower().split())
    return (
        f"1 KB of new text: {ours:.0f} µs p50 (lower and split alone: {plain:.1f} µs, so {ours / plain:.0f} times that)"
    )


def _fastest_us(texts: Sequence[str], work: Callable[[str], object]) -> float:
    """The median time, of the round in which the machine was least busy."""
    medians = []
    for _ in range(_ROUNDS):
        took = []
        for text in texts:
            began = time.perf_counter_ns()
            work(text)
            took.append(time.perf_counter_ns() - began)
        medians.append(statistics.median(took) / 1000)
    return min(medians)
