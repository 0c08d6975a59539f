"""A company's own names, thousands of them: found as whole words in any case, at the cost of splitting the text.

Of each entry only its rarest word is looked for in the text's words; where it stands, the words around it are compared.
So a text without any costs some 5 µs a kilobyte, whatever the number of entries.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from gateway.classify.hits import CERTAIN, Detector, Hit
from gateway.classify.normalize import meant
from gateway.classify.view import View
from gateway.core.labelling import Lexicon

_TO_WORDS = bytes(code if code >= 128 or chr(code).isalnum() else 32 for code in range(256))
_WORD = re.compile(r"[0-9a-z\x80-\U0010ffff]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Letters of scripts that put no blanks between words: such an entry is looked for inside other text."""
_SEPARATING = ("P", "S", "Z")

Entry = tuple[str, ...]
Key = TypeVar("Key")


class _Shape(NamedTuple):
    """How an entry lies around its rarest word: that many words before it, that many in all."""

    before: int
    words: int


def detectors_of(lexicons: Sequence[Lexicon]) -> tuple[Detector, ...]:
    """One detector for all of them, so that a text is split into words once; none for none."""
    if not lexicons:
        return ()
    names = tuple(dict.fromkeys(lexicon.name for lexicon in lexicons))
    return (Detector("lexicons", names[0], _Lexicons(lexicons).find, also=names[1:]),)


class _Lexicons:
    """Every entry by its words, and which words of a text say that one may be there. Changes no more once built."""

    def __init__(self, lexicons: Sequence[Lexicon]) -> None:
        self._kinds: dict[Entry, tuple[str, ...]] = {}
        self._unspaced: dict[str, tuple[str, ...]] = {}
        for lexicon in lexicons:
            for written in lexicon.entries:
                plain = _plain((written if written.isascii() else meant(written)[0]).lower())
                if _UNSPACED.search(plain):
                    _add(self._unspaced, " ".join(plain.split()), lexicon.name)
                    _add(self._unspaced, "".join(plain.split()), lexicon.name)
                else:
                    _add(self._kinds, tuple(_WORD.findall(plain)), lexicon.name)
        self._shapes = _shapes(self._kinds)
        self._gate = frozenset(word.encode() for word in self._shapes)
        self._firsts: dict[str, list[str]] = {}
        for entry in self._unspaced:
            self._firsts.setdefault(entry[0], []).append(entry)

    def find(self, view: View) -> Iterator[Hit]:
        lower = view.lower if view.lower.isascii() else _plain(view.lower)
        if not self._gate.isdisjoint(lower.encode("utf-8", "replace").translate(_TO_WORDS).split()):
            yield from self._words(lower)
        if self._firsts and not self._firsts.keys().isdisjoint(lower):
            yield from self._inside(lower)

    def _words(self, lower: str) -> Iterator[Hit]:
        spans = [match.span() for match in _WORD.finditer(lower)]
        words = [lower[start:end] for start, end in spans]
        for number, word in enumerate(words):
            for before, count in self._shapes.get(word, ()):
                first = number - before
                if first < 0:
                    continue
                for kind in self._kinds.get(tuple(words[first : first + count]), ()):
                    yield Hit(spans[first][0], spans[first + count - 1][1], CERTAIN, kind)

    def _inside(self, lower: str) -> Iterator[Hit]:
        for place, char in enumerate(lower):
            for entry in self._firsts.get(char, ()):
                if lower.startswith(entry, place):
                    for kind in self._unspaced[entry]:
                        yield Hit(place, place + len(entry), CERTAIN, kind)


def _add(known: dict[Key, tuple[str, ...]], entry: Key, name: str) -> None:
    if entry and name not in known.get(entry, ()):
        known[entry] = (*known.get(entry, ()), name)


def _shapes(entries: Mapping[Entry, object]) -> dict[str, tuple[_Shape, ...]]:
    """By the word that the fewest entries have, and of those the longest."""
    count = Counter(word for entry in entries for word in set(entry))
    shapes: dict[str, dict[_Shape, None]] = {}
    for entry in entries:
        rarest = min(entry, key=lambda word: (count[word], -len(word)))
        shapes.setdefault(rarest, {})[_Shape(entry.index(rarest), len(entry))] = None
    return {word: tuple(found) for word, found in shapes.items()}


def _plain(lower: str) -> str:
    """Signs outside ASCII that are no part of a word as blanks; of the same length."""
    for char in set(lower):
        if char > "\x7f" and unicodedata.category(char)[0] in _SEPARATING:
            lower = lower.replace(char, " ")
    return lower
