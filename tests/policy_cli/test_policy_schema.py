"""`gateway policy schema` prints what the shipped folder publishes."""

import json

from gateway.policy.json_schema import json_schema


def test_it_is_printed_as_json(shown) -> None:
    code, out, err = shown("schema")
    assert (code, err) == (0, "")
    assert json.loads(out) == json_schema()
