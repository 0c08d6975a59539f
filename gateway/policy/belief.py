"""What `classify` makes of findings, notes and scores, for requests that are described or recorded and not read.

The classifier says the same of those that it reads; a test holds the two equal.
"""

from collections.abc import Iterable

import msgspec

from gateway.core.types import Finding, Labelling, Masking, Sensitivity, Tier, Verdict

UNREADABLE_NOTE, FAILED_NOTE = "the body could not be read", "a detector failed"
_UNSCORED = "the complexity"
_FAILED = "detector "


def class_of(labelling: Labelling, kinds: Iterable[str], notes: Iterable[str] = ()) -> Sensitivity:
    """The highest class of all that is true of a request."""
    looked_for = (kind for kind in kinds if kind not in labelling.ignored)
    levels = [labelling.default, *(labelling.kinds.get(kind, labelling.unlisted) for kind in looked_for)]
    for note in notes:
        if note.startswith(_FAILED) or note == FAILED_NOTE:
            levels.append(labelling.on_error)
        elif not note.startswith(_UNSCORED):
            levels.append(labelling.unreadable)
    return max(levels)


def tier_of(labelling: Labelling, score: float) -> Tier:
    if score < labelling.medium_from:
        return Tier.SIMPLE
    return Tier.MEDIUM if score < labelling.hard_from else Tier.HARD


def score_of(labelling: Labelling, tier: Tier) -> float:
    """The lowest score of a tier."""
    return (0.0, labelling.medium_from, labelling.hard_from)[tier]


def relabelled(verdict: Verdict, labelling: Labelling) -> Verdict:
    """The same findings, notes and score under another `classify`. What could not be scored stays hard, and what was
    not looked for stays unknown.
    """
    is_scored = not any(note.startswith(_UNSCORED) for note in verdict.unknown)
    return Verdict(
        sensitivity=class_of(labelling, (finding.kind for finding in verdict.findings), verdict.unknown),
        complexity=verdict.complexity,
        tier=tier_of(labelling, verdict.complexity) if is_scored else Tier.HARD,
        findings=tuple(finding for finding in verdict.findings if finding.kind not in labelling.ignored),
        unknown=verdict.unknown,
        weights=verdict.weights,
    )


def masked_well(verdict: Verdict, labelling: Labelling, masks: Iterable[tuple[str, ...]]) -> tuple[Masking, ...]:
    """What would be believed of a described request out of which each mask had taken all that it should."""
    return tuple(Masking(kinds, _without(verdict, kinds, labelling)) for kinds in masks)


def _without(verdict: Verdict, kinds: tuple[str, ...], labelling: Labelling) -> Verdict:
    left = tuple(finding for finding in verdict.findings if finding.kind not in kinds)
    return relabelled(msgspec.structs.replace(verdict, findings=left), labelling)


def found(kinds: Iterable[str]) -> tuple[Finding, ...]:
    return tuple(Finding(kind, 1, 1.0) for kind in sorted(kinds))
