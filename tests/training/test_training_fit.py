"""Fitting: what serving computes is what scikit-learn predicts, and the same rows give the same file."""

import numpy as np
import pytest
from outcome_rows import rows, texts, write

from gateway.classify import complexity
from gateway.classify.weights import load
from gateway.training import model
from gateway.training.anchors import anchors
from gateway.training.evaluate import evaluate
from gateway.training.fit import fit
from gateway.training.metrics import apgr, apgr_interval
from gateway.training.outcomes import Request, read_requests
from gateway.training.sample import ANCHORS, STEPS, sample_of, weights_of


def chat(text: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": text}]}


@pytest.mark.slow
def test_the_exported_weights_score_ten_thousand_texts_as_scikit_learn_does(tmp_path):
    requests = read_requests(write(tmp_path / "rows", rows(400)))
    sample = sample_of(requests, list(anchors()))
    fitted = model.fit(sample, model.held_out_levels(sample))
    bodies = [chat(f"{text} {number}") for number, text in enumerate(texts(10_000))]

    theirs = fitted.scores(
        sample_of([Request("sums", body, number % 2, 1.0, np.nan) for number, body in enumerate(bodies)], [])
    )
    weights = load(fitted.export())
    ours = np.array([complexity.score(body, weights) for body in bodies])

    assert np.ptp(ours) > 0.1
    assert np.abs(ours - theirs).max() < 1e-6


def test_the_same_rows_give_the_same_file_byte_for_byte(tmp_path):
    folder = write(tmp_path / "rows", rows(120))
    fit(folder, tmp_path / "one")
    fit(folder, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_fit_learns_what_its_rows_say(tmp_path):
    report = fit(write(tmp_path / "rows", rows(300)), tmp_path / "weights")
    requests = read_requests(write(tmp_path / "others", rows(200)))
    weights = load((tmp_path / "weights").read_bytes())
    score = np.array([complexity.score(request.document, weights) for request in requests])
    weak, strong = (np.array([getattr(request, name) for request in requests]) for name in ("weak", "strong"))
    assert apgr(score, weak, strong) > 0.55
    assert "sums" in report
    assert weights.digest[:16] in report


def test_a_prompt_never_stands_on_both_sides_of_a_split(tmp_path):
    twice = rows(80, "one") + rows(80, "two")
    sample = sample_of(read_requests(write(tmp_path / "rows", twice)), [])
    assert list(sample.group[:80]) == list(sample.group[80:])


def test_small_sources_are_not_drowned_and_anchors_keep_their_share(tmp_path):
    made = rows(400, "large") + rows(100, "small")
    sample = sample_of(read_requests(write(tmp_path / "rows", made)), list(anchors()))
    weight = weights_of(sample)
    assert weight.mean() == pytest.approx(1.0)
    assert weight[sample.source == ANCHORS].sum() / weight.sum() == pytest.approx(0.4)
    assert weight[sample.source == "large"].sum() == pytest.approx(2 * weight[sample.source == "small"].sum())


def test_more_steps_of_a_known_solution_mean_more_need(tmp_path):
    stepped = [{"prompt": f"count {'on ' * steps}", "reference_steps": steps} for steps in range(1, 9)]
    sample = sample_of(read_requests(write(tmp_path / "rows", rows(60) + stepped)), [])
    assert np.all(np.diff(sample.need[sample.source == STEPS]) > 0)


def test_apgr_is_one_half_by_chance_and_most_for_the_order_of_the_gains():
    dice = np.random.default_rng(3)
    weak = dice.integers(0, 2, 4000).astype(float)
    strong = np.maximum(weak, dice.integers(0, 2, 4000))
    assert apgr(dice.random(4000), weak, strong) == pytest.approx(0.5, abs=0.03)
    assert apgr(np.zeros(4000), weak, strong) == pytest.approx(0.5, abs=0.03)
    assert apgr(strong - weak, weak, strong) > 0.8


def test_an_interval_holds_its_estimate():
    weak, strong = np.tile([0.0, 1.0, 1.0], 100), np.ones(300)
    value, low, high = apgr_interval(np.arange(300.0), weak, strong)
    assert low < value < high


def test_evaluate_shows_where_scores_lie_for_prompts_without_outcomes(tmp_path):
    folder = write(tmp_path / "rows", [{"messages": chat("hello")["messages"], "source": "greetings"}])
    report = evaluate(folder, None)
    assert "greetings" in report
    assert "APGR" not in report
