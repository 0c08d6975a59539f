"""The `rules` and `otherwise` sections: which routes are proposed for what, in order."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import yaml

from gateway.core.types import BackendSpec, Route
from gateway.policy import schema
from gateway.policy.budgets import read_usd
from gateway.policy.conditions import Names, read_condition
from gateway.policy.match import always, predicate
from gateway.policy.model import Condition, Rule, Shadowing, Split
from gateway.policy.problems import Place, place_of
from gateway.policy.read import Reader, Value
from gateway.policy.split import read_split
from gateway.policy.vocabulary import (
    BUDGETS,
    CLASSIFY,
    FINDING_KINDS,
    MASKABLE_KINDS,
    OTHERWISE,
    RESERVED_RULE_NAMES,
    UNKNOWN_ROUTES,
)

_PLAIN = Route(backend="")
_MOST_RETRIES = 10


def read_rules(
    reader: Reader, fields: Mapping[str, Value], names: Names, backends: Mapping[str, BackendSpec]
) -> tuple[Rule, ...]:
    """The rules in order, `otherwise` last."""
    rules: list[Rule] = []
    for value in _listed(reader, fields.get("rules")):
        rule = _rule(reader, value, names, backends)
        _check(reader, value, rule, rules)
        rules.append(rule)
    routes: tuple[Route, ...] = ()
    spill: Route | None = None
    shadow: Shadowing | None = None
    split: Split | None = None
    if "otherwise" in fields:
        value = Value(fields["otherwise"].node, "`otherwise`")
        keys = reader.fields(value, schema.OTHERWISE)
        routes = _routes(reader, keys, names, backends)
        spill = _spill(reader, keys, routes, names, backends)
        shadow = _shadow(reader, keys, routes, backends)
        split = read_split(reader, keys, names)
    return (*rules, Rule(OTHERWISE, None, routes, always, spill, shadow, split))


def rule_places(fields: Mapping[str, Value]) -> Mapping[str, Place]:
    """Where each rule stands, by name, what is in place of one for unknown paths, what findings mean, each budget."""
    rules = fields.get("rules")
    nodes = rules.node.value if rules and isinstance(rules.node, yaml.SequenceNode) else ()
    places = {name: place_of(node) for node in nodes if (name := _name(node))}
    stand_ins = {OTHERWISE: "otherwise", UNKNOWN_ROUTES: "unknown_routes", CLASSIFY: "classify"}
    places |= {name: place_of(fields[key].node) for name, key in stand_ins.items() if key in fields}
    budgets = fields.get("budgets")
    named = budgets.node.value if budgets and isinstance(budgets.node, yaml.MappingNode) else ()
    places |= {BUDGETS + str(key.value): place_of(key) for key, _ in named}
    return MappingProxyType(places)


def _listed(reader: Reader, value: Value | None) -> list[Value]:
    if value is None:
        return []
    if not isinstance(value.node, yaml.SequenceNode):
        reader.problems.add(value.node, "`rules` must be a list: start each rule with `- name:`")
        return []
    return [Value(node, _title(node, number)) for number, node in enumerate(value.node.value, 1)]


def _title(node: yaml.Node, number: int) -> str:
    """A rule's name as the file gives it, so that every problem in it can say which rule."""
    name = _name(node)
    return f"rule `{name}`" if name else f"rule number {number}"


