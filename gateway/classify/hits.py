"""What a detector is and what it returns; the word a hit stands beside raises what a number alone cannot prove."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from gateway.classify.view import View

CERTAIN = 0.99  # a checksum of two digits or more, or a form that nothing else has
LIKELY = 0.9  # a checksum of one digit and the usual form, or a word that says so
POSSIBLE = 0.7  # the usual form, or a word that says so, and nothing against it


class Hit(NamedTuple):
    """One find, in code points of the view's text, end exclusive."""

    start: int
    end: int
    confidence: float


class Detector(msgspec.Struct, frozen=True):
    """A row of the table of detectors: `name` for records, the `kind` that policies speak of, and how to look."""

    name: str
    kind: str
    find: Callable[[View], Iterator[Hit]]


def cue(words: str) -> re.Pattern[str]:
    """A pattern for words that announce a value, in lower-cased text; a word that ends in `*` may go on.

    `_` stands for a blank, a dash or nothing. Scripts that write no blanks between words get no word boundary.
    """
    return re.compile("|".join(_word(word) for word in words.split()))


def _word(word: str) -> str:
    stem = re.escape(word.rstrip("*")).replace("_", r"[\s_-]?")
    if word >= "\u3000":  # Chinese, Japanese, Korean
        return stem
    return r"(?<![^\W\d_])" + stem + ("" if word.endswith("*") else r"(?![^\W_])")


def announced(view: View, start: int, end: int, words: re.Pattern[str], before: int = 60, after: int = 30) -> bool:
    """Whether one of the words stands near the place."""
    return words.search(view.lower, max(0, start - before), end + after) is not None
