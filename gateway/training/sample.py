"""Requests as scikit-learn wants them: a matrix of features, and for each row its target, weight, source and group."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from gateway.classify.complexity import features_of
from gateway.classify.features import BUCKETS, Features
from gateway.core.errors import ConfigError
from gateway.training.anchors import Anchor
from gateway.training.metrics import Floats
from gateway.training.outcomes import Request

ANCHORS, STEPS = "(anchors)", "(steps)"
"""The sources whose needs are ascribed, not measured: by the authors, and from the length of a known solution."""
STEPS_SPREAD = 0.15
"""Of the needs ascribed by steps, around 0.5: the standard deviation."""
GAIN_SHARE = 0.7
"""Of the target: the strong models' gain; the rest is the weak models' failing. A ridge is linear in its target, so
one fitted to the mixture is the mixture of two."""
ANCHOR_SHARE = 0.4
"""Of the whole weight of a fit."""
FEWEST = 50
"""Requests with outcomes, below which nothing can be fitted, let alone held out."""


class Sample(NamedTuple):
    """Rows to fit on, column by column. Rows of one `group` must not be parted by a split."""

    buckets: csr_matrix
    counters: Floats
    need: Floats
    weak: Floats
    strong: Floats
    source: NDArray[np.str_]
    group: NDArray[np.intp]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Sample":
        return Sample(
            self.buckets[rows],
            self.counters[rows],
            self.need[rows],
            self.weak[rows],
            self.strong[rows],
            self.source[rows],
            self.group[rows],
        )

    @property
    def sources(self) -> list[str]:
        """The names of those that hold measured outcomes."""
        return [str(name) for name in np.unique(self.source) if name not in (ANCHORS, STEPS)]


def sample_of(requests: Sequence[Request], anchors: Sequence[Anchor]) -> Sample:
    """Requests with outcomes, those with steps, and anchors. Raises `ConfigError` where there is nothing to learn."""
    measured = [request for request in requests if request.has_outcome]
    stepped = [request for request in requests if request.has_steps and not request.has_outcome]
    weak = np.array([request.weak for request in measured])
    strong = np.array([request.strong for request in measured])
    need = target(weak, strong)
    check(need)
    steps = np.array([request.steps for request in stepped])
    ascribed = np.concatenate([_need_by_steps(steps), [anchor.need for anchor in anchors]])
    unknown = np.full(len(ascribed), np.nan)
    bodies = [request.document for request in (*measured, *stepped)]
    bodies += [{"messages": [{"role": "user", "content": anchor.prompt}]} for anchor in anchors]
    groups = [str(request.document["messages"]) for request in (*measured, *stepped)]
    groups += [f"pattern {anchor.pattern}" for anchor in anchors]
    return Sample(
        *matrices(bodies),
        need=np.concatenate([need, ascribed]),
        weak=np.concatenate([weak, unknown]),
        strong=np.concatenate([strong, unknown]),
        source=np.array([each.source for each in measured] + [STEPS] * len(stepped) + [ANCHORS] * len(anchors)),
        group=np.unique(groups, return_inverse=True)[1],
    )


def target(weak: Floats, strong: Floats) -> Floats:
    """The need for the strong model, from the mean scores of both."""
    return np.asarray(GAIN_SHARE * (strong - weak) + (1 - GAIN_SHARE) * (1 - weak))


def _need_by_steps(steps: Floats) -> Floats:
    spread = steps.std() if len(steps) else 0.0
    return 0.5 + STEPS_SPREAD * (steps - steps.mean()) / spread if spread > 0 else np.full(len(steps), 0.5)


def matrices(bodies: Iterable[object]) -> tuple[csr_matrix, Floats]:
    """The buckets, each row of unit length, and the counters as they are."""
    seen = [_features(number, body) for number, body in enumerate(bodies, 1)]
    sizes = np.array([len(each.buckets) for each in seen])
    columns = np.array([bucket for each in seen for bucket in sorted(each.buckets)], dtype=np.int32)
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    return csr_matrix((values, columns, starts), shape=(len(seen), BUCKETS)), np.array([s.counters for s in seen])


def weights_of(sample: Sample) -> Floats:
    """How much each row counts, one on average: a source by the root of its size, the anchors by their share.

    Within the anchors the easy, the middling and the hard ones weigh the same.
    """
    is_anchor = sample.source == ANCHORS
    weight = np.zeros(len(sample.need))
    for name in np.unique(sample.source[~is_anchor]):
        rows = sample.source == name
        weight[rows] = 1 / np.sqrt(rows.sum())
    if is_anchor.any():
        mass = weight.sum() * ANCHOR_SHARE / (1 - ANCHOR_SHARE)
        needs = np.unique(sample.need[is_anchor])
        for need in needs:
            rows = is_anchor & (sample.need == need)
            weight[rows] = mass / len(needs) / rows.sum()
    return np.asarray(weight * len(weight) / weight.sum())


def _features(number: int, body: object) -> Features:
    seen = features_of(body)
    if not isinstance(seen, Features):
        raise ConfigError(f"prompt {number} (each counted once) holds no text; take its rows out")
    return seen


def check(need: Floats) -> None:
    """Raises `ConfigError` where nothing can be learned from these targets."""
    if not len(need):
        raise ConfigError("no row has `weak_score` and `strong_score`; without outcomes there is nothing to learn")
    if np.ptp(need) == 0:
        raise ConfigError("every outcome is the same; rows are needed where the weak model fails and where it does not")
    if len(need) < FEWEST:
        raise ConfigError(f"{len(need)} prompts have outcomes; at least {FEWEST} are needed to fit and hold out")
