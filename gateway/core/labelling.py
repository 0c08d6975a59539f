"""What a policy makes of findings and of whoever asks: the class of a request, and what that rests on."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from gateway.core.patterns import Pattern
from gateway.core.types import Basis, Caller, Sensitivity


class Lexicon(msgspec.Struct, frozen=True):
    """Words and names of one's own that are findings of the kind `name`, as a file has them. `digest` is the file's."""

    name: str
    entries: tuple[str, ...]
    file: str = ""
    digest: str = ""

    def __repr__(self) -> str:
        return f"Lexicon(name={self.name!r}, entries=<{len(self.entries)}>)"


class Labelling(msgspec.Struct, frozen=True):
    """How the policy turns findings and scores into classes and tiers; `classify` is given one.

    A kind that `kinds` does not name has the class `unlisted`; those `ignored` are not looked for. `tags` says the
    least class of callers by their tags. Scores below `medium_from` are simple, below `hard_from` medium, the rest
    hard; the defaults go with the shipped weights (docs/classifier.md, "The tiers").
    """

    kinds: Mapping[str, Sensitivity]
    default: Sensitivity = Sensitivity.PUBLIC
    unlisted: Sensitivity = Sensitivity.RESTRICTED
    unreadable: Sensitivity = Sensitivity.RESTRICTED
    on_error: Sensitivity = Sensitivity.RESTRICTED
    medium_from: float = 0.3
    hard_from: float = 0.4
    ignored: frozenset[str] = frozenset()
    tags: Mapping[str, Sensitivity] = MappingProxyType({})
    lexicons: tuple[Lexicon, ...] = ()
    patterns: tuple[Pattern, ...] = ()

    @property
    def own_kinds(self) -> tuple[str, ...]:
        """Kinds of findings that the policy brings itself; `kinds` has their classes."""
        return (*(lexicon.name for lexicon in self.lexicons), *(pattern.name for pattern in self.patterns))

    def floor(self, caller: Caller) -> Sensitivity:
        """The least class of this caller's requests: what is said of it or its tags, the highest; else the default."""
        own = caller.sensitivity
        if self.tags:
            levels = [self.tags[tag] for tag in caller.tags if tag in self.tags]
            if levels:
                return max(levels) if own is None else max(own, *levels)
        return self.default if own is None else own


def classed(
    labelling: Labelling,
    caller: Caller,
    kinds: Iterable[str],
    *,
    declared: Sensitivity | None = None,
    is_unread: bool = False,
    has_failed: bool = False,
) -> tuple[Sensitivity, Basis]:
    """The highest class of all that is true of a request, and what it rests on.

    INVARIANT: a further kind, note or declaration never lowers the class.
    """
    level = labelling.floor(caller)
    is_own = level is not labelling.default or caller.sensitivity is not None
    basis = Basis.CALLER if is_own else Basis.DEFAULT
    if declared is not None and declared > level:
        level, basis = declared, Basis.REQUEST
    if is_unread and labelling.unreadable >= level:
        level, basis = labelling.unreadable, Basis.UNKNOWN
    if has_failed and labelling.on_error >= level:
        level, basis = labelling.on_error, Basis.UNKNOWN
    for kind in kinds:
        found = labelling.kinds.get(kind, labelling.unlisted)
        if found >= level and kind not in labelling.ignored:
            level, basis = found, Basis.FINDINGS
    return level, basis
