"""What `gateway scan` asks: the findings of a whole request, each with the string it stands in."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.classify.across import rejoined
from gateway.classify.detectors import DETECTORS
from gateway.classify.flatten import strings, told
from gateway.classify.hits import Detector
from gateway.classify.places import Place, places
from gateway.classify.sensitivity import Scan

_SEVERAL = "messages"


class Finding(NamedTuple):
    """A place in the string at `path`, as `messages[0].content`; what no single string holds has the path `messages`.

    Then `start` and `end` are nought.
    """

    path: str
    place: Place


class Examined(NamedTuple):
    """What was found in a request, where, and what could not be read."""

    findings: tuple[Finding, ...]
    scans: tuple[Scan, ...]
    unreadable: tuple[str, ...]


class _Leaf(NamedTuple):
    """A string, a number or a key at `path`, as flattening tells it: `lead` characters, then itself."""

    path: str
    told: str
    lead: int


def examine(document: object, detectors: Sequence[Detector] = DETECTORS) -> Examined:
    """Look at every string of a request as serving does, and tell where the findings stand."""
    across = tuple(each for each in detectors if not each.reads_prose)
    within = tuple(each for each in detectors if each.reads_prose)
    flat = strings(document)
    leaves: dict[str, list[_Leaf]] = {}
    for leaf in _leaves("", "", document):
        leaves.setdefault(leaf.told, []).append(leaf)
    findings: list[Finding] = []
    scans: list[Scan] = []
    for group in flat.groups:
        parts, stands = group.parts, [_next(leaves, part) for part in group.parts]
        found, scan = places("\n".join(parts), detectors if len(parts) == 1 else across)
        scans.append(scan)
        findings.extend(_in_parts(parts, stands, found))
        for part, leaf in zip(parts, stands, strict=True) if len(parts) > 1 else ():
            found, scan = places(part, within)
            scans.append(scan)
            findings.extend(_in_parts([part], [leaf], found))
    known = {finding.place.kind for finding in findings}
    for text in rejoined(flat.groups):
        found, scan = places(text, across)
        scans.append(scan)
        findings.extend(_whole(place) for place in found if place.kind not in known)
    return Examined(tuple(dict.fromkeys(findings)), tuple(scans), flat.unreadable)


def _whole(place: Place) -> Finding:
    """A kind that only several messages together show."""
    return Finding(_SEVERAL, Place(place.kind, 0, 0, place.confidence))


def _next(leaves: dict[str, list[_Leaf]], part: str) -> _Leaf:
    """The place of a part; of those that read the same one after the other."""
    same = leaves.get(part)
    if not same:
        return _Leaf("", part, 0)
    return same.pop(0) if len(same) > 1 else same[0]


def _in_parts(parts: Sequence[str], leaves: Sequence[_Leaf], found: Sequence[Place]) -> Iterator[Finding]:
    """Places in a joined text as places in its parts; what reaches over several parts stands in each of them."""
    at = 0
    for part, leaf in zip(parts, leaves, strict=True):
        end = at + len(part)
        for kind, start, stop, confidence in found:
            if start < end and stop > at:
                first, last = max(0, start - at - leaf.lead), min(end, stop) - at - leaf.lead
                if last > first:
                    yield Finding(leaf.path, Place(kind, first, last, confidence))
        at = end + 1


def _leaves(path: str, key: str, node: object) -> Iterator[_Leaf]:
    """Every string, number and key of a document, in its order. Without recursion: a body may be deep."""
    stack = [(path, key, node)]
    while stack:
        path, key, node = stack.pop()
        if isinstance(node, dict):
            yield from (_Leaf(path, name, 0) for name in node)
            below = [(f"{path}.{name}" if path else name, name, value) for name, value in node.items()]
        elif isinstance(node, list):
            below = [(f"{path}[{number}]", key, value) for number, value in enumerate(node)]
            if told(key, node):
                yield _Leaf(path, told(key, node), len(key) + 2)
        else:
            below = []
            line = told(key, node)
            yield _Leaf(path, line, len(line) - len(node) if isinstance(node, str) else len(key) + 2)
        stack.extend(reversed(below))
