"""Judges the sensitivity detectors on a folder of annotated texts: what they find of each source, the weakest first."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.classify.detectors import DETECTORS
from gateway.classify.document import BUSINESS, MEDICAL
from gateway.classify.examine import examine
from gateway.classify.hits import Detector
from gateway.classify.names import ADDRESS, PERSON, find_names
from gateway.classify.names_weights import load
from gateway.classify.places import Place, places
from gateway.training import sensitivity_names
from gateway.training.sensitivity_rows import Attempt, Row, Span, read_attempts, read_rows

_KINDS = {
    "CREDIT_CARD": ("card",),
    "IBAN": ("iban",),
    "NATIONAL_ID": ("national_id",),
    "SSN": ("national_id",),
    "EMAIL": ("email",),
    "PHONE": ("phone",),
    "SECRET": ("api_key", "password", "private_key"),
    "PASSWORD": ("api_key", "password", "private_key"),
}
_TARGETS = {"card": 0.995, "iban": 0.995, "national_id": 0.995, "email": 0.995, "phone": 0.95, "api_key": 0.98}
_CORPUS = "kingfisher"
_NAMES = {"PERSON": PERSON, "ADDRESS": ADDRESS}
_NAME_TARGETS = {PERSON: 0.85, ADDRESS: 0.90}
_PROSE = tuple(detector for detector in DETECTORS if detector.kind == MEDICAL)
_PATTERNS = tuple(detector for detector in DETECTORS if detector.kind not in (PERSON, MEDICAL))
_TOLD = {"phi": (MEDICAL, 0.85, 0.01), "confidential": (BUSINESS, 0.60, 0.02)}
"""By label of a text: the kind it should be, the share of them wanted, and the most of ordinary prompts."""


class Line(NamedTuple):
    """`hits` of `rows`; at least `target` of them are wanted, or where `is_alarm` at most."""

    what: str
    source: str
    hits: int
    rows: int
    target: float
    is_alarm: bool = False

    @property
    def share(self) -> float:
        return self.hits / self.rows

    @property
    def lead(self) -> float:
        """Over the target; below nought it is missed."""
        return self.target - self.share if self.is_alarm else self.share - self.target


def table(folder: Path) -> str:
    """The table, with how the data was split. Raises `ConfigError` where the folder holds no rows."""
    rows = read_rows(folder)
    lines = sorted(
        (*_patterns(rows), *_names(rows), *_prose(rows), *_attempts(read_attempts(folder))), key=lambda line: line.lead
    )
    told = [
        f"gateway train sensitivity-table --data {folder}",
        "split: patterns and word lists are not fitted; names and addresses by weights fitted without the whole source",
        "",
        "| what | source | found | target |",
        "|---|---|---|---|",
    ]
    return "\n".join([*told, *map(_row_of, lines)])


def _row_of(line: Line) -> str:
    sign = "at most" if line.is_alarm else "at least"
    return f"| {line.what} | {line.source} | {line.share:.3f} ({line.hits} of {line.rows}) | {sign} {line.target} |"


def _families(rows: Iterable[Row]) -> dict[str, list[Row]]:
    families: dict[str, list[Row]] = {}
    for row in rows:
        families.setdefault(row.family, []).append(row)
    return families


def _patterns(rows: Sequence[Row]) -> Iterator[Line]:
    """Stages 2 to 6: what they find of each kind, and how many texts without anything private they hold."""
    for family, own in _families(rows).items():
        found = [places(row.text, _PATTERNS)[0] for row in own]
        if all("none" in row.labels for row in own):
            yield Line("ordinary prompts held by stages 2 to 6", family, sum(map(bool, found)), len(own), 0.005, True)
        spans = [
            (span, each) for row, each in zip(own, found, strict=True) for span in row.spans if span.type in _KINDS
        ]
        for kinds in sorted({_KINDS[span.type] for span, _ in spans}):
            hits = [_is_met(span, each, kinds) for span, each in spans if _KINDS[span.type] == kinds]
            target = 0.78 if family == _CORPUS else _TARGETS[kinds[0]]
            yield Line(
                f"{'key or password' if len(kinds) > 1 else kinds[0]} found", family, sum(hits), len(hits), target
            )
        yield from _precision(family, own, found)


def _precision(family: str, rows: Sequence[Row], found: Sequence[Sequence[Place]]) -> Iterator[Line]:
    """Of what is found in texts whose spans are told: how much is there. A value of another kind counts as wrong."""
    counts: dict[str, list[bool]] = {}
    for row, each in zip(rows, found, strict=True):
        if not row.spans or family == _CORPUS:
            continue
        for place in each:
            right = any(_is_met(span, [place], _KINDS[span.type]) for span in row.spans if span.type in _KINDS)
            counts.setdefault(place.kind, []).append(right)
    for kind, rights in counts.items():
        yield Line(f"{kind} right where found", family, sum(rights), len(rights), 0.95 if kind == "phone" else 0.99)


def _is_met(span: Span, found: Sequence[Place], kinds: Sequence[str]) -> bool:
    return any(place.kind in kinds and place.start < span.end and span.start < place.end for place in found)


def _names(rows: Sequence[Row]) -> Iterator[Line]:
    """Stage 7, for each source by weights fitted without it."""
    sample = sensitivity_names.sample_of(rows)
    for family, own in _families(rows).items():
        is_ordinary = all("none" in row.labels for row in own)
        types = {span.type for row in own for span in row.spans} & _NAMES.keys()
        if "public_text" in own[0].labels or not (is_ordinary or types):
            continue
        detectors = _held_out(sample, family)
        found = [places(row.text, detectors)[0] for row in own]
        if is_ordinary:
            yield Line(
                "ordinary prompts held for a name or address", family, sum(map(bool, found)), len(own), 0.05, True
            )
        for name in sorted(types):
            hits = [
                _is_covered(row.text, span, each, _NAMES[name])
                for row, each in zip(own, found, strict=True)
                for span in row.spans
                if span.type == name
            ]
            yield Line(f"{_NAMES[name]} fully covered", family, sum(hits), len(hits), _NAME_TARGETS[_NAMES[name]])


def _held_out(sample: sensitivity_names.Sample, family: str) -> tuple[Detector, ...]:
    tagger = load(sensitivity_names.fit(sample, without=[family]))
    return (Detector("names", PERSON, lambda view: find_names(view, tagger), also=(ADDRESS,)),)


def _is_covered(text: str, span: Span, found: Sequence[Place], kind: str) -> bool:
    """Every letter and digit; marks at the edges tell nothing."""
    covered = {at for place in found if place.kind == kind for at in range(place.start, place.end)}
    return all(at in covered for at in range(span.start, span.end) if text[at].isalnum())


def _prose(rows: Sequence[Row]) -> Iterator[Line]:
    """Stage 8: texts that hold no identifier, and ordinary prompts, by each kind."""
    for family, own in _families(rows).items():
        for label, (kind, recall, alarms) in _TOLD.items():
            is_ordinary = all("none" in row.labels for row in own)
            if is_ordinary or all(row.labels == (label,) and not row.spans_annotated for row in own):
                hits = sum(any(place.kind == kind for place in places(row.text, _PROSE)[0]) for row in own)
                what = f"ordinary prompts held as {kind}" if is_ordinary else f"{kind} found"
                yield Line(what, family, hits, len(own), alarms if is_ordinary else recall, is_ordinary)


def _attempts(attempts: Sequence[Attempt]) -> Iterator[Line]:
    """Leaks written to get through, and harmless requests that look like one. Held: anything found or unreadable."""
    for is_leak in (True, False):
        own = [each for each in attempts if bool(each.expected.get("sensitive")) is is_leak]
        held = sum(_is_held({"messages": attempt.messages}) for attempt in own)
        if own and is_leak:
            yield Line("leak attempts held", "adversarial set", held, len(own), 0.95)
        elif own:
            yield Line("hard negatives held", "adversarial set", held, len(own), 0.03, True)


def _is_held(document: object) -> bool:
    seen = examine(document)
    return bool(seen.findings or seen.unreadable or any(scan.unreadable or scan.failed for scan in seen.scans))
