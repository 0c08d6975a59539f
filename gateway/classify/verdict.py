"""From an Envelope to its Verdict: how sensitive, how hard, and what could not be known."""

from collections.abc import Sequence
from urllib.parse import unquote_plus

from gateway.classify.across import rejoined
from gateway.classify.complexity import judged
from gateway.classify.declared import declared
from gateway.classify.detectors import DETECTORS, detectors_for
from gateway.classify.flatten import Flat, Group, strings
from gateway.classify.hits import Detector
from gateway.classify.memo import Memo
from gateway.classify.sensitivity import NOTHING, Scan, scan
from gateway.classify.weights import DIGEST_SHOWN, Weights
from gateway.core.labelling import Labelling, classed
from gateway.core.labels import Task
from gateway.core.types import Endpoint, Envelope, Finding, Tier, Verdict

_ALL, _ACROSS, _WITHIN = b"", b"a", b"w"
"""By which detectors a text was looked at, in the memo."""

_UNREAD_BODY = "the body could not be read"


class Classifier:
    """Classifies requests under one policy; owns the memo of what was found in which text.

    `memo_key` is a secret of this process. `detectors` is the table of them, so that a test can add one that fails;
    the attribute has those that are asked, the policy's own included.
    """

    def __init__(
        self, labelling: Labelling, weights: Weights, memo_key: bytes, detectors: Sequence[Detector] = DETECTORS
    ) -> None:
        self._labelling = labelling
        self._weights = weights
        self._digest = weights.digest[:DIGEST_SHOWN]
        self.detectors = detectors_for(labelling, detectors)
        self._across = tuple(each for each in self.detectors if not each.reads_prose)
        self._within = tuple(each for each in self.detectors if each.reads_prose)
        self._memo = Memo(memo_key)

    def classify(self, envelope: Envelope) -> Verdict:
        """Never raises: what cannot be known has the class and the tier that the policy gives to the unknown.

        INVARIANT: a further message, part or field never lowers the sensitivity of a request.
        """
        scans, notes = self._examine(envelope)
        complexity, tier, trouble, task = self._complexity(envelope)
        findings = merged(scans, self._labelling.ignored)
        said = declared(envelope)
        level, basis = classed(
            self._labelling,
            envelope.caller,
            [finding.kind for finding in findings],
            declared=None if said is None else said.sensitivity,
            is_unread=bool(notes) or any(found.unreadable for found in scans),
            has_failed=any(found.failed for found in scans),
        )
        return Verdict(
            sensitivity=level,
            complexity=complexity,
            tier=tier,
            findings=findings,
            unknown=(*notes, *notes_on(scans), *trouble, *(() if said is None else said.notes)),
            weights=self._digest,
            basis=basis,
            declared=None if said is None else said.sensitivity,
            task=task,
        )

    def _examine(self, envelope: Envelope) -> tuple[list[Scan], tuple[str, ...]]:
        """What was found in those texts of a request that hold anything, and notes on what is not text."""
        try:
            flat = _flat(envelope)
            scans = [found for group in flat.groups for found in self._looked_at(group.parts)]
            scans += [self._remembered(text, _ACROSS, self._across) for text in rejoined(flat.groups)]
        except Exception:
            return [Scan(failed=("flattener",))], ()
        unread = (_UNREAD_BODY,) if envelope.document is None else ()
        notes = (*unread, *(f"content of kind `{kind}` could not be read" for kind in flat.unreadable))
        return [found for found in scans if found is not NOTHING], notes

    def _looked_at(self, parts: Sequence[str]) -> list[Scan]:
        """What stands together is looked at as one, and once more string by string by those who read prose."""
        if len(parts) == 1:
            return [self._remembered(parts[0], _ALL, self.detectors)]
        together = self._remembered("\n".join(parts), _ACROSS, self._across)
        within = parts if self._within else ()
        return [together, *(self._remembered(part, _WITHIN, self._within) for part in within)]

    def _remembered(self, text: str, mark: bytes, detectors: Sequence[Detector]) -> Scan:
        key = mark + self._memo.key_of(text)
        known = self._memo.get(key)
        if known is not None:
            return known
        fresh = scan(text, detectors)
        if not fresh.failed:  # a failure may have been one of memory, and is no knowledge of the text
            self._memo.put(key, fresh)
        return fresh

    def _complexity(self, envelope: Envelope) -> tuple[float, Tier, tuple[str, ...], Task]:
        try:
            need, task = judged(envelope.document, self._weights)
        except Exception:
            return 1.0, Tier.HARD, ("the complexity could not be scored",), Task.CHAT
        if not 0.0 <= need <= 1.0:  # a NaN compares false
            return 1.0, Tier.HARD, ("the complexity score is out of range",), task
        if need < self._labelling.medium_from:
            return need, Tier.SIMPLE, (), task
        return need, Tier.MEDIUM if need < self._labelling.hard_from else Tier.HARD, (), task


def _flat(envelope: Envelope) -> Flat:
    """The strings of the body; on routes we do not know the path and its query may be content as well."""
    flat = Flat(()) if envelope.document is None else strings(envelope.document)
    if envelope.endpoint is not Endpoint.UNKNOWN:
        return flat
    path = Group("", (envelope.path, unquote_plus(envelope.path)))
    return Flat((*flat.groups, path), flat.unreadable)


def merged(scans: Sequence[Scan], ignored: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    """The findings of several texts as one list: a kind once, and none that the policy has not looked for."""
    merged: dict[str, Finding] = {}
    for found in scans:
        for finding in found.findings:
            if finding.kind in ignored:
                continue
            seen = merged.get(finding.kind)
            if seen is not None:
                sure = max(seen.confidence, finding.confidence)
                finding = Finding(finding.kind, seen.count + finding.count, sure)
            merged[finding.kind] = finding
    return tuple(merged[kind] for kind in sorted(merged))


def notes_on(scans: Sequence[Scan]) -> tuple[str, ...]:
    """What could not be known of the texts: each note once, in the order met."""
    notes: dict[str, None] = {}
    for found in scans:
        notes.update((f"detector `{name}` failed", None) for name in found.failed)
        notes.update((f"content of kind `{kind}` could not be read", None) for kind in found.unreadable)
    return tuple(notes)
