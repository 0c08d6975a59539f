"""Stop text is cut off wherever it falls, and nothing else is lost."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.tgi_stops import StopCutter, cut

LETTERS = st.text("ab\n#", max_size=30)
STOPS = st.lists(st.text("ab\n#", min_size=1, max_size=5), max_size=4)


def pieces(text: str, cuts: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(at % (len(text) + 1) for at in cuts)})
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@given(text=LETTERS, stops=STOPS, cuts=st.lists(st.integers(0, 40)))
def test_pieces_make_no_difference(text: str, stops: list[str], cuts: list[int]) -> None:
    cutter = StopCutter(stops)
    out = "".join(cutter.feed(piece) for piece in pieces(text, cuts)) + cutter.finish()
    assert (out, cutter.is_cut) == cut(text, stops)


@given(text=LETTERS, stops=STOPS)
def test_what_comes_out_begins_the_text_and_holds_no_stop(text: str, stops: list[str]) -> None:
    kept, is_cut = cut(text, stops)
    assert text.startswith(kept)
    assert not any(stop in kept for stop in stops)
    assert is_cut == any(stop in text for stop in stops)
    assert is_cut or kept == text


@given(text=LETTERS, stops=STOPS)
def test_no_more_is_held_back_than_could_become_a_stop(text: str, stops: list[str]) -> None:
    cutter = StopCutter(stops)
    out = cutter.feed(text)
    held = cutter.finish()
    assert held == "" or any(stop.startswith(held) for stop in stops)
    assert cutter.is_cut or out + held == text


@pytest.mark.parametrize(
    ("text", "stops", "kept"),
    [
        ("one ### two", ["###"], "one "),
        ("one ## two", ["###"], "one ## two"),
        ("abcd", ["abcd", "bc"], "a"),
        ("xbc", ["c", "bc"], "x"),
        ("plain", [], "plain"),
    ],
)
def test_the_stop_that_is_complete_first_wins(text: str, stops: list[str], kept: str) -> None:
    assert cut(text, stops)[0] == kept
