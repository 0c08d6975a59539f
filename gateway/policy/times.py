"""The `times` section, and windows written where they are asked about: from YAML to windows of time."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import yaml

from gateway.policy import schema
from gateway.policy.read import Reader, Value
from gateway.policy.windows import DAY_MINUTES, DAYS, Window

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


def read_times(reader: Reader, value: Value | None) -> Mapping[str, Window]:
    """The windows that the file gives a name."""
    if value is None:
        return MappingProxyType({})
    return MappingProxyType({name: _window(reader, each, name) for name, each in reader.named(value, "time").items()})


def read_windows(reader: Reader, value: Value, named: Mapping[str, Window]) -> frozenset[Window]:
    """Names of windows, one window written out, or a list of either."""
    return frozenset(
        _window(reader, each, "") if isinstance(each.node, yaml.MappingNode) else named[word]
        for each in reader.items(value)
        if isinstance(each.node, yaml.MappingNode) or (word := reader.word(each, named))
    )


def _window(reader: Reader, value: Value, name: str) -> Window:
    fields = reader.fields(value, schema.TIME)
    if not fields.keys() - {"time_zone"} and isinstance(value.node, yaml.MappingNode):
        reader.problems.add(value.node, f"{value.what} is always; give it `days`, or `from` and `to`")
    if ("from" in fields) != ("to" in fields):
        reader.problems.add(value.node, f"{value.what} needs both `from` and `to`, or neither")
    start, until = _minute(reader, fields.get("from"), 0), _minute(reader, fields.get("to"), DAY_MINUTES)
    if "from" in fields and start == until:
        reader.problems.add(value.node, f"{value.what} begins when it ends; for whole days leave both out")
    days = reader.words(fields.get("days"), DAYS) if "days" in fields else DAYS
    return Window(frozenset(map(DAYS.index, days)), start, until, reader.time_zone(fields.get("time_zone")), name)


def _minute(reader: Reader, value: Value | None, default: int) -> int:
    said = reader.text(value)
    if value is None or not said:
        return default
    found = _CLOCK.fullmatch(said)
    if found is None:
        reader.problems.add(value.node, f"{value.what} must be a time of day such as `08:30`, not `{said}`")
        return default
    return DAY_MINUTES if found[1] is None else int(found[1]) * 60 + int(found[2])
