"""The `tests` section: cases that the policy's author wants to stay true."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import yaml

from gateway.core.types import Caller, Endpoint, Sensitivity, Tier
from gateway.policy import schema
from gateway.policy.draw import WHOLE
from gateway.policy.model import Case, Expected, Given, Rule
from gateway.policy.models import NO_PREFERENCE, Models
from gateway.policy.problems import place_of
from gateway.policy.read import Reader, Value
from gateway.policy.vocabulary import (
    AUTO,
    ENDPOINTS,
    NEEDS,
    PINNED,
    SENSITIVITIES,
    TASKS,
    TIERS,
    UNKNOWN_ROUTES,
)
from gateway.policy.windows import PLAIN_INSTANT

REFUSED = "true"
NO_SHADOW = "none"
REFUSAL_CODES = (
    "no_cleared_backend",
    "unsupported_by_backend",
    "context_length_exceeded",
    "no_backend_available",
    "cost_limit_exceeded",
    "unknown_url",
)
_ENDPOINTS = {**ENDPOINTS, Endpoint.UNKNOWN.value: Endpoint.UNKNOWN}


class CaseNames(NamedTuple):
    """The file's own names that cases may use."""

    callers: tuple[Caller, ...]
    zones: Collection[str]
    backends: Collection[str]
    models: Models
    kinds: Collection[str]
    rules: tuple[Rule, ...]


def read_cases(reader: Reader, value: Value | None, names: CaseNames) -> tuple[Case, ...]:
    """In the order of the file."""
    if value is None:
        return ()
    if not isinstance(value.node, yaml.SequenceNode):
        reader.problems.add(value.node, "`tests` must be a list: start each test with `- name:`")
        return ()
    return tuple(_case(reader, Value(node, f"test {number}"), names) for number, node in enumerate(value.node.value, 1))


def _case(reader: Reader, value: Value, names: CaseNames) -> Case:
    fields = reader.fields(value, schema.TEST)
    return Case(
        name=reader.text(fields.get("name")),
        given=_given(reader, reader.fields(fields.get("given"), schema.GIVEN), names),
        expected=_expected(reader, fields.get("expect"), names),
        place=place_of(value.node),
    )


def _given(reader: Reader, fields: Mapping[str, Value], names: CaseNames) -> Given:
    callers = {caller.id: caller for caller in names.callers}
    first = next(iter(callers), "")
    models = {AUTO, *NO_PREFERENCE, *names.models.ends, *names.backends}
    return Given(
        prompt=reader.text(fields["prompt"]) if "prompt" in fields else None,
        sensitivity=_level(reader, fields.get("sensitivity")),
        tier=_tier(reader, fields.get("complexity")),
        task=TASKS.get(reader.word(fields.get("task"), TASKS)),
        findings=frozenset(reader.words(fields.get("findings"), names.kinds)),
        is_unreadable=reader.flag(fields.get("unreadable")),
        endpoint=_ENDPOINTS.get(reader.word(fields.get("endpoint"), _ENDPOINTS), Endpoint.CHAT),
        caller=callers.get(reader.word(fields.get("caller"), callers, first), names.callers[0]),
        model=reader.word(fields.get("model"), models, AUTO),
        needs=frozenset(NEEDS[word] for word in reader.words(fields.get("needs"), NEEDS)),
        stream=reader.flag(fields.get("stream")),
        prompt_tokens=reader.integer(fields["prompt_tokens"], 0) if "prompt_tokens" in fields else None,
        max_tokens=reader.integer(fields["max_tokens"], 0) if "max_tokens" in fields else None,
        draw=reader.integer(fields.get("draw"), 0, most=WHOLE - 1),
        at=reader.instant(fields.get("at"), PLAIN_INSTANT),
        down=frozenset(reader.words(fields.get("down"), names.backends)),
        saturated=frozenset(reader.words(fields.get("saturated"), names.backends)),
    )


def _expected(reader: Reader, value: Value | None, names: CaseNames) -> Expected:
    fields = reader.fields(value, schema.EXPECT)
    if value is not None and not fields and isinstance(value.node, yaml.MappingNode):
        reader.problems.add(value.node, f"{value.what} demands nothing; name a rule, backends or another key")
    rules = [PINNED, UNKNOWN_ROUTES, *(rule.name for rule in names.rules)]
    backends = tuple(reader.words(fields.get("backends"), names.backends))
    return Expected(
        rule=reader.word(fields.get("rule"), rules) or None,
        backends=backends if "backends" in fields else None,
        refused=reader.word(fields.get("refused"), (REFUSED, *REFUSAL_CODES)) or None,
        zone_not=frozenset(reader.words(fields.get("zone_not"), names.zones)),
        sensitivity=_level(reader, fields.get("sensitivity")),
        tier=_tier(reader, fields.get("complexity")),
        shadow=_shadow(reader, fields.get("shadow"), names),
    )


def _shadow(reader: Reader, value: Value | None, names: CaseNames) -> str | None:
    """The backend that a copy goes to; empty: there is none."""
    if value is None:
        return None
    word = reader.word(value, (*names.backends, NO_SHADOW))
    return "" if word == NO_SHADOW else word


def _level(reader: Reader, value: Value | None) -> Sensitivity | None:
    return SENSITIVITIES.get(reader.word(value, SENSITIVITIES))


def _tier(reader: Reader, value: Value | None) -> Tier | None:
    return TIERS.get(reader.word(value, TIERS))
