"""Fits the complexity model on one's own outcomes, starting from weights that exist, and says how much that helped."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from gateway.classify import weights as weights_file
from gateway.classify.weights import Calibration, Weights
from gateway.training.metrics import Floats
from gateway.training.model import COUNTER_SCALE, platt

PENALTIES = (10.0, 30.0, 100.0)
"""Of what is learned beyond the prior: the one with the least squared error on held-out prompts is taken."""
FOLDS = 10
ISOTONIC_FROM = 2000
"""Rows from which the isotonic curve is used: below, Platt's line is better on nearly every set."""
_KNOTS = 100


class Outcomes(NamedTuple):
    """One's own prompts, one a row: features, the prior's log-odds, and the mean scores of the two models."""

    buckets: csr_matrix
    counters: Floats
    prior: Floats
    weak: Floats
    strong: Floats

    def take(self, rows: NDArray[np.intp]) -> "Outcomes":
        return Outcomes(*(column[rows] for column in self))


class Correction(NamedTuple):
    """What own outcomes add to the prior: level = intercept + trust x prior + what the features say beyond it."""

    scaler: StandardScaler
    ridge: Ridge
    trust: float
    intercept: float

    def levels(self, outcomes: Outcomes) -> Floats:
        beyond = self.ridge.predict(_design(self.scaler, outcomes))
        return np.asarray(self.intercept + self.trust * outcomes.prior + beyond)


class Local(NamedTuple):
    """A finished fit. `held_out` are log-odds, `likely` probabilities of each row by a model that had not seen it."""

    exported: bytes
    held_out: Floats
    likely: Floats


def fit_local(outcomes: Outcomes, prior: Weights, need: Floats, fitted_on: str) -> Local:
    """Fit on all rows; held-out figures and calibration by folds."""
    met = np.unique(outcomes.buckets.indices)  # most buckets hold no word of these prompts
    outcomes = outcomes._replace(buckets=outcomes.buckets[:, met])
    penalty, levels = _chosen(outcomes, need)
    line = platt(levels, need, np.ones(len(need)))
    slope, offset = float(line.coef_[0, 0]), float(line.intercept_[0])
    odds = levels * slope + offset
    failing = 1 - outcomes.weak
    calibration = calibrate(odds, failing, fitted_on)
    exported = _export(_fit(outcomes, need, penalty), met, prior, slope, offset, calibration)
    return Local(exported, odds, _likely(odds, failing))


def calibrate(odds: Floats, failing: Floats, fitted_on: str) -> Calibration:
    """Log-odds to the probability that the weak model fails."""
    if len(odds) >= ISOTONIC_FROM:
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(odds, failing)
        at = np.unique(np.quantile(odds, np.linspace(0, 1, _KNOTS)))
        knots = tuple(zip(at.tolist(), np.maximum.accumulate(curve.predict(at)).tolist(), strict=True))
        return Calibration(len(odds), fitted_on, knots=knots)
    line = platt(odds, failing, np.ones(len(odds)))
    return Calibration(len(odds), fitted_on, float(line.coef_[0, 0]), float(line.intercept_[0]))


def _chosen(outcomes: Outcomes, need: Floats) -> tuple[float, Floats]:
    """The penalty, and each row's level by a model that had not seen it."""
    tried = {penalty: _held_out(outcomes, need, penalty) for penalty in PENALTIES}
    best = min(tried, key=lambda penalty: float(np.square(tried[penalty] - need).sum()))
    return best, tried[best]


def _held_out(outcomes: Outcomes, need: Floats, penalty: float) -> Floats:
    levels = np.zeros(len(need))
    for seen, unseen in _folds(len(need)):
        levels[unseen] = _fit(outcomes.take(seen), need[seen], penalty).levels(outcomes.take(unseen))
    return levels


def _likely(odds: Floats, failing: Floats) -> Floats:
    """Each row's probability by a calibration that had not seen it, so that the error shown is honest."""
    likely = np.zeros(len(odds))
    for seen, unseen in _folds(len(odds)):
        calibration = calibrate(odds[seen], failing[seen], "")
        scores = 1 / (1 + np.exp(-odds[unseen]))
        likely[unseen] = [calibration.probability(float(score)) for score in scores]
    return likely


def _folds(count: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    return list(KFold(FOLDS, shuffle=True, random_state=0).split(np.zeros(count)))


def _fit(outcomes: Outcomes, need: Floats, penalty: float) -> Correction:
    """The prior's line first, with a slope below nought held at nought; then a ridge on what it leaves unexplained."""
    trust, intercept = (float(number) for number in np.polyfit(outcomes.prior, need, 1))
    if trust < 0:
        trust, intercept = 0.0, float(need.mean())
    scaler = StandardScaler().fit(outcomes.counters)
    unexplained = need - (intercept + trust * outcomes.prior)
    ridge = Ridge(alpha=penalty, solver="lsqr", tol=1e-6).fit(_design(scaler, outcomes), unexplained)
    return Correction(scaler, ridge, trust, intercept)


def _design(scaler: StandardScaler, outcomes: Outcomes) -> csr_matrix:
    return hstack([outcomes.buckets, csr_matrix(scaler.transform(outcomes.counters) * COUNTER_SCALE)]).tocsr()


def _export(
    fitted: Correction, met: NDArray[np.intp], prior: Weights, slope: float, offset: float, calibration: Calibration
) -> bytes:
    """Prior and correction folded into one linear model."""
    own = fitted.ridge.coef_[len(met) :] * COUNTER_SCALE / fitted.scaler.scale_
    bias = float(fitted.intercept + fitted.ridge.intercept_ + fitted.trust * prior.bias - own @ fitted.scaler.mean_)
    buckets = fitted.trust * np.array(prior.buckets)
    buckets[met] += fitted.ridge.coef_[: len(met)]
    counters = fitted.trust * np.array(prior.counters) + own
    return weights_file.dump(
        (buckets * slope).tolist(),
        (counters * slope).tolist(),
        bias * slope + offset,
        fitted.scaler.mean_.tolist(),
        calibration,
    )
