"""The `rate_limits` section: how fast callers may ask, and how much at once."""

from collections.abc import Mapping

from gateway.core.budgets import Each, RateLimit, Scope
from gateway.core.types import Caller
from gateway.policy import schema
from gateway.policy.read import Reader, Value

_MOST = 10**9


def read_rate_limits(reader: Reader, value: Value | None, callers: tuple[Caller, ...]) -> tuple[RateLimit, ...]:
    """In the file's order."""
    named = reader.named(value, "rate limit") if value else {}
    return tuple(_rate_limit(reader, name, each, callers) for name, each in named.items())


def _rate_limit(reader: Reader, name: str, value: Value, callers: tuple[Caller, ...]) -> RateLimit:
    fields = reader.fields(value, schema.RATE_LIMIT)
    numbers = {key: reader.integer(fields[key], 1, least=1, most=_MOST) for key in _NUMBERS if key in fields}
    if not numbers:
        keys = ", ".join(f"`{key}`" for key in _NUMBERS)
        reader.problems.add(value.node, f"{value.what} limits nothing; give at least one of {keys}")
    each = reader.word(fields.get("each"), tuple(Each))
    return RateLimit(
        name=name,
        scope=_scope(reader, fields, callers),
        each=Each(each) if each else None,
        requests=numbers.get("requests_per_minute"),
        tokens=numbers.get("tokens_per_minute"),
        concurrent=numbers.get("concurrent_requests"),
    )


_NUMBERS = ("requests_per_minute", "tokens_per_minute", "concurrent_requests")


def _scope(reader: Reader, fields: Mapping[str, Value], callers: tuple[Caller, ...]) -> Scope:
    return Scope(
        teams=frozenset(reader.words(fields.get("team"), tuple(dict.fromkeys(c.team for c in callers if c.team)))),
        callers=frozenset(reader.words(fields.get("caller"), tuple(c.id for c in callers))),
        tags=frozenset(reader.words(fields.get("tag"), tuple(dict.fromkeys(t for c in callers for t in c.tags)))),
    )
