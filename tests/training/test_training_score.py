"""`gateway train score`: the scores that serving gives, a line for a line, and bad lines by number."""

import json
import time

import pytest
from outcome_rows import texts

from gateway.classify import complexity
from gateway.classify.weights import dump, shipped_weights
from gateway.cli import main


def scored(tmp_path, rows, *words):
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code = main(["train", "score", "--in", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl"), *words])
    return code, [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()] if code == 0 else []


def test_a_prompt_is_scored_as_serving_would(tmp_path):
    tools = [{"type": "function", "function": {"name": "f"}}]
    messages = [{"role": "user", "content": "Prove it"}]
    code, answers = scored(tmp_path, [{"id": 7, "prompt": "Say hi"}, {"id": "b", "messages": messages, "tools": tools}])
    expected = [complexity.score(body, shipped_weights()) for body in
                ({"prompt": "Say hi"}, {"messages": messages, "tools": tools})]  # fmt: skip
    assert code == 0
    assert [(answer["id"], answer["score"]) for answer in answers] == [(7, expected[0]), ("b", expected[1])]
    assert answers[0] == {"id": 7, "score": expected[0], "probability": None, "tier": "simple"}


def test_other_weights_give_other_scores(tmp_path):
    shipped = shipped_weights()
    none = [0.0] * len(shipped.counters)
    (tmp_path / "weights").write_bytes(dump([0.0] * len(shipped.buckets), none, 0.0, none))
    _, (answer,) = scored(tmp_path, [{"prompt": "Say hi"}], "--weights", str(tmp_path / "weights"))
    assert (answer["score"], answer["tier"]) == (0.5, "hard")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"id": 1}, "either `prompt` or `messages`"),
        ({"prompt": "a", "messages": []}, "either `prompt` or `messages`"),
        ({"prompt": 3}, "Expected `str | null`"),
        ([], "Expected `object`"),
        ({"prompt": "a", "tools": "no json"}, "malformed"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_nothing_is_written(tmp_path, capsys, row, complaint):
    code, _ = scored(tmp_path, [{"prompt": "fine"}, row])
    told = capsys.readouterr().err
    assert code == 2
    assert "in.jsonl, line 2" in told
    assert complaint in told
    assert not (tmp_path / "out.jsonl").exists()


def test_missing_files_are_named(tmp_path, capsys):
    assert main(["train", "score", "--in", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "name a file with --in" in capsys.readouterr().err


def test_ten_thousand_rows_take_less_than_a_minute(tmp_path):
    began = time.monotonic()
    code, answers = scored(tmp_path, [{"id": n, "prompt": text} for n, text in enumerate(texts(10_000))])
    assert (code, len(answers)) == (0, 10_000)
    assert time.monotonic() - began < 60


def test_explained_are_five_features_in_words_and_none_of_the_prompt(tmp_path):
    _, (answer,) = scored(tmp_path, [{"prompt": "Prove the xylophone theorem"}], "--explain")
    assert len(answer["because"]) == 5
    assert all("need (" in line for line in answer["because"])
    assert "xylophone" not in json.dumps(answer)


def test_what_has_no_features_is_explained_too(tmp_path):
    _, (answer,) = scored(tmp_path, [{"messages": []}], "--explain")
    assert (answer["score"], answer["because"]) == (1.0, ["nothing that could be read as text"])
