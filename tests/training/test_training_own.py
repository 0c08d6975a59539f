"""Fitting on one's own outcomes: it starts from weights that exist, says how sure it is, and what it cannot tell."""

import numpy as np
import pytest
from outcome_rows import rows, write

from gateway.classify import complexity
from gateway.classify.weights import Calibration, load, shipped_weights
from gateway.core.errors import ConfigError
from gateway.training.evaluate import compare
from gateway.training.local import ISOTONIC_FROM, calibrate
from gateway.training.metrics import apgr
from gateway.training.outcomes import read_file
from gateway.training.own import Prices, fit_own
from gateway.training.quality import calibration_error, calls_needed

GOOD = {"prompt": "a prompt", "weak_model": "w", "strong_model": "s", "weak_score": 0, "strong_score": 1}


def outcomes(folder, made):
    return write(folder, made) / "outcomes.jsonl"


def judged(path, weights):
    requests = read_file(path)
    score = np.array([complexity.score(request.document, weights) for request in requests])
    return score, np.array([request.weak for request in requests]), np.array([request.strong for request in requests])


def test_two_hundred_own_outcomes_beat_the_shipped_weights_on_prompts_not_seen(tmp_path):
    fit_own(outcomes(tmp_path / "own", rows(200)), shipped_weights(), tmp_path / "weights", None, None)
    others = outcomes(tmp_path / "others", rows(600))
    fitted = load((tmp_path / "weights").read_bytes())
    assert apgr(*judged(others, fitted)) > apgr(*judged(others, shipped_weights()))


def test_what_is_said_of_prompts_not_seen_comes_true(tmp_path):
    fit_own(outcomes(tmp_path / "own", rows(800)), shipped_weights(), tmp_path / "weights", None, None)
    fitted = load((tmp_path / "weights").read_bytes())
    score, weak, _ = judged(outcomes(tmp_path / "others", rows(2000)), fitted)
    likely = np.array([fitted.probability(each) for each in score])
    assert fitted.calibration is not None
    assert fitted.calibration.rows > 700
    assert calibration_error(likely, 1 - weak) < 0.06


def test_the_report_has_intervals_dollars_and_the_digest(tmp_path):
    own = outcomes(tmp_path / "own", rows(250))
    report = fit_own(own, shipped_weights(), tmp_path / "weights", tmp_path / "plot.png", Prices(0.001, 0.02))
    digest = load((tmp_path / "weights").read_bytes()).digest[:16]
    assert all(word in report for word in ("APGR", "95%", "98%", "ECE", "$20.00", digest))
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("more", "warning"),
    [
        ([], "110 prompts are few"),
        ([GOOD, GOOD | {"weak_score": 1}], "rows of 1 prompts contradict each other"),
    ],
    ids=["few", "contradictory"],
)
def test_what_the_outcomes_cannot_tell_is_said_with_its_consequence(tmp_path, more, warning):
    report = fit_own(outcomes(tmp_path / "own", rows(110) + more), shipped_weights(), tmp_path / "weights", None, None)
    assert f"warning: {warning}" in report


def test_a_strong_model_that_is_no_better_is_told(tmp_path):
    made = [row | {"strong_score": row["weak_score"]} for row in rows(120)]
    report = fit_own(outcomes(tmp_path / "own", made), shipped_weights(), tmp_path / "weights", None, None)
    assert "the strong model is not better than the weak one" in report


def test_weights_that_know_the_prompts_already_are_told(tmp_path):
    words = ("theorem" if number % 10 == 0 else "greeting" for number in range(200))
    made = [
        GOOD | {"prompt": f"{word} {'so ' * n}", "weak_score": int(word == "greeting")} for n, word in enumerate(words)
    ]
    own = outcomes(tmp_path / "own", made)
    fit_own(own, shipped_weights(), tmp_path / "weights", None, None)
    report = fit_own(own, load((tmp_path / "weights").read_bytes()), tmp_path / "again", None, None)
    assert "warning: the weights started from seem to have been fitted on these very prompts" in report


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        (rows(10), "10 prompts have outcomes; at least 50"),
        ([GOOD | {"prompt": f"p{number}"} for number in range(90)], "every outcome is the same"),
        ([GOOD, GOOD | {"weak_score": 1.5}], "line 2.*weak_score"),
        ([{"prompt": "a"}], "nothing to learn"),
        ([], "holds no rows"),
    ],
    ids=["ten rows", "one class", "out of range", "missing", "empty"],
)
def test_outcomes_that_do_not_do_are_refused_and_nothing_is_written(tmp_path, made, complaint):
    with pytest.raises(ConfigError, match=complaint):
        fit_own(outcomes(tmp_path / "own", made), shipped_weights(), tmp_path / "weights", None, None)
    assert not (tmp_path / "weights").exists()


def test_many_outcomes_are_calibrated_by_a_curve_that_only_rises():
    dice = np.random.default_rng(1)
    odds = dice.normal(size=ISOTONIC_FROM)
    curve = calibrate(odds, (dice.random(ISOTONIC_FROM) < 1 / (1 + np.exp(-2 * odds))).astype(float), "2026-01-01")
    likely = [curve.probability(score) for score in np.linspace(0, 1, 50)]
    assert curve.knots
    assert likely == sorted(likely)
    assert curve.probability(1 / (1 + np.exp(-1.0))) == pytest.approx(1 / (1 + np.exp(-2.0)), abs=0.1)


def test_a_carried_score_is_never_called_a_probability():
    assert shipped_weights().probability(0.5) is None


def test_platts_line_bends_the_score():
    line = Calibration(rows=100, fitted_on="2026-01-01", slope=2.0, offset=0.0)
    assert line.probability(0.5) == 0.5
    assert line.probability(0.9) > 0.9
    assert 0.0 <= line.probability(0.0) < line.probability(1.0) <= 1.0


def test_calls_needed_follow_the_order():
    weak, strong = np.repeat([0.0, 1.0], 50), np.ones(100)
    best, worst = -np.arange(100.0), np.arange(100.0)
    assert calls_needed(best, weak, strong, 0.9) == pytest.approx(0.4)
    assert calls_needed(worst, weak, strong, 0.9) == pytest.approx(0.9)
    assert calls_needed(best, weak, strong, 0.5) == 0.0


def test_two_weights_files_are_compared_on_the_same_prompts(tmp_path):
    fit_own(outcomes(tmp_path / "own", rows(300)), shipped_weights(), tmp_path / "weights", None, None)
    others = write(tmp_path / "others", rows(2000))
    report = compare(others, None, tmp_path / "weights")
    alike = compare(others, tmp_path / "weights", tmp_path / "weights")
    assert shipped_weights().digest[:16] in report
    assert "-" not in report.split("sums")[1].split("\n")[0]
    assert "0.000 [0.000, 0.000]" in alike


def test_without_outcomes_nothing_is_compared(tmp_path):
    fit_own(outcomes(tmp_path / "own", rows(60)), shipped_weights(), tmp_path / "weights", None, None)
    with pytest.raises(ConfigError, match="nothing to compare by"):
        compare(write(tmp_path / "rows", [{"prompt": "a"}]), None, tmp_path / "weights")
