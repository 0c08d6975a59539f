"""JSON texts as hypothesis makes them: any layout, any escapes, and keys that look like the ones we search for."""

import json
from typing import Any

from hypothesis import strategies as st

TRICKY = st.sampled_from(
    ['"', "\\", '\\"', '"model":"x"', '{"model": "x"}', "model", "[DONE]", "{", "[", "\n", "\u2028", "é"]
)
WORDS = st.lists(TRICKY | st.text(st.characters(exclude_categories=("Cs",)), max_size=5), max_size=4).map("".join)
KEYS = st.sampled_from(["model", "messages", "a", "b", 'x"model']) | WORDS
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=10
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)
LAYOUTS = st.sampled_from(
    [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}, {"separators": (" ,\n", "\t: ")}]
)


def escaped(text: str) -> str:
    r"""A JSON string with every character written as \uXXXX, as nobody does and everybody may."""
    units = text.encode("utf-16-be").hex()
    return '"' + "".join("\\u" + units[place : place + 4] for place in range(0, len(units), 4)) + '"'


def written(value: Any, layout: dict[str, Any]) -> bytes:
    return json.dumps(value, **layout).encode()
