"""What a detector is and what it returns; the word a hit stands beside raises what a number alone cannot prove."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from gateway.classify.cues import Cue
from gateway.classify.view import View

CERTAIN = 0.99  # a checksum of two digits or more, or a form that nothing else has
LIKELY = 0.9  # a checksum of one digit and the usual form, or a word that says so
POSSIBLE = 0.7  # the usual form, or a word that says so, and nothing against it


class Hit(NamedTuple):
    """One find, in code points of the view's text, end exclusive. `kind` where it is not the detector's own."""

    start: int
    end: int
    confidence: float
    kind: str = ""


class Detector(msgspec.Struct, frozen=True):
    """A row of the table of detectors: `name` for records, the `kind` that policies speak of, and how to look.

    `also`: other kinds that its hits may name. `needs`: the traits of a view (any of them) without which there is
    nothing to find; nought: always look. `reads_prose`: what it finds depends on all the words around, so it is shown
    each string by itself: another string beside it can add a find and never take one away.
    """

    name: str
    kind: str
    find: Callable[[View], Iterator[Hit]]
    needs: int = 0
    also: tuple[str, ...] = ()
    reads_prose: bool = False


def announced(view: View, start: int, end: int, words: Cue, before: int = 60, after: int = 30) -> bool:
    """Whether one of the words stands near the place."""
    begin, stop = max(0, start - before), end + after
    for stem in words.stems:
        place = view.lower.find(stem, begin, stop)
        while place >= 0:
            if words.pattern.match(view.lower, place, stop):
                return True
            place = view.lower.find(stem, place + 1, stop)
    return False
