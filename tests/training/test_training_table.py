"""The page of figures, and the noise it puts on prompts."""

import random

import pytest
from outcome_rows import rows, write

from gateway.cli import main
from gateway.training.table import typos


@pytest.mark.slow
def test_the_table_says_what_each_source_gains_and_what_a_score_costs(tmp_path, capsys):
    folder = write(tmp_path / "rows", rows(320, "sums") + rows(310, "others"))
    assert main(["train", "complexity-table", "--data", str(folder)]) == 0
    told = capsys.readouterr().out
    assert all(word in told for word in ("source never seen", "200 labels beat the prior on", "lower case", "µs p50"))
    assert told.count("sums") == told.count("others") == 2


def test_a_typo_swaps_neighbours_within_a_word_and_no_more():
    text = "every single sentence " * 40
    noisy = typos(text, random.Random(1))
    assert noisy != text
    pairs = list(zip(text.split(" "), noisy.split(" "), strict=True))
    assert all(sorted(word) == sorted(mangled) for word, mangled in pairs)
    assert sum(word != mangled for word, mangled in pairs) < 20
