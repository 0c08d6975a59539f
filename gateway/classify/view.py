"""What detectors see of one text: the text and a few cheap projections of it, each computed once.

`shape` has one byte for each character (`a` letter, `0` digit, `-` anything that may separate digits), so that C-speed
searches for literal bytes stand in for most patterns, and a text without candidates never meets a regular expression.
"""

import re
from typing import NamedTuple

import msgspec

_LETTER, _DIGIT, _SEPARATOR, _TOKEN, _OTHER = b"a0-x "
_TOKEN_MARKS = "_-+/."


def _shape_of(char: str) -> int:
    if char.isalpha():
        return _LETTER
    return _DIGIT if char.isdecimal() else _SEPARATOR


def _token_of(char: str) -> int:
    return _TOKEN if char.isascii() and (char.isalnum() or char in _TOKEN_MARKS) else _OTHER


_SHAPES = bytes(_shape_of(chr(code)) for code in range(256))
_TOKENS = bytes(_token_of(chr(code)) for code in range(256))
_LONG = b"x" * 16
_MIN_RUN_DIGITS = 7
_RUN = re.compile(rb"0(?:-{0,3}0){6,}")  # seven digits or more, at most three separators between two


class Span(NamedTuple):
    """A place in the text: code points, end exclusive."""

    start: int
    end: int


class View(msgspec.Struct, frozen=True):
    """One text, ready to be looked at.

    `lower` has the same length as `text`. `runs` are digits with separators between them, seven digits at least;
    `tokens` unbroken stretches of 16 characters and more that keys and encodings are written in.
    """

    text: str
    lower: str
    shape: bytes
    runs: tuple[Span, ...]
    tokens: tuple[Span, ...]


def view(text: str) -> View:
    """Project a text; about 3 µs for a kilobyte in which nothing is found."""
    raw = text.encode("latin-1", "replace")
    shape = raw.translate(_SHAPES)
    runs: tuple[Span, ...] = ()
    if shape.count(b"0") >= _MIN_RUN_DIGITS:
        runs = tuple(Span(*match.span()) for match in _RUN.finditer(shape))
    tokens: tuple[Span, ...] = ()
    marks = raw.translate(_TOKENS)
    if _LONG in marks:
        tokens = _long_tokens(marks)
    return View(text, _lower(text), shape, runs, tokens)


def _long_tokens(marks: bytes) -> tuple[Span, ...]:
    spans: list[Span] = []
    start = marks.find(_LONG)
    while start >= 0:
        end = marks.find(b" ", start)
        end = len(marks) if end < 0 else end
        spans.append(Span(start, end))
        start = marks.find(_LONG, end)
    return tuple(spans)


def _lower(text: str) -> str:
    """Lower case without a change of length: one letter of Unicode has a lower case of two code points."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.replace("\u0130", "I").lower()
