"""The `when:` of a rule: from YAML to a Condition over closed vocabularies, so that every case can be enumerated."""

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import NamedTuple

import yaml

from gateway.core.types import BackendSpec, Caller, Standing
from gateway.policy import schema
from gateway.policy.model import AnyOf, Between, Condition, During, Every, Negated, OneOf, Signal, Some, Stands
from gateway.policy.models import NO_PREFERENCE, Models
from gateway.policy.problems import suggestion
from gateway.policy.read import Reader, Value
from gateway.policy.times import read_windows
from gateway.policy.vocabulary import AUTO, ENDPOINTS, FINDING_KINDS, NEEDS, SENSITIVITIES, TASKS, TIERS
from gateway.policy.windows import Window

_NOTHING = Between(None, None)


class Names(NamedTuple):
    """The file's own names that conditions may use, and the kinds of findings that it looks for."""

    callers: tuple[Caller, ...]
    models: Models
    times: Mapping[str, Window]
    backends: Mapping[str, BackendSpec]
    kinds: frozenset[str] = FINDING_KINDS


def read_condition(reader: Reader, value: Value, names: Names) -> Condition:
    """All keys of the mapping must hold. An empty one would match everything, which only `otherwise` may."""
    if not isinstance(value.node, yaml.MappingNode) or not value.node.value:
        reader.problems.add(value.node, f"{value.what} must ask about something, such as `sensitivity: restricted`")
        return _NOTHING
    return together(reader, reader.fields(value, SHAPE), names)


def together(reader: Reader, fields: Mapping[str, Value], names: Names) -> Condition:
    """What at least one key asks."""
    parts = tuple(_READERS[key](reader, each, names) for key, each in fields.items())
    return parts[0] if len(parts) == 1 else Every(parts)


def _parts(reader: Reader, value: Value, names: Names) -> tuple[Condition, ...]:
    if not isinstance(value.node, yaml.SequenceNode):
        reader.problems.add(value.node, f"{value.what} must be a list of conditions")
        return ()
    return tuple(read_condition(reader, each, names) for each in reader.items(value))


def _every(reader: Reader, value: Value, names: Names) -> Condition:
    return Every(_parts(reader, value, names))


def _some(reader: Reader, value: Value, names: Names) -> Condition:
    return Some(_parts(reader, value, names))


def _negated(reader: Reader, value: Value, names: Names) -> Condition:
    return Negated(read_condition(reader, value, names))


def _ordered(signal: Signal, levels: Mapping[str, int]) -> "ReadCondition":
    """A word, a list of words, or bounds on an ordered vocabulary, which are written out as the levels between."""

    def read(reader: Reader, value: Value, names: Names) -> Condition:
        if not isinstance(value.node, yaml.MappingNode):
            return OneOf(signal, frozenset(levels[word] for word in reader.words(value, levels)))
        bounds = reader.fields(value, schema.BOUNDS)
        lowest, highest = min(levels.values()), max(levels.values())
        least = levels.get(reader.word(bounds.get("at_least"), levels), lowest)
        most = levels.get(reader.word(bounds.get("at_most"), levels), highest)
        _check_bounds(reader, value, bounds, least > most)
        return OneOf(signal, frozenset(level for level in levels.values() if least <= level <= most))

    return read


def _tokens(reader: Reader, value: Value, names: Names) -> Condition:
    bounds = reader.fields(value, schema.BOUNDS)
    least = reader.integer(bounds["at_least"], 0) if "at_least" in bounds else None
    most = reader.integer(bounds["at_most"], 0) if "at_most" in bounds else None
    _check_bounds(reader, value, bounds, least is not None and most is not None and least > most)
    return Between(least, most)


def _time(reader: Reader, value: Value, names: Names) -> Condition:
    return During(read_windows(reader, value, names.times))


