"""A request is read once: what is wrong is told with its field, what is asked for is known."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from json_texts import VALUES

from gateway.core.errors import GatewayError
from gateway.core.types import Endpoint, Need
from gateway.wire.content import MEDIUM_TOKENS
from gateway.wire.requests import Reading, read, read_unknown

HELLO = [{"role": "user", "content": "Say hello"}]
GENERATIONS = [Endpoint.GENERATE_ROOT, Endpoint.GENERATE, Endpoint.GENERATE_STREAM]
MINIMAL: dict[Endpoint, dict[str, Any]] = {
    Endpoint.CHAT: {"model": "auto", "messages": HELLO},
    Endpoint.COMPLETIONS: {"model": "auto", "prompt": "Once"},
    Endpoint.EMBEDDINGS: {"model": "auto", "input": "Once"},
    Endpoint.GENERATE_ROOT: {"inputs": "Once"},
    Endpoint.GENERATE: {"inputs": "Once"},
    Endpoint.GENERATE_STREAM: {"inputs": "Once"},
    Endpoint.TOKENIZE: {"inputs": "Once"},
    Endpoint.CHAT_TOKENIZE: {"messages": HELLO},
}
ALONE = {
    Endpoint.CHAT: Need.CHAT,
    Endpoint.COMPLETIONS: Need.COMPLETIONS,
    Endpoint.EMBEDDINGS: Need.EMBEDDINGS,
    Endpoint.GENERATE_ROOT: Need.GENERATE,
    Endpoint.GENERATE: Need.GENERATE,
    Endpoint.GENERATE_STREAM: Need.GENERATE,
    Endpoint.TOKENIZE: Need.TOKENIZE,
    Endpoint.CHAT_TOKENIZE: Need.TOKENIZE,
}


def reading(endpoint: Endpoint = Endpoint.CHAT, **fields: Any) -> Reading:
    return read(endpoint, json.dumps({**MINIMAL[endpoint], **fields}).encode())


def refused(endpoint: Endpoint, document: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        read(endpoint, json.dumps(document).encode())
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize("endpoint", list(MINIMAL))
def test_the_least_that_can_be_asked_is_read(endpoint: Endpoint) -> None:
    found = reading(endpoint)
    assert found.document == MINIMAL[endpoint]
    assert found.needs == {ALONE[endpoint]}
    assert found.stream is (endpoint is Endpoint.GENERATE_STREAM)
    assert found.max_tokens is None
    assert found.model == MINIMAL[endpoint].get("model", "")


@given(VALUES)
def test_a_field_nobody_knows_is_no_mistake(value: Any) -> None:
    assert reading(x_future=value).needs == {Need.CHAT}


MISTAKES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no messages": ({"messages": ...}, "messages", "missing_required_parameter"),
    "messages null": ({"messages": None}, "messages", "invalid_type"),
    "messages a text": ({"messages": "hi"}, "messages", "invalid_type"),
    "a message a text": ({"messages": [*HELLO, "hi"]}, "messages[1]", "invalid_type"),
    "no role": ({"messages": [{"content": "hi"}]}, "messages[0].role", "invalid_type"),
    "a role a number": ({"messages": [{"role": 1, "content": "hi"}]}, "messages[0].role", "invalid_type"),
    "content a number": ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content", "invalid_type"),
    "content an object": ({"messages": [{"role": "user", "content": {}}]}, "messages[0].content", "invalid_type"),
    "a part a text": ({"messages": [{"role": "user", "content": ["hi"]}]}, "messages[0].content[0]", "invalid_type"),
    "model a number": ({"model": 7}, "model", "invalid_type"),
    "stream a text": ({"stream": "yes"}, "stream", "invalid_type"),
    "stream a number": ({"stream": 1}, "stream", "invalid_type"),
    "max_tokens a text": ({"max_tokens": "many"}, "max_tokens", "invalid_type"),
    "max_tokens a fraction": ({"max_tokens": 1.5}, "max_tokens", "invalid_type"),
    "max_tokens a boolean": ({"max_tokens": True}, "max_tokens", "invalid_type"),
    "max_tokens negative": ({"max_tokens": -1}, "max_tokens", "invalid_value"),
    "max_tokens beyond everything": ({"max_tokens": 10**30}, "max_tokens", "invalid_value"),
    "the newer name": ({"max_completion_tokens": "x", "max_tokens": 1}, "max_completion_tokens", "invalid_type"),
}


@pytest.mark.parametrize("what", list(MISTAKES))
def test_a_mistake_in_a_chat_is_told_with_its_field(what: str) -> None:
    fields, param, code = MISTAKES[what]
    document = {**MINIMAL[Endpoint.CHAT], **fields}
    error = refused(Endpoint.CHAT, {name: value for name, value in document.items() if value is not ...})
    assert (error.param, error.code) == (param, code)
    assert f"`{param}`" in error.message


@pytest.mark.parametrize(
    ("endpoint", "field"),
    [(Endpoint.COMPLETIONS, "prompt"), (Endpoint.EMBEDDINGS, "input")]
    + [(endpoint, "inputs") for endpoint in (*GENERATIONS, Endpoint.TOKENIZE)],
)
@pytest.mark.parametrize("value", [..., None, 7, {}, [None], ["a", 1], [1.5], [[1], "a"], [["a"]], [True]])
def test_a_prompt_of_the_wrong_form_is_told(endpoint: Endpoint, field: str, value: Any) -> None:
    assert refused(endpoint, {} if value is ... else {field: value}).param == field


@pytest.mark.parametrize("value", ["text", ["one", "two"], [1, 2, 3], [[1, 2], [3]], []])
def test_a_prompt_may_be_texts_or_tokens(value: Any) -> None:
    assert reading(Endpoint.COMPLETIONS, prompt=value)
    assert reading(Endpoint.EMBEDDINGS, input=value)


@pytest.mark.parametrize("endpoint", [*GENERATIONS, Endpoint.TOKENIZE])
def test_parameters_are_an_object(endpoint: Endpoint) -> None:
    assert refused(endpoint, {"inputs": "x", "parameters": []}).param == "parameters"
    assert reading(endpoint, parameters=None)


@pytest.mark.parametrize("body", [b"[1]", b'"text"', b"null", b"7"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(GatewayError, match="object"):
        read(Endpoint.CHAT, body)


@pytest.mark.parametrize(
    ("endpoint", "fields", "bound"),
    [
        (Endpoint.CHAT, {"max_tokens": 5}, 5),
        (Endpoint.CHAT, {"max_completion_tokens": 6}, 6),
        (Endpoint.CHAT, {"max_completion_tokens": 6, "max_tokens": 5}, 6),
        (Endpoint.CHAT, {"max_completion_tokens": None, "max_tokens": 5}, 5),
        (Endpoint.CHAT, {"max_tokens": 0}, 0),
        (Endpoint.COMPLETIONS, {"max_tokens": 5}, 5),
        (Endpoint.GENERATE, {"parameters": {"max_new_tokens": 7}}, 7),
        (Endpoint.GENERATE, {"max_tokens": 7}, None),
    ],
)
def test_the_clients_bound_is_known(endpoint: Endpoint, fields: dict[str, Any], bound: int | None) -> None:
    assert reading(endpoint, **fields).max_tokens == bound


@pytest.mark.parametrize("stream", [True, False, None])
def test_whether_a_stream_is_wanted_is_known(stream: bool | None) -> None:
    for endpoint in (Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.GENERATE_ROOT):
        assert reading(endpoint, stream=stream).stream is (stream is True)
    assert reading(Endpoint.GENERATE_STREAM, stream=stream).stream


def test_a_null_model_is_none() -> None:
    assert reading(model=None).model == ""


def test_text_counts_a_token_for_four_bytes() -> None:
    assert 1000 <= reading(messages=[{"role": "user", "content": "abcd" * 1000}]).prompt_tokens <= 1030


@pytest.mark.parametrize(
    ("part", "need"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,@"}}, Need.IMAGES),
        ({"type": "input_audio", "input_audio": {"data": "@", "format": "wav"}}, Need.AUDIO),
        ({"type": "file", "file": {"file_data": "@", "filename": "a.pdf"}}, Need.FILES),
        ({"image_url": "@"}, Need.IMAGES),
    ],
)
def test_a_medium_is_known_and_its_bytes_are_no_text(part: dict[str, Any], need: Need) -> None:
    large = base64.b64encode(bytes(300_000)).decode()
    full = json.loads(json.dumps(part).replace("@", large))
    found = reading(messages=[{"role": "user", "content": [{"type": "text", "text": "What is it?"}, full]}])
    assert found.needs == {Need.CHAT, need}
    assert MEDIUM_TOKENS <= found.prompt_tokens <= MEDIUM_TOKENS + 60


def test_what_the_model_said_aloud_is_audio() -> None:
    spoken = {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}
    assert Need.AUDIO in reading(messages=[*HELLO, spoken]).needs


def test_a_large_body_is_a_need_of_its_own() -> None:
    assert Need.LARGE_BODY in reading(messages=[{"role": "user", "content": "x" * 2_000_000}]).needs


def test_content_is_in_no_repr() -> None:
    assert "hello" not in repr(reading())


@pytest.mark.parametrize(
    ("content_type", "body", "document"),
    [
        ("application/json", b'{"model": "m", "stream": true}', {"model": "m", "stream": True}),
        ("Application/JSON; charset=utf-8", b"[1]", [1]),
        ("application/vnd.api+json", b"{}", {}),
        ("", b"", {}),
        ("multipart/form-data; boundary=x", b"--x--", None),
        ("", b"{}", None),
        ("application/json", b"{", None),
        ("application/json", b'{"a": 1, "a": 2}', None),
        ("application/json", b"[" * 10_000, None),
        ("application/json", b'{"model": 7, "stream": "yes"}', {"model": 7, "stream": "yes"}),
    ],
)
def test_an_unknown_route_is_read_as_far_as_it_goes(content_type: str, body: bytes, document: Any) -> None:
    found = read_unknown(content_type, body)
    assert found.document == document
    assert found.needs == {Need.PASSTHROUGH}
    sound = isinstance(document, dict) and document.get("model") == "m"
    assert (found.model, found.stream) == (("m", True) if sound else ("", False))
