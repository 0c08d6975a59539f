"""The `callers` section: who may ask, known by the digest of a key."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from gateway.core.types import ANONYMOUS, Caller
from gateway.policy import schema
from gateway.policy.model import key_digest
from gateway.policy.read import Reader, Value
from gateway.policy.vocabulary import SENSITIVITIES


class Callers(NamedTuple):
    """Everyone the file lists, and those whose key is known, by its SHA-256. `is_open`: no list, so anyone may ask."""

    everyone: tuple[Caller, ...]
    by_digest: Mapping[str, Caller]
    is_open: bool


def read_callers(reader: Reader, value: Value | None) -> Callers:
    """A caller whose key the environment does not give stays listed and can never authenticate."""
    if value is None:
        return Callers((ANONYMOUS,), MappingProxyType({}), is_open=True)
    named = reader.named(value, "caller")
    if not named:
        reader.problems.add(value.node, "`callers` lists nobody; add a caller, or remove the key to let anyone ask")
    everyone: list[Caller] = []
    by_digest: dict[str, Caller] = {}
    for name, each in named.items():
        fields = reader.fields(each, schema.CALLER)
        caller = _caller(reader, name, fields)
        everyone.append(caller)
        key = reader.secret(fields.get("key"))
        if key and by_digest.setdefault(key_digest(key), caller) is not caller:
            other = by_digest[key_digest(key)].id
            reader.problems.add(fields["key"].node, f"{each.what} has the same key as `{other}`; give it its own")
    return Callers(tuple(everyone), MappingProxyType(by_digest), is_open=False)


def _caller(reader: Reader, name: str, fields: Mapping[str, Value]) -> Caller:
    return Caller(
        id=name,
        team=reader.name(fields.get("team"), "team"),
        tags=tuple(reader.name(tag, "tag") for tag in reader.items(fields.get("tags"))),
        sensitivity=SENSITIVITIES.get(reader.word(fields.get("sensitivity"), SENSITIVITIES)),
    )
