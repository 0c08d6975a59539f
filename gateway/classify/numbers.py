"""The ways to read digits as numbers: which groups belong together, and how they were written."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

_GROUP = re.compile(r"[0-9]+")
_MAX_DIGITS = 19
_MIN_DIGITS = 8


class Span(NamedTuple):
    """A place in the text: code points, end exclusive."""

    start: int
    end: int


class Number(NamedTuple):
    """One reading of (a part of) a run of digits.

    `shape` holds the group lengths, `separator` what stands between the groups: empty for one group, `"?"` where it
    differs from place to place. `is_whole`: no further digit stands beside it in its run. `row` counts the groups that
    stand in line with the same separator: a card has four, a table has many. `is_told`: a word for it may be near.
    """

    digits: str
    start: int
    end: int
    shape: tuple[int, ...]
    separator: str
    is_whole: bool
    row: int
    is_told: bool


class _Groups(NamedTuple):
    """The groups of one run and the separators between them; `between[i]` follows `spans[i]`."""

    text: str
    spans: list[Span]
    between: list[str]


def readings(text: str, run: Span, is_told: bool = True, is_cut: bool = False) -> Iterator[Number]:
    """Every plausible reading of a run: the whole, each group, each row of equally separated groups and its ends.

    `is_cut`: digits go on beyond it, so that it is no whole.

    The number of readings is linear in the length of the run.
    """
    spans = [Span(*match.span()) for match in _GROUP.finditer(text, run.start, run.end)]
    between = [text[left.end : right.start] for left, right in pairwise(spans)]
    groups = _Groups(text, spans, between)
    seen: set[tuple[int, int]] = set()
    for first, last, row in _ranges(groups):
        if (first, last) not in seen:
            seen.add((first, last))
            if _MIN_DIGITS <= sum(span.end - span.start for span in spans[first : last + 1]) <= _MAX_DIGITS:
                is_whole = not is_cut and first == 0 and last == len(spans) - 1
                yield _read(groups, first, last, row, is_whole, is_told)


def _ranges(groups: _Groups) -> Iterator[tuple[int, int, int]]:
    """First group, last group (inclusive) and size of the row, for every range worth reading."""
    spans, between = groups.spans, groups.between
    if len(spans) <= _MAX_DIGITS:
        yield 0, len(spans) - 1, len(spans)
    for index, span in enumerate(spans):
        if span.end - span.start >= _MIN_DIGITS:
            yield index, index, 1
    if len(spans) > 1:
        for first, last in _rows(between):
            yield from _parts(spans, first, last)
        for first, last in _rows([_is_tight(separator) for separator in between]):
            if last - first < _MAX_DIGITS and _is_tight(between[first]):
                yield first, last, last - first + 1


def _is_tight(separator: str) -> bool:
    return len(separator) == 1 and separator in ".-/_:"


def _rows(between: Sequence[str | bool]) -> Iterator[tuple[int, int]]:
    """Maximal rows of groups with the same separator."""
    first = 0
    for index in range(1, len(between) + 1):
        if index == len(between) or between[index] != between[first]:
            yield first, index
            first = index


def _parts(spans: list[Span], first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """A row's beginnings and endings (itself among them), and the stretches of four groups of four within."""
    row = last - first + 1
    for end in _within(spans, range(first, last + 1)):
        yield first, end, row
    for start in _within(spans, range(last, first - 1, -1)):
        yield start, last, row
    fours = 0
    for index in range(first, last + 1):
        fours = fours + 1 if spans[index].end - spans[index].start == 4 else 0
        if fours and fours % 4 == 0:
            yield index - 3, index, row


def _within(spans: list[Span], indices: range) -> Iterator[int]:
    """How far a number that begins at the first index may reach."""
    total = 0
    for index in indices:
        total += spans[index].end - spans[index].start
        if total > _MAX_DIGITS:
            return
        if total >= _MIN_DIGITS:
            yield index


def _read(groups: _Groups, first: int, last: int, row: int, is_whole: bool, is_told: bool) -> Number:
    spans = groups.spans[first : last + 1]
    separators = set(groups.between[first:last])
    return Number(
        digits="".join(groups.text[span.start : span.end] for span in spans),
        start=spans[0].start,
        end=spans[-1].end,
        shape=tuple(span.end - span.start for span in spans),
        separator=separators.pop() if len(separators) == 1 else "?" if separators else "",
        is_whole=is_whole,
        row=row,
        is_told=is_told,
    )
