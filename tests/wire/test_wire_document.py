"""A body that is accepted means the same to every reader."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_texts import KEYS, LAYOUTS, SCALARS, VALUES, escaped, written

from gateway.core.errors import GatewayError
from gateway.wire.document import MAX_DEPTH, parse


def refused(body: bytes) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        parse(body)
    assert caught.value.status == 400
    return caught.value


@given(VALUES, LAYOUTS)
def test_any_json_is_read_as_it_is_written(value: Any, layout: dict[str, Any]) -> None:
    body = written(value, layout)
    assert parse(body) == json.loads(body)


class Pairs(list[tuple[str, Any]]):
    """An object whose keys may repeat."""


PAIRS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=4).map(Pairs),
    max_leaves=12,
)


def text_of(value: Any, spell: Any) -> str:
    match value:
        case Pairs():
            return "{" + " , ".join(f"{spell(key)} : {text_of(inner, spell)}" for key, inner in value) + "}"
        case list():
            return "[" + ",".join(text_of(inner, spell) for inner in value) + "]"
        case str():
            return spell(value)
        case _:
            return json.dumps(value)


def has_a_key_twice(body: str) -> bool:
    found = []
    json.loads(body, object_pairs_hook=lambda pairs: found.append(len(pairs) != len(dict(pairs))))
    return any(found)


@given(PAIRS, st.sampled_from([json.dumps, escaped]))
def test_a_body_is_refused_exactly_when_some_object_has_a_key_twice(value: Any, spell: Any) -> None:
    body = text_of(value, spell)
    if has_a_key_twice(body):
        assert refused(body.encode()).code == "duplicate_key"
    else:
        parse(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "a", "model": "b"}',
        b'{"model": "a", "mod\\u0065l": "b"}',
        b'{"x": [{"deep": [{"a": 1, "a": 1}]}]}',
        b'{"a": 1, "a": [[[[]]]], "text": "a quote \\" and a backslash \\\\"}',
        b'{"": 1, "": 2}',
    ],
)
def test_a_key_twice_is_refused_wherever_and_however_it_is_written(body: bytes) -> None:
    assert refused(body).code == "duplicate_key"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"hello",
        b"{",
        b"{}{}",
        b"\xef\xbb\xbf{}",
        b'{"a": NaN}',
        b"{'a': 1}",
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\ud800\\u0041"}',
        b'{"\\udfff": 1}',
        b'{"a": 1e999}',
        b'{"a": "\n"}',
    ],
)
def test_what_is_not_json_is_told_without_quoting_it(body: bytes) -> None:
    error = refused(body)
    assert error.code == "invalid_json"
    assert "hello" not in error.message


@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000, 10_000, 1_000_000])
def test_too_deep_is_refused_without_harm(opened: bytes, closed: bytes, depth: int) -> None:
    assert refused(opened * depth + b"1" + closed * depth).code == "too_deep"


def test_as_deep_as_allowed_is_read() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_many_brackets_are_not_depth() -> None:
    assert len(parse(b"[" + b",".join([b"[1]"] * 10_000) + b"]")) == 10_000
    assert parse(b'["' + b"[{" * 10_000 + b'"]')


def test_numbers_of_any_length_are_read() -> None:
    assert parse(b'{"seed": 123456789012345678901234567890}')["seed"] == 123456789012345678901234567890
