"""From a text to findings: normalise, look, decode, look again."""

from collections.abc import Sequence
from itertools import islice

import msgspec

from gateway.classify.decode import decoded
from gateway.classify.detectors import DETECTORS
from gateway.classify.hits import Detector
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


def scan(text: str, detectors: Sequence[Detector] = DETECTORS) -> Scan:
    """Everything sensitive in a text, in all layers of encoding. Never raises."""
    tally = _Tally()
    budget = _BUDGET_PER_CHAR * len(text) + _BUDGET_FLAT
    layers, seen = [(text, 0)], {text}
    for layer, depth in layers:  # grows while it is walked: breadth first
        budget -= len(layer)
        if budget < 0:
            tally.unreadable.add("encoded too often")
            break
        further = _look(layer, detectors, tally)
        fresh = [other for other in further if other not in seen]
        if fresh and depth == _MAX_DEPTH:
            tally.unreadable.add("encoded too often")
            continue
        seen.update(fresh)
        layers.extend((other, depth + 1) for other in fresh)
    return tally.result()


class _Tally:
    """Collects over the layers of one text."""

    __slots__ = ("counts", "failed", "unreadable")

    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, float]] = {}
        self.failed: set[str] = set()
        self.unreadable: set[str] = set()

    def result(self) -> Scan:
        if not (self.counts or self.failed or self.unreadable):
            return NOTHING
        findings = tuple(Finding(kind, count, sure) for kind, (count, sure) in sorted(self.counts.items()))
        return Scan(findings, tuple(sorted(self.failed)), tuple(sorted(self.unreadable)))


def _look(layer: str, detectors: Sequence[Detector], tally: _Tally) -> list[str]:
    """Run every detector over one layer; returns what else the layer says."""
    try:
        further: tuple[str, ...] = ()
        if not layer.isascii():
            layer, further = meant(layer)
        seen = view(layer)
    except Exception:
        tally.failed.add("normaliser")
        return []
    for detector in detectors:
        if detector.needs == 0 or detector.needs & seen.traits:
            _detect(detector, seen, tally)
    try:
        more = decoded(layer, seen.tokens)
    except Exception:
        tally.failed.add("decoder")
        return []
    if more.has_blob:
        tally.unreadable.add("blob")
    return [*further, *more.texts]


def _detect(detector: Detector, seen: View, tally: _Tally) -> None:
    """A detector that crashes is named; what it found before counts."""
    try:
        for hit in islice(detector.find(seen), _ENOUGH):
            count, sure = tally.counts.get(detector.kind, (0, 0.0))
            tally.counts[detector.kind] = (count + 1, max(sure, hit.confidence))
    except Exception:
        tally.failed.add(detector.name)
