"""The `budgets` section: how much may be spent, on what, in which window, and what happens when it is gone."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType

from gateway.core.budgets import Budget, CalendarUnit, CalendarWindow, Each, Exhausted, RollingWindow, Scope, Window
from gateway.core.money import NanoUSD, nano_usd
from gateway.core.types import BackendSpec, Caller, Zone
from gateway.policy import schema
from gateway.policy.read import Reader, Value

MOST_USD = 9_000_000
"""Nano-dollars of this many dollars are the largest whole numbers that Redis's scripts count with exactly."""
WAIT_S = 2.0

_ROLLING = re.compile(r"([1-9][0-9]{0,4})(m|h|d)")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_LONGEST_S = 366 * 86_400
_LIMIT = re.compile(r"[0-9]{1,7}(\.[0-9]{1,9})?")
_UNITS = tuple(unit.value for unit in CalendarUnit)


def read_budgets(
    reader: Reader,
    value: Value | None,
    zones: Mapping[str, Zone],
    backends: Mapping[str, BackendSpec],
    callers: tuple[Caller, ...],
) -> Mapping[str, Budget]:
    """By name, in the file's order."""
    words = _scope_words(zones, backends, callers)
    named = reader.named(value, "budget") if value else {}
    return MappingProxyType({name: _budget(reader, name, each, words) for name, each in named.items()})


def _budget(reader: Reader, name: str, value: Value, words: Mapping[str, tuple[str, ...]]) -> Budget:
    fields = reader.fields(value, schema.BUDGET)
    scope = reader.fields(fields["scope"], schema.SCOPE) if "scope" in fields else {}
    named = {key: frozenset(reader.words(scope.get(key), words[key])) for key in schema.SCOPE.keys}
    each = reader.word(fields.get("each"), tuple(Each))
    return Budget(
        name=name,
        limit=read_usd(reader, fields.get("limit_usd")),
        window=_window(reader, fields),
        scope=Scope(**{f"{key}s": chosen for key, chosen in named.items()}),
        each=Each(each) if each else None,
        is_hard="hard" not in fields or reader.flag(fields["hard"]),
        on_exhausted=Exhausted(reader.word(fields.get("on_exhausted"), tuple(Exhausted), Exhausted.DOWNGRADE)),
        wait_s=reader.duration(fields.get("wait"), WAIT_S, least=0.0),
    )


def _scope_words(
    zones: Mapping[str, Zone], backends: Mapping[str, BackendSpec], callers: Iterable[Caller]
) -> Mapping[str, tuple[str, ...]]:
    """What each key of a `scope` may say: the file's own names."""
    models = (model for backend in backends.values() for model in backend.models.values())
    everyone = tuple(callers)
    return {
        "zone": tuple(zones),
        "backend": tuple(backends),
        "model": tuple(dict.fromkeys(models)),
        "team": tuple(dict.fromkeys(caller.team for caller in everyone if caller.team)),
        "caller": tuple(caller.id for caller in everyone),
        "tag": tuple(dict.fromkeys(tag for caller in everyone for tag in caller.tags)),
    }


def read_usd(reader: Reader, value: Value | None) -> NanoUSD:
    expected = f"US dollars such as `250` or `0.50`, at most {MOST_USD:,}"
    return nano_usd(reader.matched(value, _LIMIT, Decimal, lambda limit: limit <= MOST_USD, expected, Decimal(0)))


def _window(reader: Reader, fields: Mapping[str, Value]) -> Window:
    value = fields.get("window")
    expected = "`hour`, `day`, `week`, `month`, or how long a rolling one is, such as `24h` or `30d`, at most 366 days"
    said = reader.text(value)
    if value and said in _UNITS:
        return CalendarWindow(CalendarUnit(said), reader.time_zone(fields.get("time_zone")))
    if "time_zone" in fields:
        sentence = f"{fields['time_zone'].what} means nothing to a rolling window; remove it"
        reader.problems.add(fields["time_zone"].node, sentence)
    return RollingWindow(reader.matched(value, _ROLLING, _seconds, lambda s: s <= _LONGEST_S, expected, 60))


def _seconds(said: str) -> int:
    return int(said[:-1]) * _SECONDS[said[-1]]
