"""Where in a text the findings stand, for people and for judging; serving asks only what they are."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.classify.decode import Stretch, unescaped
from gateway.classify.detectors import DETECTORS
from gateway.classify.hits import Detector, Hit
from gateway.classify.normalize import meant, origins
from gateway.classify.numbers import Span
from gateway.classify.sensitivity import Layer, Scan, Tally, walk

_LONGEST_ESCAPE = 40  # "&CounterClockwiseContourIntegral;"


class Place(NamedTuple):
    """One find of a kind, in code points of the text as it was given, end exclusive."""

    kind: str
    start: int
    end: int
    confidence: float


def places(text: str, detectors: Sequence[Detector] = DETECTORS) -> tuple[tuple[Place, ...], Scan]:
    """What `scan` finds, and where: each place once a kind, with the highest confidence, in the order of the text.

    A find in something encoded has the place of the encoded stretch.
    """
    tally = _Located()
    walk(text, detectors, tally)
    known: dict[int, list[Span]] = {}
    sure: dict[tuple[int, int, str], float] = {}
    for layer, kind, hit in tally.hits:
        start, end = _located(layer, Span(hit.start, hit.end), known)
        key = (start, end, kind)
        sure[key] = max(sure.get(key, 0.0), hit.confidence)
    return tuple(Place(kind, start, end, sure[start, end, kind]) for start, end, kind in sorted(sure)), tally.result()


class _Located(Tally):
    """A tally that keeps every hit with the layer it was found in."""

    __slots__ = ("hits",)

    def __init__(self) -> None:
        super().__init__()
        self.hits: list[tuple[Layer, str, Hit]] = []

    def add(self, layer: Layer, detector: Detector, hit: Hit) -> None:
        super().add(layer, detector, hit)
        self.hits.append((layer, hit.kind or detector.kind, hit))


def _located(layer: Layer, span: Span, known: dict[int, list[Span]]) -> Span:
    """From a place in what a layer means, outwards to the place in the text. `known`: origins by layer."""
    span = _as_written(layer, span, known)
    while layer.parent is not None:
        parent, is_look_alike = layer.parent, layer.is_look_alike
        told = parent.text if is_look_alike or parent.text.isascii() else meant(parent.text)[0]
        span = _outward(layer, span, told)
        if not is_look_alike:
            span = _as_written(parent, span, known)
        layer = parent
    return span


def _as_written(layer: Layer, span: Span, known: dict[int, list[Span]]) -> Span:
    if layer.text.isascii() or span.start == span.end:
        return span
    if id(layer) not in known:
        known[id(layer)] = origins(layer.text)
    covered = known[id(layer)][span.start : span.end]
    return Span(covered[0].start, covered[-1].end)


def _outward(layer: Layer, span: Span, told: str) -> Span:
    """The stretches of `told` that a place in the layer was read from."""
    parts = [
        _within(stretch, span, layer.text, told)
        for stretch in layer.stretches
        if stretch.at < span.end and span.start < stretch.at + stretch.size
    ]
    if not parts:
        return Span(0, len(told))
    return Span(min(part.start for part in parts), max(part.end for part in parts))


def _within(stretch: Stretch, span: Span, read: str, told: str) -> Span:
    """The very characters where the stretch was read as it stands or unescaped, else the whole stretch."""
    at, size, start, end = stretch
    first, last = max(0, span.start - at), min(size, span.end - at)
    if size == end - start:
        return Span(start + first, start + last)
    written, plain = told[start:end], read[at : at + size]
    if unescaped(written) != plain:
        return Span(start, end)
    begins, ends = _cuts(written, plain, first), _cuts(written, plain, last)
    return Span(start + max(begins), start + min(ends)) if begins and ends else Span(start, end)


def _cuts(written: str, plain: str, place: int) -> list[int]:
    """Where an escaped text can be cut as `plain` is at `place`; what it says grows with it, but for cut escapes."""
    low, high = 0, len(written)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if len(unescaped(written[:middle])) < place else (low, middle)
    near = range(max(0, low - _LONGEST_ESCAPE), min(len(written), low + _LONGEST_ESCAPE) + 1)
    return [
        cut for cut in near if unescaped(written[:cut]) == plain[:place] and unescaped(written[cut:]) == plain[place:]
    ]
