"""The shipped policies are checked and tested by their own cases, and no change to a rule of theirs goes unnoticed."""

from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))


def test_nothing_is_wrong_with_any_of_them(shown) -> None:
    code, out, _ = shown("check", *FILES)
    assert (code, [line for line in out.splitlines() if ": proved: " not in line]) == (0, [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_promises_in_so_many_words_that_confidential_stays(shown, path) -> None:
    _, out, _ = shown("check", path)
    assert "confidential or restricted goes to zone `o" in out
    assert "while all is up" in out


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_own_cases_hold_reach_every_rule_and_notice_every_change(shown, path) -> None:
    code, out, err = shown("test", path, "--min-score", "100")
    assert (code, err) == (0, ""), out
    assert "` 0" not in out
