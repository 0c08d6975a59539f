"""Schemas lose their references and nothing else."""

import pytest
from tgi_says import chat, envelope

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.wire.tgi_request import chat_body
from gateway.wire.tgi_schema import Room, inlined

NAME = {"type": "object", "properties": {"first": {"type": "string"}}, "required": ["first"]}


def test_a_schema_without_references_is_the_same_object() -> None:
    schema = {"properties": {"a": {"type": "string", "default": {"$comment": "x"}}}}
    assert inlined(schema, Room()) is schema


@pytest.mark.parametrize("home", ["$defs", "definitions"])
def test_references_become_what_they_point_to(home: str) -> None:
    schema = {
        "type": "object",
        "properties": {
            "who": {"$ref": f"#/{home}/Name"},
            "all": {"type": "array", "items": {"$ref": f"#/{home}/Name"}},
        },
        home: {"Name": NAME},
    }
    assert inlined(schema, Room()) == {
        "type": "object",
        "properties": {"who": NAME, "all": {"type": "array", "items": NAME}},
    }


def test_what_stands_beside_a_reference_wins() -> None:
    schema = {"properties": {"who": {"$ref": "#/$defs/Name", "description": "who it is"}}, "$defs": {"Name": NAME}}
    assert inlined(schema, Room()) == {"properties": {"who": {**NAME, "description": "who it is"}}}


def test_a_reference_may_lead_to_another_and_to_the_top() -> None:
    schema = {"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"b": {"$ref": "#/$defs/B~1x"}}}, "B/x": NAME}}
    assert inlined(schema, Room()) == {"properties": {"b": NAME}}


def test_a_property_may_be_called_like_a_keyword() -> None:
    schema = {
        "properties": {
            "$ref": {"type": "string"},
            "definitions": {"$ref": "#/$defs/N"},
            "default": {"$ref": "#/$defs/N"},
        },
        "$defs": {"N": NAME},
    }
    assert inlined(schema, Room()) == {"properties": {"$ref": {"type": "string"}, "definitions": NAME, "default": NAME}}


def test_a_constant_that_looks_like_a_reference_is_none() -> None:
    schema = {"properties": {"a": {"const": {"$ref": "#/nowhere"}}, "b": {"$ref": "#/$defs/N"}}, "$defs": {"N": NAME}}
    assert inlined(schema, Room())["properties"]["a"] == {"const": {"$ref": "#/nowhere"}}


def doubling(levels: int) -> dict[str, object]:
    """Each definition holds the next one twice: exponential when written out."""
    definitions: dict[str, object] = {"d0": {"type": "string"}}
    for level in range(1, levels + 1):
        below = {"$ref": f"#/$defs/d{level - 1}"}
        definitions[f"d{level}"] = {"type": "object", "properties": {"left": below, "right": below}}
    return {"properties": {"top": {"$ref": f"#/$defs/d{levels}"}}, "$defs": definitions}


def nested(levels: int) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"self": {"$ref": "#"}}},
        {"properties": {"tree": {"$ref": "#/$defs/T"}}, "$defs": {"T": {"items": {"$ref": "#/$defs/T"}}}},
        {"properties": {"x": {"$ref": "#/$defs/Nowhere"}}},
        {"properties": {"x": {"$ref": "https://schemas.example/x.json"}}},
        doubling(40),
        nested(5_000),
    ],
    ids=["itself", "circle", "dangling", "elsewhere", "exponential", "deep"],
)
def test_what_has_no_finite_form_goes_elsewhere(schema: object) -> None:
    with pytest.raises(AttemptFailed) as caught:
        inlined(schema, Room())
    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.UNABLE, False)


def doubling(levels: int) -> dict[str, object]:
    """A schema of a few hundred bytes that grows by a power of two."""
    definitions: dict[str, object] = {"a0": {"type": "string"}}
    for level in range(1, levels + 1):
        below = {"$ref": f"#/$defs/a{level - 1}"}
        definitions[f"a{level}"] = {"type": "object", "properties": {"x": below, "y": below}}
    return {"type": "object", "properties": {"z": {"$ref": f"#/$defs/a{levels}"}}, "$defs": definitions}


def test_many_tools_that_each_grow_are_refused_together() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": doubling(10)}} for _ in range(1_000)]
    with pytest.raises(AttemptFailed) as caught:
        chat_body(envelope(chat(tools=tools)))
    assert caught.value.kind is FailureKind.UNABLE
    chat_body(envelope(chat(tools=tools[:1])))
