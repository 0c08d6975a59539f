"""Placeholders in a text back to their values, piece by piece, whatever the chunk boundaries.

A placeholder is known in any case, with or without its brackets, and with the escapes that Markdown and JSON put before
its marks or in their place: `[EMAIL_X1]`, `email_x1`, `\\[EMAIL\\_X1\\]`, `\\u005bEMAIL_X1\\u005d`. Without brackets it
must stand alone. A number that was never given out stays as it is.
"""

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gateway.core.placeholders import Placeholders

MOST_HELD = 32
"""Characters that may be kept back: the longest beginning of a placeholder, escapes included."""

_OPEN = ("[", r"\[", r"\\[", r"\u005b")
_LOW_LINE = ("_", r"\_", r"\\_", r"\u005f")
_CLOSE = ("]", r"\]", r"\\]", r"\u005d")
_DIGITS = r"[0-9]{1,5}"
# Not within a word, save after the escape of a line break or a tab: in JSON its letter is none.
_ALONE = r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))"
_SEAM = 2  # characters that have gone out and that `_ALONE` still asks about


class Grammar(NamedTuple):
    """How the placeholders of one request are written: whole ones, and what may still become one at a text's end."""

    whole: re.Pattern[str]
    begun: re.Pattern[str]


@functools.lru_cache(maxsize=256)
def grammar(letter: str, labels: tuple[str, ...]) -> Grammar:
    name = f"(?:{'|'.join(labels)}){_either(_LOW_LINE)}{letter}{_DIGITS}"
    named = f"({'|'.join(labels)}){_either(_LOW_LINE)}{letter}([0-9]{{1,5}})"
    whole = f"{_either(_OPEN)}{named}{_either(_CLOSE)}|{_ALONE}{named}(?![A-Za-z0-9_])"
    bare = _begun((labels, _LOW_LINE, (letter,)), _DIGITS)
    closing = f"{name}(?:{_beginnings(_CLOSE)})?"
    bracketed = _begun((_OPEN, labels, _LOW_LINE, (letter,)), _DIGITS)
    begun = rf"(?:{_either(_OPEN)}{closing}|{bracketed}|{_ALONE}{bare})\Z"
    return Grammar(re.compile(whole, re.IGNORECASE), re.compile(begun, re.IGNORECASE))


class Restoring:
    """One text on its way: `feed` returns what may go out, `finish` the rest. `is_json`: it is the inside of JSON."""

    __slots__ = ("_grammar", "_held", "_is_json", "_placeholders", "_seam")

    def __init__(self, placeholders: Placeholders, *, is_json: bool) -> None:
        self._placeholders = placeholders
        self._grammar = grammar(placeholders.letter, tuple(sorted(set(placeholders.labels))))
        self._is_json = is_json
        self._seam = ""
        self._held = ""

    @property
    def is_holding(self) -> bool:
        return bool(self._held)

    def feed(self, piece: str) -> str:
        """INVARIANT: holds back at most `MOST_HELD` characters, and only what may become a placeholder."""
        at = len(self._seam)
        text = self._seam + self._held + piece
        begun = self._grammar.begun.search(text, max(at, len(text) - MOST_HELD))
        return self._release(text, at, len(text) if begun is None else begun.start())

    def finish(self) -> str:
        at = len(self._seam)
        text = self._seam + self._held
        return self._release(text, at, len(text))

    def _release(self, text: str, at: int, end: int) -> str:
        parts: list[str] = []
        place = at
        for found in self._grammar.whole.finditer(text, at, end):
            value = self._value(found)
            if value is not None:
                parts += (text[place : found.start()], value)
                place = found.end()
        parts.append(text[place:end])
        self._held = text[end:]
        self._seam = text[max(0, end - _SEAM) : end]
        return "".join(parts)

    def _value(self, found: re.Match[str]) -> str | None:
        label, number = (found[1], found[2]) if found[1] else (found[3], found[4])
        value = self._placeholders.value(label.upper(), int(number))
        return value if value is None or not self._is_json else msgspec.json.encode(value).decode()[1:-1]


def restored(text: str, placeholders: Placeholders, *, is_json: bool) -> str:
    """A whole text."""
    restoring = Restoring(placeholders, is_json=is_json)
    return restoring.feed(text) + restoring.finish()


def _either(forms: Sequence[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, forms))})"


def _beginnings(forms: Sequence[str]) -> str:
    """A form's beginning, not yet all of it."""
    cut = {form[:end] for form in forms for end in range(1, len(form))} - set(forms)
    return "|".join(map(re.escape, sorted(cut, key=len, reverse=True))) or "(?!)"


def _begun(items: Sequence[Sequence[str]], last: str) -> str:
    """A sequence that breaks off anywhere after its first character."""
    begun = last
    for forms in reversed(items):
        begun = f"(?:{_either(forms)}(?:{begun})?|{_beginnings(forms)})"
    return begun
