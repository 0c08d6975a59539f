"""Which numbers of a text are worth looking at: every reading near a word for one, elsewhere only what has its form.

In tables and logs, where most digits are in cells too short for a number, this costs a tenth of reading them all.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from gateway.classify.cues import places
from gateway.classify.number_words import EVERY, EVERY_FORM, TO_FORM
from gateway.classify.numbers import Number, Span, readings

_LONG = 64  # more digits in line are a table, and read cell by cell
_CELL = re.compile(r"[0-9][0-9 ./_:+()-]{5,}[0-9]")
_LONG_GROUP = re.compile(r"(?<![0-9])[0-9]{11,19}(?![0-9])")
_MOMENT = re.compile(r"(?:19|20)[0-9]{2}([-/.])[01][0-9]\1[0-3][0-9][ T_-]{1,3}[0-2][0-9]:")
_FEWEST = 7  # digits: a telephone number
_SHORTEST, _SHORTEST_UNTOLD, _LONGEST_MOMENT = 8, 11, 20  # digits
_ROW = re.compile(r"[0-9]+(?:([^0-9]{1,3})[0-9]+(?:\1[0-9]+)*)?")
_TIGHT_ROW = re.compile(r"[0-9]+(?:[./_:-][0-9]+)+")
_FOURS = b"0000-0000-0000-0000"
_BEFORE, _AFTER = 100, 140  # of a word: where a number that it tells of may begin, and where it ends at last


def cells(text: str, shape: bytes, runs: Iterable[Span]) -> Iterator[Span]:
    """The runs of digits, the long ones cut where no number goes on: at commas, tabs and the ends of lines."""
    for run in runs:
        if run.end - run.start <= _LONG:
            yield run
        else:
            for match in _CELL.finditer(text, run.start, run.end):
                if shape.count(b"0", *match.span()) >= _FEWEST:
                    yield Span(*match.span())


def candidates(text: str, lower: str, shape: bytes, runs: Sequence[Span], parts: Sequence[Span]) -> Iterator[Number]:
    """Every number worth looking at, once. `parts` are the cells of the runs. Linear in the text."""
    seen: set[tuple[int, int]] = set()
    words = places(lower, around(runs, len(text), _AFTER, _BEFORE), EVERY)
    told = _joined(Span(place - _BEFORE, place + _AFTER) for place in words)
    for found in (_told(text, runs, told), _untold(text, shape, parts)):
        for number in found:
            if (number.start, number.end) not in seen:
                seen.add((number.start, number.end))
                yield number


def around(runs: Sequence[Span], length: int, before: int, after: int) -> list[Span]:
    """Where words that tell of a run may stand; all of the text where runs are dense."""
    if len(runs) * (before + after) > length:
        return [Span(0, length)]
    return _joined(Span(max(0, run.start - before), run.end + after) for run in runs)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order of their beginnings; what overlaps is one."""
    found: list[Span] = []
    for span in spans:
        if found and found[-1].end >= span.start:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def _told(text: str, runs: Sequence[Span], told: Iterable[Span]) -> Iterator[Number]:
    """All readings of the runs, or of the parts of long ones, that lie where a word may tell of them."""
    for window in told:
        index = bisect_left(runs, window.start, key=lambda run: run.end)
        while index < len(runs) and runs[index].start < window.end:
            run = runs[index]
            part = run if run.end - run.start <= _LONG else _cut(text, run, window)
            yield from readings(text, part, is_told=True, is_cut=part != run)
            index += 1


def _cut(text: str, run: Span, window: Span) -> Span:
    """The part of a run within a window, with no group of digits cut in two that could be one number."""
    start, end = max(run.start, window.start), min(run.end, window.end)
    while run.start < start and text[start - 1].isdigit() and start > window.start - _BEFORE:
        start -= 1
    while end < run.end and text[end].isdigit() and end < window.end + _BEFORE:
        end += 1
    return Span(start, end)


def _untold(text: str, shape: bytes, parts: Iterable[Span]) -> Iterator[Number]:
    for part in parts:
        digits = shape.count(b"0", part.start, part.end)
        if digits < _SHORTEST:
            continue
        if part.end - part.start > _LONG:
            yield from _in_line(text, shape, part)
        elif _has_form(text[part.start : part.end]) or (digits >= _SHORTEST_UNTOLD and _has_row(text, shape, part)):
            yield from readings(text, part, is_told=False)


def _has_form(written: str) -> bool:
    """Whether it, or a part of it between blanks, is written as only an identity number is."""
    form = written.translate(TO_FORM)
    return form in EVERY_FORM or (" " in form and not EVERY_FORM.isdisjoint(form.split(" ")))


def _has_row(text: str, shape: bytes, part: Span) -> bool:
    """Whether enough digits for a number stand in line with the same separator, or with none but tight ones."""
    if _MOMENT.match(text, part.start) and shape.count(b"0", part.start, part.end) <= _LONGEST_MOMENT:
        return False
    for form in (_ROW, _TIGHT_ROW):
        for match in form.finditer(text, part.start, part.end):
            if shape.count(b"0", *match.span()) >= _SHORTEST_UNTOLD:
                return True
    return False


def _in_line(text: str, shape: bytes, part: Span) -> Iterator[Number]:
    """Of a long line of numbers the long ones, and four groups of four."""
    for match in _LONG_GROUP.finditer(text, part.start, part.end):
        yield from readings(text, Span(*match.span()), is_told=False, is_cut=True)
    place = shape.find(_FOURS, part.start, part.end)
    while place >= 0:
        line = _line(shape, place, part)
        yield from readings(text, line, is_told=False, is_cut=True)
        place = shape.find(_FOURS, line.end, part.end)


def _line(shape: bytes, place: int, part: Span) -> Span:
    """The groups of four around a place, as far as there are any."""
    end = place + len(_FOURS)
    while shape.startswith(b"-0000", end) and end + 5 <= part.end:
        end += 5
    return Span(place, end)
