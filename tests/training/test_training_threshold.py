"""Thresholds by what they are meant to do: the score keeps what was asked, and nothing is promised without outcomes."""

import json

import numpy as np
import pytest
from outcome_rows import rows, write

from gateway.classify import complexity
from gateway.classify.weights import shipped_weights
from gateway.cli import main
from gateway.training.outcomes import read_file

pytestmark = pytest.mark.slow


def found(tmp_path, made, *words):
    sample, out = write(tmp_path / "rows", made) / "outcomes.jsonl", tmp_path / "threshold.json"
    code = main(["train", "calibrate", "--in", str(sample), "--out", str(out), *words])
    return code, json.loads(out.read_bytes()) if code == 0 else None


def sent(tmp_path, threshold):
    requests = read_file(tmp_path / "rows" / "outcomes.jsonl")
    scores = np.array([complexity.score(request.document, shipped_weights()) for request in requests])
    to_strong = scores >= threshold["score"]
    weak, strong = (np.array([getattr(request, name) for request in requests]) for name in ("weak", "strong"))
    return to_strong.mean(), np.where(to_strong, strong, weak).mean(), strong.mean()


def test_a_share_of_requests_goes_to_the_strong_model_with_no_outcomes_at_all(tmp_path):
    _, threshold = found(tmp_path, [{"prompt": row["prompt"]} for row in rows(400)], "--share", "0.25")
    scores = [complexity.score({"prompt": row["prompt"]}, shipped_weights()) for row in rows(400)]
    assert np.mean(np.array(scores) >= threshold["score"]) == pytest.approx(0.25, abs=0.01)
    assert threshold["prompts"] == len({row["prompt"] for row in rows(400)})
    assert threshold["weights"] == shipped_weights().digest


@pytest.mark.parametrize("words", [("--keep", "0.95"), ("--loss", "0.04")])
def test_the_quality_asked_for_is_kept_on_the_sample(tmp_path, words):
    _, threshold = found(tmp_path, rows(600), *words)
    share, quality, best = sent(tmp_path, threshold)
    wanted = 0.95 * best if words[0] == "--keep" else best - 0.04
    assert quality == pytest.approx(wanted, abs=0.02)
    assert 0 < share < 1


def test_the_policys_line_is_printed(tmp_path, capsys):
    found(tmp_path, rows(100), "--share", "0.5")
    assert capsys.readouterr().out.startswith("hard_from: 0.")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [(("--keep", "0.95"), "without local labels no score means a quality"), (("--share", "2"), "must be from 0 to 1")],
)
def test_what_the_sample_cannot_tell_is_refused(tmp_path, capsys, words, complaint):
    code, _ = found(tmp_path, [{"prompt": "only a prompt"}], *words)
    assert code == 2
    assert complaint in capsys.readouterr().err
