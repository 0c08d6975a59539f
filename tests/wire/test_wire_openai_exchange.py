"""With servers that speak OpenAI the client's bytes are sent and the server's bytes are told."""

import json
from typing import Any

import msgspec
import pytest
from tgi_says import chat, envelope

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError
from gateway.core.types import BackendKind, Endpoint, Envelope
from gateway.core.usage import Usage
from gateway.wire.openai_exchange import OpenAIExchange, UnknownExchange

JSON = {"content-type": "application/json"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
ANSWER = b'{"id": "chatcmpl-1",  "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}'


def exchange(asked: Envelope, kind: BackendKind = BackendKind.OPENAI) -> OpenAIExchange:
    return OpenAIExchange(asked, "gpt-5.5", kind)


def sent(kind: BackendKind, **fields: Any) -> dict[str, Any]:
    return json.loads(exchange(envelope(chat(**fields)), kind).body)


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (Endpoint.CHAT, "/v1/chat/completions"),
        (Endpoint.COMPLETIONS, "/v1/completions"),
        (Endpoint.EMBEDDINGS, "/v1/embeddings"),
    ],
)
def test_a_request_goes_as_it_came_but_for_the_model(endpoint: Endpoint, path: str) -> None:
    body = b'{ "model":"auto",\n "x_future": [1.0e2, {"model":"auto"}], "stream": false }'
    made = exchange(envelope(json.loads(body), endpoint, body, path=path + "?key=value"))
    assert made.body == body.replace(b'"auto"', b'"gpt-5.5"', 1)
    assert (made.method, made.path, made.content_type) == ("POST", path, "application/json")
    assert not made.expects_stream


def test_a_request_for_the_backends_own_model_is_not_even_copied() -> None:
    asked = envelope(chat(model="gpt-5.5", stream=True))
    made = exchange(asked)
    assert made.body is asked.body
    assert made.expects_stream


def renamed(model: str, **fields: Any) -> dict[str, Any]:
    body = json.dumps(chat(**fields)).encode()
    return json.loads(OpenAIExchange(envelope(chat(**fields), body=body), model, BackendKind.OPENAI).body)


@pytest.mark.parametrize("model", ["gpt-5.5", "gpt-5-mini", "gpt-10", "o3", "o4-mini"])
def test_a_model_of_our_choice_gets_the_bound_by_the_name_it_takes(model: str) -> None:
    body = renamed(model, max_tokens=9, x_future=1)
    assert body == {"model": model, "messages": chat()["messages"], "x_future": 1, "max_completion_tokens": 9}
    assert renamed(model, max_tokens=9, max_completion_tokens=None)["max_completion_tokens"] == 9


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-4o-mini", "deepseek-chat", "openhermes", "my-gpt-5"])
def test_other_models_get_the_bound_as_it_came(model: str) -> None:
    assert renamed(model, max_tokens=9)["max_tokens"] == 9


@pytest.mark.parametrize("fields", [{"max_tokens": None}, {"max_tokens": 9, "max_completion_tokens": 9}])
def test_a_bound_that_need_not_or_cannot_be_renamed_stays(fields: dict[str, Any]) -> None:
    assert renamed("gpt-5.5", **fields).items() >= fields.items()


def test_a_client_that_names_the_model_is_passed_on_untouched() -> None:
    asked = envelope(chat(model="gpt-5.5", max_tokens=9))
    assert exchange(asked).body is asked.body


UNSUPPORTED = b"""{"error": {"message": "Unsupported value: 'temperature' does not support 0.2 with this model.",
    "type": "invalid_request_error", "param": "temperature", "code": "unsupported_value"}}"""


def test_what_a_model_of_our_choice_does_not_take_is_tried_elsewhere() -> None:
    with pytest.raises(AttemptFailed) as caught:
        exchange(envelope(chat(temperature=0.2))).answer(400, JSON, UNSUPPORTED)
    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.UNABLE, False)
    assert "`temperature`" in caught.value.detail


def test_a_client_that_names_the_model_hears_what_it_does_not_take() -> None:
    answer = exchange(envelope(chat(model="gpt-5.5", temperature=0.2))).answer(400, JSON, UNSUPPORTED)
    assert (answer.status, answer.body) == (400, UNSUPPORTED)


def test_a_parameter_that_is_no_name_is_not_shown() -> None:
    with pytest.raises(AttemptFailed) as caught:
        exchange(envelope(chat())).answer(400, JSON, UNSUPPORTED.replace(b'"temperature"', b'"my secret word"'))
    assert "secret" not in caught.value.detail


HUGGING_FACE = {
    "json": {"type": "json", "value": SCHEMA},
    "json_object": {"type": "json_object", "value": SCHEMA},
    "json_schema": {"type": "json_schema", "value": {"schema": SCHEMA}},
}


@pytest.mark.parametrize("kind", [BackendKind.OPENAI, BackendKind.VLLM, BackendKind.SGLANG, BackendKind.LITELLM])
@pytest.mark.parametrize("form", list(HUGGING_FACE))
def test_hugging_faces_schema_becomes_openais(kind: BackendKind, form: str) -> None:
    body = sent(kind, model="tgi", response_format=HUGGING_FACE[form], tool_prompt="Use tools:", x_future=1)
    assert body == {
        "model": "gpt-5.5",
        "messages": chat()["messages"],
        "response_format": {"type": "json_schema", "json_schema": {"name": "response", "schema": SCHEMA}},
        "x_future": 1,
    }


