"""Outcome files that cannot be used are refused with file, line and remedy."""

import argparse
import gzip
import json

import pytest
from outcome_rows import rows, write

from gateway.core.errors import ConfigError
from gateway.training.commands import register
from gateway.training.outcomes import read_requests
from gateway.training.sample import sample_of

GOOD = {"prompt": "a prompt", "weak_score": 0, "strong_score": 1}


def gateway_train(*words: str) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True))
    given = parser.parse_args(words)
    code: int = given.func(given)
    return code


def test_rows_of_one_prompt_become_one_request_with_the_mean_scores(tmp_path):
    made = [GOOD | {"weak_score": score, "weak_model": f"m{score}"} for score in (0, 0, 1, 1)]
    (request,) = read_requests(write(tmp_path / "rows", made))
    assert (request.weak, request.strong) == (0.5, 1.0)


def test_plain_and_compressed_files_are_read_alike(tmp_path):
    folder = write(tmp_path / "rows", rows(5))
    (folder / "more.jsonl.gz").write_bytes(gzip.compress(json.dumps(GOOD).encode() + b"\n"))
    assert len(read_requests(folder)) == 6


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ('{"prompt": ', "line 2"),
        ("[]", "line 2"),
        ('{"weak_score": 0, "strong_score": 1}', "line 2.*either `prompt` or `messages`"),
        ('{"prompt": "a", "messages": []}', "line 2.*either `prompt` or `messages`"),
        ('{"prompt": "a", "weak_score": 1}', "line 2.*come together"),
        ('{"prompt": "a", "weak_score": 2, "strong_score": 1}', r"line 2.*`float` <= 1.*weak_score"),
        ('{"prompt": "a", "tools": "no json"}', "line 2"),
    ],
)
def test_a_broken_row_is_named_by_file_and_line(tmp_path, row, complaint):
    folder = write(tmp_path / "rows", [GOOD])
    with (folder / "outcomes.jsonl").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(ConfigError, match=f"outcomes.jsonl, {complaint}"):
        read_requests(folder)


def test_a_compressed_file_that_was_cut_off_is_refused(tmp_path):
    folder = write(tmp_path / "rows", [GOOD])
    whole = gzip.compress(json.dumps(rows(50)).encode())
    (folder / "cut.jsonl.gz").write_bytes(whole[:-20])
    with pytest.raises(ConfigError, match=r"cut.jsonl.gz: cannot be read to its end"):
        read_requests(folder)


def test_a_folder_that_is_missing_or_empty_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no folder `.*nowhere`"):
        read_requests(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"holds no `.jsonl`"):
        read_requests(tmp_path)
    with pytest.raises(ConfigError, match="hold no rows"):
        read_requests(write(tmp_path / "rows", []))


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        ([{"prompt": "only a prompt"}], "nothing to learn"),
        ([GOOD | {"prompt": f"p{number}"} for number in range(90)], "every outcome is the same"),
        (rows(20), "20 prompts have outcomes; at least 50"),
        ([GOOD | {"prompt": ""}, *rows(90)], "prompt 1 .* holds no text"),
    ],
    ids=["no outcomes", "one class", "few", "no text"],
)
def test_outcomes_from_which_nothing_can_be_learned_are_refused(tmp_path, made, complaint):
    with pytest.raises(ConfigError, match=complaint):
        sample_of(read_requests(write(tmp_path / "rows", made)), [])


def test_the_commands_fit_and_judge_a_weights_file(tmp_path, capsys):
    folder, weights = write(tmp_path / "rows", rows(100)), tmp_path / "new" / "weights"
    assert gateway_train("fit", "--data", str(folder), "--out", str(weights)) == 0
    assert gateway_train("evaluate", "--data", str(folder), "--weights", str(weights)) == 0
    assert "APGR" in capsys.readouterr().out


def test_a_weights_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"`.*nothing` cannot be read"):
        gateway_train(
            "evaluate", "--data", str(write(tmp_path / "rows", rows(5))), "--weights", str(tmp_path / "nothing")
        )
