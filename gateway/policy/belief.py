"""What `classify` makes of findings, notes and scores, for requests that are described or recorded and not read.

The classifier says the same of those that it reads; a test holds the two equal.
"""

from collections.abc import Iterable

import msgspec

from gateway.core.labelling import Labelling, classed
from gateway.core.types import Basis, Caller, Finding, Masking, Sensitivity, Tier, Verdict

UNREADABLE_NOTE, FAILED_NOTE = "the body could not be read", "a detector failed"
_UNSCORED = "the complexity"
_ELSEWHERE = (_UNSCORED, "`x-gateway-sensitivity`")
"""Notes that say nothing of findings."""
_FAILED = "detector "


def class_of(
    labelling: Labelling,
    caller: Caller,
    kinds: Iterable[str],
    notes: Iterable[str] = (),
    declared: Sensitivity | None = None,
) -> tuple[Sensitivity, Basis]:
    """The highest class of all that is true of a request, and what it rests on."""
    notes = [note for note in notes if not note.startswith(_ELSEWHERE)]
    failed = [note for note in notes if note.startswith(_FAILED) or note == FAILED_NOTE]
    return classed(
        labelling,
        caller,
        kinds,
        declared=declared,
        is_unread=len(failed) < len(notes),
        has_failed=bool(failed),
    )


def tier_of(labelling: Labelling, score: float) -> Tier:
    if score < labelling.medium_from:
        return Tier.SIMPLE
    return Tier.MEDIUM if score < labelling.hard_from else Tier.HARD


def score_of(labelling: Labelling, tier: Tier) -> float:
    """The lowest score of a tier."""
    return (0.0, labelling.medium_from, labelling.hard_from)[tier]


def relabelled(verdict: Verdict, labelling: Labelling, caller: Caller) -> Verdict:
    """The same findings, notes and score under another `classify`, or of another caller. What could not be scored
    stays hard, and what was not looked for stays unknown.
    """
    is_scored = not any(note.startswith(_UNSCORED) for note in verdict.unknown)
    kinds = [finding.kind for finding in verdict.findings]
    level, basis = class_of(labelling, caller, kinds, verdict.unknown, verdict.declared)
    return Verdict(
        sensitivity=level,
        complexity=verdict.complexity,
        tier=tier_of(labelling, verdict.complexity) if is_scored else Tier.HARD,
        findings=tuple(finding for finding in verdict.findings if finding.kind not in labelling.ignored),
        unknown=verdict.unknown,
        weights=verdict.weights,
        basis=basis,
        declared=verdict.declared,
        task=verdict.task,
    )


def masked_well(
    verdict: Verdict, labelling: Labelling, caller: Caller, masks: Iterable[tuple[str, ...]]
) -> tuple[Masking, ...]:
    """What would be believed of a described request out of which each mask had taken all that it should."""
    return tuple(Masking(kinds, _without(verdict, kinds, labelling, caller)) for kinds in masks)


def _without(verdict: Verdict, kinds: tuple[str, ...], labelling: Labelling, caller: Caller) -> Verdict:
    left = tuple(finding for finding in verdict.findings if finding.kind not in kinds)
    return relabelled(msgspec.structs.replace(verdict, findings=left), labelling, caller)


def causes(caller: Caller, verdict: Verdict) -> list[str]:
    """What makes the class so, in kinds, notes and names; never the text."""
    words = [*(f"`{finding.kind}`" for finding in verdict.findings), *verdict.unknown]
    if verdict.basis is Basis.CALLER:
        words.append(f"from caller `{caller.id}`")
    elif verdict.basis is Basis.REQUEST:
        words.append("as it says itself")
    return words


def found(kinds: Iterable[str]) -> tuple[Finding, ...]:
    return tuple(Finding(kind, 1, 1.0) for kind in sorted(kinds))