def _stands(reader: Reader, value: Value, names: Names) -> Condition:
    """All of the backends must be as said."""
    parts: list[Condition] = []
    for name, each in reader.named(value, "backend").items():
        if name not in names.backends:
            reader.problems.add(
                each.node, f"{value.what} names no backend of the file{suggestion(name, names.backends)}"
            )
            continue
        standings = frozenset(map(Standing, reader.words(each, tuple(Standing))))
        if Standing.SATURATED in standings and names.backends[name].saturated_at is None:
            sentence = f"{each.what} never counts as saturated; give it `saturated_at`"
            reader.problems.add(each.node, sentence)
        if standings == set(Standing):
            reader.problems.add(each.node, f"{each.what} is always one of these; remove it")
        parts.append(Stands(name, standings))
    if isinstance(value.node, yaml.MappingNode) and not value.node.value:
        reader.problems.add(value.node, f"{value.what} names no backend; say for instance `NAME: down`")
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _check_bounds(reader: Reader, value: Value, bounds: Mapping[str, Value], is_crossed: bool) -> None:
    if is_crossed:
        reader.problems.add(value.node, f"{value.what} can never hold: `at_least` is above `at_most`")
    elif not bounds and isinstance(value.node, yaml.MappingNode):
        reader.problems.add(value.node, f"{value.what} needs `at_least` or `at_most`")


def _words(
    signal: Signal, kind: type[OneOf] | type[AnyOf], vocabulary: Callable[[Names], Mapping[str, Hashable]]
) -> "ReadCondition":
    def read(reader: Reader, value: Value, names: Names) -> Condition:
        known = vocabulary(names)
        return kind(signal, frozenset(known[word] for word in reader.words(value, known)))

    return read


def _stream(reader: Reader, value: Value, names: Names) -> Condition:
    return OneOf(Signal.STREAM, frozenset({reader.flag(value)}))


def _model(reader: Reader, value: Value, names: Names) -> Condition:
    """What the client said, or a name that stands for it. One that pins a backend never meets a rule."""
    unnamed = {AUTO, "", *NO_PREFERENCE} - names.models.ends.keys()
    wanted: set[str] = set()
    for each in reader.items(value):
        word = reader.word(each, {AUTO, *names.models.ends}, AUTO)
        target = names.models.ends.get(word, AUTO)
        if target != AUTO:
            sentence = f"{each.what}: `{word}` pins backend `{target}`, so no rule ever sees it; remove it"
            reader.problems.add(each.node, sentence)
        wanted |= unnamed if word == AUTO else names.models.through[word]
    return OneOf(Signal.MODEL, frozenset(wanted))


def _same(words: Collection[str]) -> Mapping[str, str]:
    return {word: word for word in words}


ReadCondition = Callable[[Reader, Value, Names], Condition]

_READERS: Mapping[str, ReadCondition] = {
    "sensitivity": _ordered(Signal.SENSITIVITY, SENSITIVITIES),
    "complexity": _ordered(Signal.COMPLEXITY, TIERS),
    "task": _words(Signal.TASK, OneOf, lambda names: TASKS),
    "endpoint": _words(Signal.ENDPOINT, OneOf, lambda names: ENDPOINTS),
    "caller": _words(Signal.CALLER, OneOf, lambda names: _same([caller.id for caller in names.callers])),
    "team": _words(Signal.TEAM, OneOf, lambda names: _same([caller.team for caller in names.callers if caller.team])),
    "tag": _words(Signal.TAG, AnyOf, lambda names: _same([tag for caller in names.callers for tag in caller.tags])),
    "model": _model,
    "findings": _words(Signal.FINDINGS, AnyOf, lambda names: _same(names.kinds)),
    "needs": _words(Signal.NEEDS, AnyOf, lambda names: NEEDS),
    "stream": _stream,
    "prompt_tokens": _tokens,
    "time": _time,
    "backend": _stands,
    "all": _every,
    "any": _some,
    "not": _negated,
}
SHAPE = schema.Shape(optional=tuple(_READERS))
