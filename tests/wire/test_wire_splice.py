"""Only the bytes of one value change."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_texts import LAYOUTS, OBJECTS, VALUES, escaped, written

from gateway.wire.splice import ABSENT, with_fields, with_model, with_more

NAMES = st.sampled_from(["gpt-5.5", "tgi", "org/model", 'a "quoted" name', "модель"])
AROUND = st.sampled_from(["", " ", "\r\n\t"])


@given(OBJECTS, NAMES, NAMES, st.integers(0, 5), LAYOUTS, AROUND)
def test_only_the_top_level_model_changes(
    rest: dict[str, Any], old: str, new: str, place: int, layout: dict[str, Any], around: str
) -> None:
    rest.pop("model", None)
    items = list(rest.items())
    mark = "@place of the model@"
    template = around + json.dumps(dict([*items[:place], ("model", mark), *items[place:]]), **layout) + around

    def body(model: str) -> bytes:
        return template.replace(json.dumps(mark), json.dumps(model, ensure_ascii=False)).encode()

    before = body(old)
    after = with_model(before, json.loads(before), new)
    assert after == body(new)
    assert after is before or new != old


@given(OBJECTS, NAMES, LAYOUTS, AROUND)
def test_a_missing_model_is_put_in_front(rest: dict[str, Any], new: str, layout: dict[str, Any], around: str) -> None:
    rest.pop("model", None)
    body = around.encode() + written(rest, layout)
    after = with_model(body, rest, new)
    assert json.loads(after) == {**rest, "model": new}
    begin = len(around) + 1
    assert after[:begin] == body[:begin]
    assert after.endswith(body[begin:])


HIDDEN = {
    "nested before": b'{"metadata":{"model":"x"},"model":"old"}',
    "nested after": b'{"model":"old","metadata":{"model":"old"}}',
    "in a list": b'{"a":[{"model":"old"}],"model":"old"}',
    "as a text": b'{"a":"model","model":"old"}',
    "in a text": b'{"a":"\\"model\\":\\"old\\"","model":"old"}',
    "at the end of a key": b'{"a\\"model":"old","model":"old"}',
    "after a backslash": b'{"a":"\\\\","model":"old"}',
    "with white space": b'{ "a" : 1 ,\n "model"\t:\r\n "old" }',
    "null": b'{"a":1,"model":null}',
}


@pytest.mark.parametrize("what", list(HIDDEN))
def test_the_top_level_model_is_found(what: str) -> None:
    body = HIDDEN[what]
    after = with_model(body, json.loads(body), "new")
    expected = body[::-1].replace(b"dlo", b"wen", 1)[::-1]
    if what == "nested after":
        expected = body.replace(b"old", b"new", 1)
    if what == "null":
        expected = body.replace(b"null", b'"new"')
    assert after == expected


def test_a_key_written_with_escapes_keeps_its_spelling() -> None:
    body = f'{{"a":"model",{escaped("model")}:"old","b":{{"model":"old"}}}}'.encode()
    assert with_model(body, json.loads(body), "new") == body.replace(b'"old",', b'"new",')


def test_ten_thousand_models_are_no_trouble() -> None:
    body = b'{"a":[' + b",".join([b'{"model":"x"}'] * 10_000) + b'],"model":"x"}'
    assert with_model(body, json.loads(body), "new") == body[:-4] + b'"new"}'


@given(OBJECTS, st.dictionaries(st.sampled_from(["a", "b", "model", "new"]), VALUES | st.just(ABSENT)), LAYOUTS)
def test_fields_change_and_the_others_keep_their_bytes(
    document: dict[str, Any], changes: dict[str, Any], layout: dict[str, Any]
) -> None:
    after = with_fields(written(document, layout), changes)
    merged = {**document, **changes}
    assert json.loads(after) == {name: value for name, value in merged.items() if value is not ABSENT}


def test_numbers_keep_their_spelling_beside_a_changed_field() -> None:
    body = b'{"temperature": 1.0e-1, "seed": 123456789012345678901234567890, "x": [1,  2]}'
    after = with_fields(body, {"x_new": 1})
    assert after == b'{"temperature":1.0e-1,"seed":123456789012345678901234567890,"x":[1,  2],"x_new":1}'


@given(OBJECTS, st.dictionaries(st.sampled_from(["max_tokens", "stream_options"]), VALUES, min_size=1), LAYOUTS, AROUND)
def test_what_is_put_in_front_leaves_every_byte_behind_it(
    rest: dict[str, Any], more: dict[str, Any], layout: dict[str, Any], around: str
) -> None:
    fresh = {name: value for name, value in rest.items() if name not in more}
    body = around.encode() + written(fresh, layout)
    after = with_more(body, fresh, more)
    assert json.loads(after) == {**fresh, **more}
    assert after.endswith(body.lstrip()[1:])


@given(OBJECTS, VALUES, VALUES)
def test_what_is_there_already_is_changed(rest: dict[str, Any], old: Any, new: Any) -> None:
    document = {**rest, "max_tokens": old}
    assert json.loads(with_more(json.dumps(document).encode(), document, {"max_tokens": new})) == {
        **document,
        "max_tokens": new,
    }
