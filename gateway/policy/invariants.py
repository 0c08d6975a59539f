"""The `invariants` section: what must hold of every request, whatever the rules say."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import yaml

from gateway.core.budgets import Budget
from gateway.core.types import BackendSpec
from gateway.policy import schema
from gateway.policy.conditions import SHAPE, Names, together
from gateway.policy.match import always, predicate
from gateway.policy.model import Invariant, Promise
from gateway.policy.problems import place_of
from gateway.policy.read import Reader, Value

_SPOKEN_OF = schema.Shape(required=("reaches",), optional=SHAPE.keys)
ALWAYS = schema.Shape(required=("reaches",), optional=("charged_to", *SHAPE.keys))
_OF_BACKEND: Mapping[str, Callable[[BackendSpec], str]] = {
    "zone": lambda spec: spec.zone.name,
    "region": lambda spec: spec.zone.region,
    "retention": lambda spec: spec.zone.retention,
    "backend": lambda spec: spec.name,
}


class _Destination(NamedTuple):
    backends: frozenset[str]
    said: str


def read_invariants(
    reader: Reader, value: Value | None, names: Names, budgets: Mapping[str, Budget]
) -> tuple[Invariant, ...]:
    """In the order of the file."""
    if value is None:
        return ()
    if not isinstance(value.node, yaml.SequenceNode):
        reader.problems.add(
            value.node, "`invariants` must be a list: start each with `- never:`, `- only:` or `- always:`"
        )
        return ()
    listed = (Value(node, f"invariant {number}") for number, node in enumerate(value.node.value, 1))
    return tuple(found for each in listed if (found := _invariant(reader, each, names, budgets)))


def _invariant(reader: Reader, value: Value, names: Names, budgets: Mapping[str, Budget]) -> Invariant | None:
    fields = reader.fields(value, schema.INVARIANT)
    if len(fields) != 1:
        reader.problems.add(value.node, f"{value.what} must say one of `never`, `only` and `always`")
        return None
    ((word, said),) = fields.items()
    parts = reader.fields(said, ALWAYS if word == Promise.ALWAYS else _SPOKEN_OF)
    destination = _destination(reader, parts.pop("reaches", None), names.backends)
    payer = parts.pop("charged_to", None)
    promise = Promise(word) if payer is None else Promise.CHARGED
    budget = budgets.get(reader.word(payer, budgets))
    when = together(reader, parts, names) if parts else None
    matches = always if when is None else predicate(when)
    return Invariant(promise, when, matches, destination.backends, destination.said, place_of(value.node), budget)


def _destination(reader: Reader, value: Value | None, backends: Mapping[str, BackendSpec]) -> _Destination:
    """All keys must hold of a backend; a word that no backend has is told, since a promise about nothing is a slip."""
    fields = reader.fields(value, schema.REACHES)
    if value is not None and not fields and isinstance(value.node, yaml.MappingNode):
        reader.problems.add(value.node, f"{value.what} names no place; say a zone, region, retention or backend")
    chosen, said = set(backends), []
    for key, each in fields.items():
        of_backend = _OF_BACKEND[key]
        words = reader.words(each, sorted({of_backend(spec) for spec in backends.values()} - {""}))
        chosen &= {name for name, spec in backends.items() if of_backend(spec) in words}
        said.append(f"{key} " + " or ".join(f"`{word}`" for word in words))
    if value is not None and fields and not chosen:
        reader.problems.add(
            value.node, f"{value.what}: no backend is there, so this promises nothing; name another place"
        )
    return _Destination(frozenset(chosen), ", ".join(said))
