"""Fitting the tagger of names: from a folder of annotated texts to weights that find whom they have not seen."""

import json
import os
import subprocess
import sys

import pytest

from gateway.classify.names import find_names
from gateway.classify.names_weights import load
from gateway.classify.view import view
from gateway.cli import main

SENTENCES = [
    ("Please send the contract to Jonas Albrecht today", 28, 43),
    ("Maria Lindqvist asked for a refund", 0, 15),
]


@pytest.fixture
def folder(tmp_path):
    rows = [
        {"text": text, "spans": [{"start": start, "end": end, "type": "PERSON"}], "labels": ["pii"], "source": "own/a"}
        for text, start, end in SENTENCES
    ]
    rows += [{"text": f"How many of the {n} apples are left?", "labels": ["none"], "source": "sums"} for n in range(9)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


@pytest.mark.slow
def test_what_is_fitted_finds_people_and_is_the_same_again(folder, tmp_path) -> None:
    first, second = tmp_path / "first.weights", tmp_path / "second.weights"
    for seed, out in enumerate((first, second)):
        command = [sys.executable, "-m", "gateway", "train", "sensitivity", "--data", str(folder), "--out", str(out)]
        told = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": str(seed)}, capture_output=True, timeout=120)
        assert told.stdout.startswith(b"wrote ")
    assert first.read_bytes() == second.read_bytes()
    text = "My name is Thomas Wagner."
    hits = list(find_names(view(text), load(first.read_bytes())))
    assert [(text[hit.start : hit.end], hit.kind) for hit in hits] == [("Thomas Wagner", "person")]


def test_a_folder_without_rows_is_told(tmp_path, capsys) -> None:
    out = str(tmp_path / "out")
    assert main(["train", "sensitivity", "--data", str(tmp_path), "--out", out]) == 2
    assert "no row is in" in capsys.readouterr().err
    assert main(["train", "sensitivity", "--data", str(tmp_path / "none"), "--out", out]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_line_that_is_no_row_is_told_by_its_place(tmp_path, capsys) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": 7}')
    assert main(["train", "sensitivity", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "rows.jsonl:1: Expected `str`, got `int`" in capsys.readouterr().err


@pytest.mark.slow
def test_the_table_judges_each_source_by_weights_that_have_not_seen_it(folder, capsys) -> None:
    text = "My card is " + "4539 1488 0343 6467" + "."
    leak = {"id": "1", "technique": "plain", "messages": [{"role": "user", "content": text}]}
    attempts = [{**leak, "expected": {"sensitive": True}}, {**leak, "expected": {"sensitive": False}}]
    (folder / "adversarial.jsonl").write_text("\n".join(map(json.dumps, attempts)))
    row = {"text": text, "spans": [{"start": 11, "end": 30, "type": "CREDIT_CARD"}], "source": "cards"}
    (folder / "cards.jsonl").write_text(json.dumps(row))
    assert main(["train", "sensitivity-table", "--data", str(folder)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[5] == "| hard negatives held | adversarial set | 1.000 (1 of 1) | at most 0.03 |"
    assert "| card found | cards | 1.000 (1 of 1) | at least 0.995 |" in told
    assert "| leak attempts held | adversarial set | 1.000 (1 of 1) | at least 0.95 |" in told
    assert any(line.startswith("| person fully covered | own |") for line in told)
    assert any(line.startswith("| ordinary prompts held for a name or address | sums |") for line in told)
