"""Values that a JSON schema accepts, the same every time: what a grammar-bound model would write."""

import json
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

DEEPEST = 12
"""Recursive schemas end here: nothing optional is filled in below."""

_FORMATS = {
    "date": "2026-04-17",
    "time": "09:30:00Z",
    "date-time": "2026-04-17T09:30:00Z",
    "email": "someone@example.org",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.org",
}


def example_text(schema: Schema) -> str:
    """A matching document as text."""
    return json.dumps(example(schema), ensure_ascii=False)


def example(schema: Schema) -> Any:
    """A value the schema accepts; keywords that are not understood are ignored."""
    return _value(schema, schema, "value", 0)


def _value(schema: Any, root: Schema, name: str, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return f"some {name}"
    if "$ref" in schema:
        return _value(_referred(schema["$ref"], root), root, name, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if schema.get(union):
            return _value(_shallowest(schema[union], depth), root, name, depth)
    if schema.get("allOf"):
        merged = {key: value for part in schema["allOf"] for key, value in _resolved(part, root).items()}
        return _value({**merged, **{key: value for key, value in schema.items() if key != "allOf"}}, root, name, depth)
    return _typed(schema, root, name, depth)


def _typed(schema: Schema, root: Schema, name: str, depth: int) -> Any:
    match _type_of(schema):
        case "object":
            return _object(schema, root, depth)
        case "array":
            return _array(schema, root, name, depth)
        case "integer":
            return int(_number(schema, 3))
        case "number":
            return _number(schema, 1.5)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(schema, name)


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return str(next((each for each in kind if each != "null"), "null"))
    if kind is not None:
        return str(kind)
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _object(schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = schema.get("required") or []
    names = list(properties) if depth < DEEPEST else []
    names += [name for name in required if name not in names]
    return {name: _value(properties.get(name, {}), root, name, depth + 1) for name in names}


def _array(schema: Schema, root: Schema, name: str, depth: int) -> list[Any]:
    prefix = [_value(item, root, name, depth + 1) for item in schema.get("prefixItems") or []]
    fewest = max(int(schema.get("minItems", 0)), 0 if depth >= DEEPEST or "items" not in schema else 1)
    fewest = min(fewest, int(schema.get("maxItems", fewest)))
    more = [_value(schema.get("items", {}), root, name, depth + 1) for _ in range(fewest - len(prefix))]
    return prefix + more


def _number(schema: Schema, usual: float) -> float:
    """The usual number moved into the limits, or the nearest multiple above."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    is_whole = _type_of(schema) == "integer"
    step = schema.get("multipleOf", 1 if is_whole else None)
    floor = max(
        (each for each in (low, None if above is None else above + (1 if is_whole else 0.5)) if each is not None),
        default=None,
    )
    ceiling = min(
        (each for each in (high, None if below is None else below - (1 if is_whole else 0.5)) if each is not None),
        default=None,
    )
    value = usual
    if floor is not None and value < floor:
        value = floor
    if ceiling is not None and value > ceiling:
        value = ceiling
    if step:
        value = -(-value // step) * step
    return value if ceiling is None or value <= ceiling else ceiling


def _string(schema: Schema, name: str) -> str:
    text = _FORMATS.get(schema.get("format", ""), f"some {name}")
    fewest, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    text = text.ljust(fewest, ".")
    return text if most is None else text[: int(most)]


def _referred(path: str, root: Schema) -> Any:
    found: Any = root
    for part in path.removeprefix("#").strip("/").split("/"):
        if part:
            found = found.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, Mapping) else {}
    return found


def _resolved(schema: Schema, root: Schema) -> Schema:
    found: Schema = _referred(schema["$ref"], root) if "$ref" in schema else schema
    return found


def _shallowest(choices: list[Any], depth: int) -> Any:
    """The first choice; far down, one that does not go deeper, where there is one."""
    simple = [
        each for each in choices if isinstance(each, Mapping) and each.get("type") in ("null", "string", "integer")
    ]
    return simple[0] if depth >= DEEPEST and simple else choices[0]
