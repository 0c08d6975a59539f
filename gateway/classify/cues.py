"""Words that announce a value, and where a text uses them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from gateway.classify.numbers import Span


class Cue(msgspec.Struct, frozen=True):
    """Words that announce a value; the `pattern` is tried only where one of the `stems` was found, at a twentieth."""

    stems: tuple[str, ...]
    pattern: re.Pattern[str]


def cue(words: str) -> Cue:
    """A cue of words for lower-cased text, separated by blanks; a word that ends in `*` may go on.

    `_` stands for a blank, a dash or nothing. Scripts that write no blanks between words get no word boundary.
    """
    every = words.split()
    stems = dict.fromkeys(word.rstrip("*").partition("_")[0] for word in every)
    return Cue(tuple(stems), re.compile("|".join(_word(word) for word in every)))


def _word(word: str) -> str:
    stem = re.escape(word.rstrip("*")).replace("_", r"[\s_-]?")
    if _is_unspaced(word):
        return stem
    return r"(?<![^\W\d_])" + stem + ("" if word.endswith("*") else r"(?![^\W_])")


def _is_unspaced(word: str) -> bool:
    return word >= "\u3000"  # Chinese, Japanese, Korean


_LETTERS = re.compile(r"[^\W\d_]+")


class Vocabulary(msgspec.Struct, frozen=True):
    """The words of several cues, so that each word of a text is looked up but once.

    `heads`: the letters that words of it begin with, under the first two of them. `patterns`: of all words with a head.
    """

    heads: Mapping[str, tuple[str, ...]]
    patterns: Mapping[str, re.Pattern[str]]
    unspaced: frozenset[str]


def vocabulary(*texts: str) -> Vocabulary:
    """A vocabulary of words as `cue` takes them."""
    by_head: dict[str, list[str]] = {}
    for word in dict.fromkeys(" ".join(texts).split()):
        by_head.setdefault(_head(word), []).append(word)
    heads: dict[str, tuple[str, ...]] = {}
    for head in by_head:
        heads[head[:2]] = (*heads.get(head[:2], ()), head)
    patterns = {head: re.compile("|".join(map(_word, words))) for head, words in by_head.items()}
    return Vocabulary(MappingProxyType(heads), MappingProxyType(patterns), frozenset(filter(_is_unspaced, by_head)))


def _head(word: str) -> str:
    """The letters a word begins with; of scripts without blanks the whole of it."""
    match = _LETTERS.match(word)
    return word.rstrip("*") if match is None or _is_unspaced(word) else match.group()


def places(lower: str, spans: Iterable[Span], words: Vocabulary) -> list[int]:
    """Where in these spans of a lower-cased text (apart, in order) a word of the vocabulary begins, in order."""
    found: set[int] = set()
    for start, end in spans:
        used = {
            head
            for word in set(_LETTERS.findall(lower, start, end))
            for head in words.heads.get(word[:2], ())
            if word.startswith(head)
        }
        if not lower.isascii():
            used.update(stem for stem in words.unspaced if lower.find(stem, start, end) >= 0)
        for head in used:
            found.update(_uses(lower, Span(start, end), head, words.patterns[head]))
    return sorted(found)


def _uses(lower: str, span: Span, head: str, pattern: re.Pattern[str]) -> Iterator[int]:
    place = lower.find(head, span.start, span.end)
    while place >= 0:
        if pattern.match(lower, place):
            yield place
        place = lower.find(head, place + 1, span.end)
