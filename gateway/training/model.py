"""The complexity model while it is being fitted, in scikit-learn, until it is exported as a weights file."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from gateway.classify import weights as weights_file
from gateway.classify.features import BUCKETS
from gateway.training.metrics import Floats
from gateway.training.sample import STEPS, Sample, weights_of

PENALTY = 3.0
"""Of the ridge. From 1 to 10 the mean APGR on held-out prompts changes by less than 0.01."""
COUNTER_SCALE = 0.1
"""Standard deviation given to each counter, beside buckets whose rows have unit length."""
FOLDS = 5


class Model(NamedTuple):
    """`ridge` gives the need from features, `platt` makes it a probability."""

    scaler: StandardScaler
    ridge: Ridge
    platt: LogisticRegression

    def scores(self, sample: Sample) -> Floats:
        """scikit-learn's own prediction, 0..1."""
        level = _levels(self.scaler, self.ridge, sample)
        return np.asarray(self.platt.predict_proba(level[:, None])[:, 1])

    def export(self) -> bytes:
        """The same as a weights file: scaler, ridge and Platt's line folded into one linear model."""
        slope, offset = float(self.platt.coef_[0, 0]), float(self.platt.intercept_[0])
        coefficients = self.ridge.coef_[: BUCKETS + len(self.scaler.scale_)]
        counters = coefficients[BUCKETS:] * COUNTER_SCALE / self.scaler.scale_
        bias = float(self.ridge.intercept_ - counters @ self.scaler.mean_)
        return weights_file.dump(
            (coefficients[:BUCKETS] * slope).tolist(),
            (counters * slope).tolist(),
            bias * slope + offset,
            self.scaler.mean_.tolist(),
        )


def fit(sample: Sample, held_out: Floats) -> Model:
    """Fit on everything, and calibrate on `held_out`, the levels of each row by a model that had not seen it."""
    scaler, ridge = _fit_ridge(sample)
    weight = weights_of(sample) * (sample.source != STEPS)  # steps tell an order, no probability
    return Model(scaler, ridge, platt(held_out, sample.need, weight))


def held_out_levels(sample: Sample) -> Floats:
    """For each row the level by a model that was fitted without its group."""
    levels = np.zeros(len(sample.need))
    for seen, unseen in GroupKFold(FOLDS).split(sample.need, groups=sample.group):
        levels[unseen] = _levels(*_fit_ridge(sample.take(seen)), sample.take(unseen))
    return levels


def foreign_levels(sample: Sample, source: str) -> Floats:
    """For each row of a source the level by a model that has seen nothing of that source, nor its prompts elsewhere."""
    rows = sample.source == source
    seen = ~np.isin(sample.group, sample.group[rows])
    return _levels(*_fit_ridge(sample.take(seen)), sample.take(rows))


def _fit_ridge(sample: Sample) -> tuple[StandardScaler, Ridge]:
    scaler = StandardScaler().fit(sample.counters)
    design = hstack([_design(scaler, sample), _levels_of_sources(sample)]).tocsr()
    return scaler, Ridge(alpha=PENALTY, solver="lsqr", tol=1e-6).fit(design, sample.need, weights_of(sample))


def _levels(scaler: StandardScaler, ridge: Ridge, sample: Sample) -> Floats:
    design = _design(scaler, sample)
    return np.asarray(design @ ridge.coef_[: design.shape[1]] + ridge.intercept_)


def _design(scaler: StandardScaler, sample: Sample) -> csr_matrix:
    return hstack([sample.buckets, csr_matrix(scaler.transform(sample.counters) * COUNTER_SCALE)]).tocsr()


def _levels_of_sources(sample: Sample) -> csr_matrix:
    """A column a source, used only in fitting: what a benchmark's models make of it is not read off its format."""
    names = np.array([*sample.sources, STEPS])
    return csr_matrix((sample.source[:, None] == names[None, :]).astype(np.float64))


def platt(level: Floats, need: Floats, weight: Floats) -> LogisticRegression:
    """Platt's line through soft labels: each row counts as both outcomes, in proportion."""
    likely = np.clip(need, 0.0, 1.0)
    both = np.concatenate([level, level])[:, None]
    outcome = np.repeat([1, 0], len(level))
    return LogisticRegression(C=1e6).fit(both, outcome, np.concatenate([weight * likely, weight * (1 - likely)]))
