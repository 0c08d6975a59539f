"""The `patterns` of a policy: kinds of findings of its own, each a regular expression with examples that it finds."""

from collections.abc import Mapping

from gateway.core.patterns import Pattern, finder
from gateway.core.types import Sensitivity
from gateway.policy import schema
from gateway.policy.lexicons import own_kind
from gateway.policy.read import Reader, Value
from gateway.policy.vocabulary import SENSITIVITIES, VALIDATORS

MOST = 100


def read_patterns(reader: Reader, value: Value | None, taken: set[str]) -> tuple[tuple[Pattern, Sensitivity], ...]:
    """Each with its class, in the order of the file. `taken`: names of kinds that are there already."""
    found: list[tuple[Pattern, Sensitivity]] = []
    for number, each in enumerate(reader.listed(value), 1):
        fields = reader.fields(Value(each.node, f"pattern {number}"), schema.PATTERN)
        level = SENSITIVITIES[reader.word(fields.get("class"), SENSITIVITIES, Sensitivity.RESTRICTED.label)]
        name = own_kind(reader, fields.get("name"), taken | {pattern.name for pattern, _ in found})
        found.append((_pattern(reader, name, fields), level))
    if value is not None and len(found) > MOST:
        reader.problems.add(value.node, f"{value.what} has more than {MOST}; each is looked for in every text")
    return tuple(found)


def _pattern(reader: Reader, name: str, fields: Mapping[str, Value]) -> Pattern:
    value, validator = fields.get("regex"), reader.word(fields.get("validator"), VALIDATORS)
    regex = reader.text(value)
    if value is not None and regex:
        try:
            find = finder(regex)
        except ValueError as error:
            reader.problems.add(value.node, f"{value.what} cannot be used: {error}")
        else:
            for example in reader.items(fields.get("examples")):
                text = reader.text(example)
                if text and (0, len(text)) not in find(text):
                    reader.problems.add(example.node, f"{example.what}: `{name}` does not match all of this one")
    return Pattern(name, regex, validator)