def _name(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "name" and isinstance(value, yaml.ScalarNode):
                return str(value.value)
    return ""


def _rule(reader: Reader, value: Value, names: Names, backends: Mapping[str, BackendSpec]) -> Rule:
    fields = reader.fields(value, schema.RULE)
    name = reader.name(fields.get("name"), "rule")
    when = _condition(reader, fields.get("when"), names)
    matches = always if when is None else predicate(when)
    routes = _routes(reader, fields, names, backends)
    spill, shadow = _spill(reader, fields, routes, names, backends), _shadow(reader, fields, routes, backends)
    return Rule(name, when, routes, matches, spill, shadow, read_split(reader, fields, names))


def _condition(reader: Reader, value: Value | None, names: Names) -> Condition | None:
    """None where it cannot be read: what stands in for a mistake is not to be compared with other rules."""
    before = len(reader.problems)
    when = None if value is None else read_condition(reader, value, names)
    return when if len(reader.problems) == before else None


def _check(reader: Reader, value: Value, rule: Rule, earlier: list[Rule]) -> None:
    if rule.name in RESERVED_RULE_NAMES:
        reader.problems.add(
            value.node, f"a rule cannot be called `{rule.name}`: the gateway uses that name; take another"
        )
    for other in earlier:
        if rule.name and rule.name == other.name:
            reader.problems.add(value.node, f"{value.what} is there twice; records tell rules apart by name")
        elif rule.when is not None and rule.when == other.when:
            reader.problems.add(value.node, f"{value.what} can never match: rule `{other.name}` above asks the same")


def _routes(
    reader: Reader, fields: Mapping[str, Value], names: Names, backends: Mapping[str, BackendSpec]
) -> tuple[Route, ...]:
    """The routes with the rule's own timeouts and retries as defaults."""
    plain = _plain(reader, fields)
    routes: list[Route] = []
    for value in reader.items(fields.get("route")):
        route = _route(reader, value, plain, names, backends)
        if route.backend and any(route.backend == other.backend for other in routes):
            sentence = f"{value.what} names backend `{route.backend}` twice; use `retries` to ask it again"
            reader.problems.add(value.node, sentence)
        routes.append(route)
    return tuple(routes)


def _plain(reader: Reader, fields: Mapping[str, Value]) -> Route:
    timed = _timed(reader, reader.fields(fields.get("timeouts"), schema.TIMEOUTS), _PLAIN)
    return _bounded(reader, fields.get("max_cost_usd"), _retried(reader, fields.get("retries"), timed))


def _spill(
    reader: Reader,
    fields: Mapping[str, Value],
    routes: tuple[Route, ...],
    names: Names,
    backends: Mapping[str, BackendSpec],
) -> Route | None:
    """Where to while the first backend is saturated: one of the routes, by name, or another one."""
    value = fields.get("spill")
    if value is None or not routes or routes[0].backend not in backends:
        return None
    first = routes[0].backend
    spill = _route(reader, value, _plain(reader, fields), names, backends)
    listed = next((route for route in routes if route.backend == spill.backend), None)
    if backends[first].saturated_at is None:
        sentence = f"{value.what}: backend `{first}` never counts as saturated; give it `saturated_at`"
        reader.problems.add(value.node, sentence)
    elif spill.backend == first:
        reader.problems.add(value.node, f"{value.what} is `{first}`, which is the one that is saturated; name another")
    elif listed is not None and isinstance(value.node, yaml.MappingNode):
        sentence = (
            f"{value.what}: `{spill.backend}` is in `route` already, with what is said of it there; name it alone"
        )
        reader.problems.add(value.node, sentence)
    return listed or spill


def _shadow(
    reader: Reader, fields: Mapping[str, Value], routes: tuple[Route, ...], backends: Mapping[str, BackendSpec]
) -> Shadowing | None:
    """Asked once, and masked as the first route of the decision is."""
    value = fields.get("shadow")
    if value is None:
        return None
    keys = reader.fields(value, schema.SHADOW)
    to = reader.word(keys.get("to"), backends)
    if routes and to and to == routes[0].backend:
        reader.problems.add(value.node, f"{value.what} is of `{to}`, which is asked anyway; name another")
    route = msgspec.structs.replace(_plain(reader, fields), backend=to, retries=0)
    return Shadowing(route, reader.share(keys.get("share")))


def _route(reader: Reader, value: Value, plain: Route, names: Names, backends: Mapping[str, BackendSpec]) -> Route:
    if not isinstance(value.node, yaml.MappingNode):
        return msgspec.structs.replace(plain, backend=reader.word(value, backends))
    fields = reader.fields(value, schema.ROUTE)
    timed = _retried(reader, fields.get("retries"), _timed(reader, fields, plain))
    bounded = _bounded(reader, fields.get("max_cost_usd"), timed)
    maskable = MASKABLE_KINDS | (names.kinds - FINDING_KINDS)
    mask = tuple(sorted(set(reader.words(fields.get("mask"), maskable))))
    return msgspec.structs.replace(bounded, backend=reader.word(fields.get("to"), backends), mask=mask)


def _bounded(reader: Reader, value: Value | None, route: Route) -> Route:
    return route if value is None else msgspec.structs.replace(route, max_cost=read_usd(reader, value))


def _retried(reader: Reader, value: Value | None, route: Route) -> Route:
    retries = reader.integer(value, route.retries, most=_MOST_RETRIES)
    return msgspec.structs.replace(route, retries=retries)


def _timed(reader: Reader, fields: Mapping[str, Value], route: Route) -> Route:
    """A total that is shorter than the first byte's default bounds that too; written down, it is a contradiction."""
    total_s = reader.duration(fields.get("total"), route.total_s)
    first_byte_s = reader.duration(fields.get("first_byte"), min(route.first_byte_s, total_s))
    if first_byte_s > total_s:
        value = fields["first_byte"]
        reader.problems.add(value.node, f"{value.what} must not be longer than `total` ({total_s:g}s)")
    return msgspec.structs.replace(route, first_byte_s=first_byte_s, total_s=total_s)
