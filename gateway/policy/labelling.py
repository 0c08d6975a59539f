"""The `classify` section: which class a finding has, and from which score on a request is medium or hard."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gateway.core.labelling import Labelling
from gateway.core.types import Caller, Sensitivity
from gateway.policy import schema
from gateway.policy.lexicons import read_lexicons
from gateway.policy.patterns import read_patterns
from gateway.policy.read import Reader, Value
from gateway.policy.vocabulary import FINDING_KINDS, SENSITIVITIES

_KINDS = schema.Shape(optional=tuple(sorted(FINDING_KINDS)))
_STRICT = Labelling(kinds=MappingProxyType({}))


def read_labelling(reader: Reader, value: Value | None, callers: Iterable[Caller]) -> Labelling:
    """What the file leaves out takes the strict default: an unlisted kind, an unreadable body, an error: restricted."""
    fields = reader.fields(value, schema.CLASSIFY)
    sensitivity = reader.fields(fields.get("sensitivity"), schema.SENSITIVITY)
    complexity = reader.fields(fields.get("complexity"), schema.COMPLEXITY)
    medium_from = reader.number(complexity.get("medium_from"), _STRICT.medium_from, most=1)
    hard_from = reader.number(complexity.get("hard_from"), max(_STRICT.hard_from, medium_from), most=1)
    if medium_from > hard_from:
        where = complexity["medium_from"] if "medium_from" in complexity else complexity["hard_from"]
        reader.problems.add(
            where.node, f"`medium_from` ({medium_from:g}) must not be above `hard_from` ({hard_from:g})"
        )
    lexicons = read_lexicons(reader, sensitivity.get("lexicons"))
    patterns = read_patterns(reader, sensitivity.get("patterns"), {lexicon.name for lexicon, _ in lexicons})
    own = {lexicon.name: level for lexicon, level in lexicons} | {pattern.name: level for pattern, level in patterns}
    labelling = Labelling(
        kinds=MappingProxyType({**_kinds(reader, sensitivity.get("kinds")), **own}),
        lexicons=tuple(lexicon for lexicon, _ in lexicons),
        patterns=tuple(pattern for pattern, _ in patterns),
        default=_class(reader, sensitivity.get("default"), _STRICT.default),
        unlisted=_class(reader, sensitivity.get("unlisted"), _STRICT.unlisted),
        unreadable=_class(reader, sensitivity.get("unreadable"), _STRICT.unreadable),
        on_error=_class(reader, sensitivity.get("on_error"), _STRICT.on_error),
        ignored=_ignored(reader, sensitivity),
        tags=_tags(reader, sensitivity.get("tags"), callers),
        medium_from=medium_from,
        hard_from=hard_from,
    )
    _check_on_error(reader, sensitivity.get("on_error"), labelling)
    return labelling


def _check_on_error(reader: Reader, value: Value | None, labelling: Labelling) -> None:
    """A detector that failed may have had the worst before it: what it would have found is never let through."""
    looked_for = kinds_of(labelling)
    worst, kind = max(
        ((labelling.kinds.get(kind, labelling.unlisted), kind) for kind in looked_for), default=(labelling.default, "")
    )
    if value and labelling.on_error < worst:
        sentence = f"{value.what} must be `{worst.label}`: the detector that failed may have seen a `{kind}`"
        reader.problems.add(value.node, sentence)


def _ignored(reader: Reader, sensitivity: Mapping[str, Value]) -> frozenset[str]:
    """What is not looked for: a kind that has a class as well would be two opinions."""
    value = sensitivity.get("ignore")
    ignored = reader.words(value, FINDING_KINDS)
    kinds = reader.fields(sensitivity.get("kinds"), _KINDS)
    for kind in ignored:
        if value and kind in kinds:
            reader.problems.add(value.node, f"`{kind}` is both in {value.what} and in `kinds`; remove one")
    return frozenset(ignored)


def kinds_of(labelling: Labelling) -> frozenset[str]:
    """What is looked for, the policy's own kinds included."""
    return (FINDING_KINDS - labelling.ignored) | frozenset(labelling.own_kinds)


def _kinds(reader: Reader, value: Value | None) -> Mapping[str, Sensitivity]:
    fields = reader.fields(value, _KINDS)
    return {kind: _class(reader, each, Sensitivity.RESTRICTED) for kind, each in fields.items()}


def _tags(reader: Reader, value: Value | None, callers: Iterable[Caller]) -> Mapping[str, Sensitivity]:
    known = sorted({tag for caller in callers for tag in caller.tags})
    fields = reader.fields(value, schema.Shape(optional=tuple(known)))
    return MappingProxyType({tag: _class(reader, each, Sensitivity.RESTRICTED) for tag, each in fields.items()})


def _class(reader: Reader, value: Value | None, default: Sensitivity) -> Sensitivity:
    return SENSITIVITIES[reader.word(value, SENSITIVITIES, default.label)]
