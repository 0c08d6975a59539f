"""Weights on routes: which of them is asked first how often, and whose requests all go the same way."""

from collections.abc import Mapping
from types import MappingProxyType

import yaml

from gateway.core.types import ANONYMOUS
from gateway.policy.conditions import Names
from gateway.policy.model import Split, Sticky
from gateway.policy.read import Reader, Value

_MOST = 10_000


def read_split(reader: Reader, fields: Mapping[str, Value], names: Names) -> Split | None:
    """None where no route has a weight. Those with one come before those without, which are fallbacks."""
    weights: dict[str, int] = {}
    is_over = False
    for value in reader.items(fields.get("route")):
        keys = _keys(value)
        if "weight" not in keys:
            is_over = True
            continue
        if is_over:
            reader.problems.add(
                value.node, f"{value.what} has a `weight` after a route without one; put it before that"
            )
        weight = Value(keys["weight"], f"`weight` of {value.what}")
        weights[_text(keys.get("to"))] = reader.integer(weight, 1, least=1, most=_MOST)
    if "weight" in _keys(fields.get("spill")):
        reader.problems.add(fields["spill"].node, f"{fields['spill'].what} can have no `weight`; remove it")
    sticky = fields.get("sticky")
    if not weights:
        if sticky is not None:
            reader.problems.add(sticky.node, f"{sticky.what} means nothing without a `weight` on routes; remove it")
        return None
    if len(weights) == 1:
        reader.problems.add(fields["route"].node, f"{fields['route'].what} has one `weight`; give one to another route")
    if "spill" in fields:
        sentence = f"{fields['spill'].what} needs to know which backend is first, which weights leave open; remove one"
        reader.problems.add(fields["spill"].node, sentence)
    word = reader.word(sticky, tuple(Sticky), Sticky.CONVERSATION)
    if sticky is not None and word == Sticky.CALLER and names.callers == (ANONYMOUS,):
        reader.problems.add(sticky.node, f"{sticky.what} cannot be `caller` without `callers`: all would go one way")
    return Split(MappingProxyType(weights), Sticky(word))


def _keys(value: Value | None) -> Mapping[str, yaml.Node]:
    """What a route says, as `rules` has read it."""
    node = None if value is None else value.node
    return {str(key.value): each for key, each in node.value} if isinstance(node, yaml.MappingNode) else {}


def _text(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
