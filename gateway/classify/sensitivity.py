"""From a text to findings: normalise, look, decode, look again."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from gateway.classify.decode import Reading, Stretch, decoded
from gateway.classify.detectors import DETECTORS
from gateway.classify.hits import Detector, Hit
from gateway.classify.normalize import meant
from gateway.classify.view import View, view
from gateway.core.types import Finding

_ENOUGH = 100  # of one detector in one layer: more changes no verdict
_MAX_DEPTH = 3  # base64 within base64 within an escape
_BUDGET_PER_CHAR, _BUDGET_FLAT = 8, 64_000  # characters looked at over all layers of one text


class Scan(msgspec.Struct, frozen=True):
    """What a text holds, without the text: findings, detectors that crashed, and content that was not looked into."""

    findings: tuple[Finding, ...] = ()
    failed: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


NOTHING = Scan()


class Layer(NamedTuple):
    """One way to read a text: `depth` decodings below `parent`, in which `stretches` tell where it is written.

    `is_look_alike`: it was read off the parent itself, not off what the parent means.
    """

    text: str
    depth: int = 0
    parent: "Layer | None" = None
    stretches: tuple[Stretch, ...] = ()
    is_look_alike: bool = False


def scan(text: str, detectors: Sequence[Detector] = DETECTORS) -> Scan:
    """Everything sensitive in a text, in all layers of encoding. Never raises."""
    tally = Tally()
    walk(text, detectors, tally)
    return tally.result()


def walk(text: str, detectors: Sequence[Detector], tally: "Tally") -> None:
    """Look at a text in all layers of encoding. Never raises."""
    budget = _BUDGET_PER_CHAR * len(text) + _BUDGET_FLAT
    layers, seen = [Layer(text)], {text}
    for layer in layers:  # grows while it is walked: breadth first
        budget -= len(layer.text)
        if budget < 0:
            tally.unreadable.add("encoded too often")
            break
        further = _look(layer, detectors, tally)
        if not further:
            continue
        fresh = [other for other in further if other.text not in seen]
        if fresh and layer.depth == _MAX_DEPTH:
            tally.unreadable.add("encoded too often")
            continue
        seen.update(other.text for other in fresh)
        layers.extend(fresh)


class Tally:
    """Collects over the layers of one text."""

    __slots__ = ("counts", "failed", "unreadable")

    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, float]] = {}
        self.failed: set[str] = set()
        self.unreadable: set[str] = set()

    def add(self, layer: Layer, detector: Detector, hit: Hit) -> None:
        kind = hit.kind or detector.kind
        count, sure = self.counts.get(kind, (0, 0.0))
        self.counts[kind] = (count + 1, max(sure, hit.confidence))

    def result(self) -> Scan:
        if not (self.counts or self.failed or self.unreadable):
            return NOTHING
        findings = tuple(Finding(kind, count, sure) for kind, (count, sure) in sorted(self.counts.items()))
        return Scan(findings, tuple(sorted(self.failed)), tuple(sorted(self.unreadable)))


def _look(layer: Layer, detectors: Sequence[Detector], tally: Tally) -> list[Layer]:
    """Run every detector over one layer; returns what else the layer says."""
    text, below = layer.text, layer.depth + 1
    try:
        further: tuple[Reading, ...] = ()
        if not text.isascii():
            text, further = meant(text)
        seen = view(text)
    except Exception:
        tally.failed.add("normaliser")
        return []
    for detector in detectors:
        if detector.needs == 0 or detector.needs & seen.traits:
            _detect(detector, layer, seen, tally)
    try:
        more = decoded(text, seen.tokens)
    except Exception:
        tally.failed.add("decoder")
        return []
    if more.has_blob:
        tally.unreadable.add("blob")
    return [
        *(Layer(other.text, below, layer, other.stretches, is_look_alike=True) for other in further),
        *(Layer(other.text, below, layer, other.stretches) for other in more.texts),
    ]


def _detect(detector: Detector, layer: Layer, seen: View, tally: Tally) -> None:
    """A detector that crashes is named; what it found before counts."""
    try:
        for hit in islice(detector.find(seen), _ENOUGH):
            tally.add(layer, detector, hit)
    except Exception:
        tally.failed.add(detector.name)
