"""What detectors see of one text: the text and a few cheap projections of it, each computed once.

`shape` has one byte for each character (`a` letter, `0` digit, `-` anything that may separate digits), so that C-speed
searches for literal bytes stand in for most patterns, and a text without candidates never meets a regular expression.
"""

import re

import msgspec

from gateway.classify.candidates import candidates, cells
from gateway.classify.numbers import Number, Span

_LETTER, _DIGIT, _SEPARATOR, _TOKEN, _OTHER = b"a0-x "
_TOKEN_MARKS = "_-+/.~"


def _shape_of(char: str) -> int:
    if char.isalpha():
        return _LETTER
    return _DIGIT if char.isdecimal() else _SEPARATOR


def _token_of(char: str) -> int:
    return _TOKEN if char.isascii() and (char.isalnum() or char in _TOKEN_MARKS) else _OTHER


_SHAPES = bytes(_shape_of(chr(code)) for code in range(256))
_TOKENS = bytes(_token_of(chr(code)) for code in range(256))
_BETWEEN = bytes(code for code in range(256) if _SHAPES[code] == _SEPARATOR)
_LONG = b"x" * 16
_MIN_DIGITS = 4

# What a text must have for a detector to be asked at all; plain integers, because flags of `enum` cost a microsecond.
DIGITS = 1  # four digits or more
RUNS = 2  # seven digits or more with little between them
TOKENS = 4  # an unbroken stretch of 16 characters
AT = 8  # the sign `@`
ASSIGNMENT = 16  # a digit, `:`, `=` or `-`: no password is told without one
_SEVEN = b"0" * 7
_RUN = re.compile(rb"0(?:-{0,3}0){6,}")  # seven digits or more, at most three separators between two


class View(msgspec.Struct, frozen=True):
    """One text, ready to be looked at.

    `lower` has the same length as `text`. `compact` is the shape without separators, empty where there are few digits.
    `runs` are digits with separators between them, seven digits at least, long ones cut into the cells of a table, and
    `numbers` the ways to read them; `tokens` unbroken stretches of 16 characters and more that keys and encodings are
    written in. `traits` sums up what detectors ask for.
    """

    text: str
    lower: str
    shape: bytes
    compact: bytes
    runs: tuple[Span, ...]
    numbers: tuple[Number, ...]
    tokens: tuple[Span, ...]
    traits: int


def view(text: str) -> View:
    """Project a text; about 3 µs for a kilobyte in which nothing is found."""
    raw = text.encode("latin-1", "replace")
    shape = raw.translate(_SHAPES)
    digits = shape.count(b"0")
    traits, compact, lower = 0, b"", _lower(text)
    runs: tuple[Span, ...] = ()
    if digits >= _MIN_DIGITS:
        traits, compact = DIGITS, raw.translate(_SHAPES, _BETWEEN)
    numbers: tuple[Number, ...] = ()
    if _SEVEN in compact:
        whole = [Span(*match.span()) for match in _RUN.finditer(shape)]
        runs = tuple(cells(text, shape, whole))
        numbers = tuple(candidates(text, lower, shape, whole, runs))
        traits |= RUNS if whole else 0
    tokens: tuple[Span, ...] = ()
    marks = raw.translate(_TOKENS)
    if _LONG in marks:
        tokens = _long_tokens(marks)
        traits |= TOKENS
    if "@" in text:
        traits |= AT
    if digits or ":" in text or "=" in text or "-" in text:
        traits |= ASSIGNMENT
    return View(text, lower, shape, compact, runs, numbers, tokens, traits)


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
