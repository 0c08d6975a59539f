"""The `models` section: what each name that a client may say leads to."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from gateway.policy.model import ModelChoice
from gateway.policy.read import Reader, Value
from gateway.policy.vocabulary import AUTO

NO_PREFERENCE = ("tgi", "dummy")
"""What Hugging Face's clients say where they were told no model: it means `auto`, unless the file says otherwise."""


class Models(NamedTuple):
    """What each name leads to, `auto` or a backend, and every name that leads through it, itself included."""

    ends: Mapping[str, str]
    through: Mapping[str, frozenset[str]]


def read_models(reader: Reader, value: Value | None, backends: Collection[str]) -> Models:
    """A name may also stand for another name of the section, and then is in every rule what that one is."""
    named = reader.named(value, "model")
    for name, each in named.items():
        if name == AUTO or name in backends:
            meaning = "means “you decide”" if name == AUTO else "pins the backend of that name"
            reader.problems.add(each.node, f"{each.what} already {meaning}; take another name")
    known = {AUTO, *backends, *named}
    targets = {name: reader.word(each, known, AUTO) for name, each in named.items()}
    ends: dict[str, str] = {}
    through: dict[str, frozenset[str]] = {name: frozenset() for name in named}
    for name, each in named.items():
        end, path = _follow(name, targets)
        if end in path:
            cycle = " → ".join(f"`{step}`" for step in [*path[path.index(end) :], end])
            reader.problems.add(each.node, f"{each.what} leads in a circle ({cycle}); point one of them at a backend")
        ends[name] = end
        through.update({step: through[step] | {name} for step in path})
    return Models(MappingProxyType(ends), MappingProxyType(through))


def choices(models: Mapping[str, str], backends: Collection[str]) -> Mapping[str, ModelChoice]:
    """Every name a client may say, the empty one included, with what it asks for."""
    auto = ModelChoice()
    pinned = {name: ModelChoice(backend=name) for name in backends}
    aliases = {name: pinned.get(target, auto) for name, target in models.items()}
    return MappingProxyType({**dict.fromkeys(("", AUTO, *NO_PREFERENCE), auto), **aliases, **pinned})


def _follow(name: str, targets: Mapping[str, str]) -> tuple[str, list[str]]:
    """Where a name ends, and the names on the way; an end that is on the way is a circle."""
    path = [name]
    while (target := targets[path[-1]]) in targets:
        if target in path:
            return target, path
        path.append(target)
    return target, path