def test_hugging_faces_own_name_for_a_schema_is_kept() -> None:
    given = {"type": "json_schema", "value": {"name": "bicycle", "schema": SCHEMA, "strict": True}}
    assert sent(BackendKind.OPENAI, response_format=given)["response_format"]["json_schema"] == given["value"]


def test_a_regex_goes_where_the_engine_takes_it() -> None:
    given = {"type": "regex", "value": "[0-9]+"}
    vllm, sglang = (sent(kind, response_format=given) for kind in (BackendKind.VLLM, BackendKind.SGLANG))
    assert vllm["structured_outputs"] == {"regex": "[0-9]+"}
    assert sglang["regex"] == "[0-9]+"
    assert "response_format" not in vllm.keys() | sglang.keys()
    with pytest.raises(AttemptFailed) as caught:
        sent(BackendKind.OPENAI, response_format=given)
    assert caught.value.kind is FailureKind.UNABLE


@pytest.mark.parametrize("given", [{"type": "json", "value": "x"}, {"type": "regex", "value": {}}])
def test_a_format_that_is_none_is_the_clients_mistake(given: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        sent(BackendKind.VLLM, response_format=given)
    assert caught.value.param == "response_format.value"


def test_a_named_tool_without_a_type_gets_one() -> None:
    named = {"function": {"name": "ring_bell"}}
    assert sent(BackendKind.OPENAI, tool_choice=named)["tool_choice"] == {"type": "function", **named}


def test_an_answer_is_told_byte_for_byte_with_its_usage() -> None:
    answer = exchange(envelope(chat())).answer(200, JSON, ANSWER)
    assert answer.body is ANSWER
    assert (answer.status, answer.usage) == (200, Usage(3, 2))


def test_an_answer_without_usage_is_one() -> None:
    assert exchange(envelope(chat())).answer(200, JSON, b'{"choices": []}').usage is None


@pytest.mark.parametrize("body", [b"<html>busy</html>", b'{"choices": [', b"", b"[]"])
def test_what_is_no_answer_is_tried_elsewhere(body: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        exchange(envelope(chat())).answer(200, {"content-type": "text/html"}, body)
    assert caught.value.kind is FailureKind.BAD_ANSWER


def test_the_clients_mistake_is_told_in_the_servers_own_bytes() -> None:
    refusal = b'{"error":  {"message": "too long", "code": "context_length_exceeded"}}'
    answer = exchange(envelope(chat())).answer(400, JSON, refusal)
    assert (answer.status, answer.body, answer.usage) == (400, refusal, None)


@pytest.mark.parametrize(("status", "kind"), [(500, FailureKind.SERVER_ERROR), (302, FailureKind.BAD_ANSWER)])
def test_the_servers_failure_is_tried_elsewhere(status: int, kind: FailureKind) -> None:
    with pytest.raises(AttemptFailed) as caught:
        exchange(envelope(chat())).answer(status, {"content-type": "text/html"}, b"<html>")
    assert caught.value.kind is kind


def unknown(method: str = "POST", kind: bytes = b"", document: Any = None) -> UnknownExchange:
    asked = envelope(document, Endpoint.UNKNOWN, b"--x--", path="/v1/files?purpose=x")
    headers = ((b"accept", b"*/*"), (b"content-type", kind)) if kind else ()
    return UnknownExchange(msgspec.structs.replace(asked, method=method, headers=headers))


def test_an_unknown_route_goes_as_it_came() -> None:
    made = unknown("PUT", b"multipart/form-data; boundary=x")
    assert (made.method, made.path, made.body) == ("PUT", "/v1/files?purpose=x", b"--x--")
    assert made.content_type == "multipart/form-data; boundary=x"
    assert unknown().content_type == "application/octet-stream"


@pytest.mark.parametrize("kind", [b"", b"application/json; note=4111111111111111", b"application/x.4111+json"])
@pytest.mark.parametrize("document", [{}, {"input": "x"}, []])
def test_nothing_that_nobody_classified_leaves_in_a_content_type(kind: bytes, document: Any) -> None:
    assert unknown(kind=kind, document=document).content_type == "application/json"


@pytest.mark.parametrize("status", [200, 204, 304, 400, 403, 404, 429])
def test_an_unknown_routes_answer_is_told_whatever_it_is(status: int) -> None:
    answer = unknown().answer(status, {"content-type": "image/png"}, b"\x89PNG")
    assert (answer.status, answer.body, answer.content_type) == (status, b"\x89PNG", "image/png")


def test_an_unknown_routes_usage_is_told_where_it_is_reported() -> None:
    body = b'{"object": "response", "usage": {"input_tokens": 3, "output_tokens": 2}}'
    assert unknown().answer(200, JSON, body).usage == Usage(3, 2)


@pytest.mark.parametrize("status", [401, 500, 503])
def test_an_unknown_route_fails_where_the_backend_does(status: int) -> None:
    with pytest.raises(AttemptFailed):
        unknown().answer(status, JSON, b"{}")


def test_an_unknown_routes_stream_passes_as_it_is() -> None:
    stream = unknown().rewriter()
    assert stream.feed(b"\x00\x01") == b"\x00\x01"
    assert stream.feed(b"") == stream.finish() == b""
    assert stream.usage is None
    typed = unknown().rewriter()
    typed.feed(b'event: response.completed\ndata: {"response":{"usage":{"input_tokens":1,"output_tokens":2}}}\n\n')
    assert typed.usage == Usage(1, 2)
