"""TGI's whole answers read like OpenAI's."""

import json
from typing import Any

import pytest
from tgi_says import ID, MODEL, chat, chat_completion, envelope, usage

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError
from gateway.core.types import Endpoint
from gateway.core.usage import Usage
from gateway.wire.tgi_chat import ChatExchange, CompletionsExchange

JSON = {"content-type": "application/json"}
CALL = {"id": "0", "type": "function", "function": {"description": None, "name": "ring", "arguments": '{"n":1}'}}


def answered(body: bytes, **fields: Any) -> dict[str, Any]:
    return json.loads(ChatExchange(envelope(chat(**fields)), MODEL).answer(200, JSON, body).body)


def test_a_completion_is_complete() -> None:
    answer = answered(chat_completion({"content": "Hello"}))
    own = ID.removeprefix("req_")
    assert answer["id"] == f"chatcmpl-{own}"
    assert answer["model"] == MODEL
    assert answer["system_fingerprint"] == "3.3.7-native"
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]


def test_usage_is_read_and_kept() -> None:
    answer = ChatExchange(envelope(chat()), MODEL).answer(200, JSON, chat_completion({"content": "Hello"}))
    assert answer.usage == Usage(11, 5)
    assert json.loads(answer.body)["usage"] == usage(11, 5)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("stop", "stop"), ("stop_sequence", "stop"), ("eos_token", "stop"), ("length", "length"), ("", None)],
)
def test_finish_reasons_are_openais(theirs: str, ours: str | None) -> None:
    assert answered(chat_completion({"content": "Hello"}, theirs))["choices"][0]["finish_reason"] == ours


@pytest.mark.parametrize("stop", ["###", ["###"], ["nope", "###"]])
def test_stop_text_is_cut_off(stop: Any) -> None:
    choice = answered(chat_completion({"content": "Hello ### there"}, "length"), stop=stop)["choices"][0]
    assert choice["message"]["content"] == "Hello "
    assert choice["finish_reason"] == "stop"


def test_a_tool_call_looks_like_one() -> None:
    choice = answered(chat_completion({"tool_calls": [CALL]}))["choices"][0]
    call = {"id": "call_" + ID[4:] + "_0", "type": "function", "function": {"name": "ring", "arguments": '{"n":1}'}}
    assert choice["message"] == {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None}
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(("theirs", "ours"), [({"n": 1}, '{"n":1}'), (None, "{}"), ('{"n":1}', '{"n":1}')])
def test_arguments_are_a_text(theirs: Any, ours: str) -> None:
    call = {"id": "0", "type": "function", "function": {"name": "ring", "arguments": theirs}}
    message = answered(chat_completion({"tool_calls": [call]}))["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["arguments"] == ours


def test_a_tool_call_cut_short_says_so() -> None:
    assert answered(chat_completion({"tool_calls": [CALL]}, "length"))["choices"][0]["finish_reason"] == "length"


def logprob(token: str) -> dict[str, Any]:
    return {"token": token, "logprob": -0.25, "top_logprobs": [{"token": token, "logprob": -0.25}]}


def test_logprobs_have_bytes() -> None:
    content = {"content": [logprob("é")]}
    logprobs = answered(chat_completion({"content": "é"}, logprobs=content))["choices"][0]["logprobs"]
    top = {"token": "é", "logprob": -0.25, "bytes": [195, 169]}
    assert logprobs == {"content": [{**top, "top_logprobs": [top]}], "refusal": None}


def test_logprobs_end_with_the_text() -> None:
    content = {"content": [logprob("Hel"), logprob("lo"), logprob(" #"), logprob("##")]}
    choice = answered(chat_completion({"content": "Hello ###"}, logprobs=content), stop=" ###")["choices"][0]
    assert [token["token"] for token in choice["logprobs"]["content"]] == ["Hel", "lo"]


def test_unknown_fields_survive() -> None:
    document = json.loads(chat_completion({"content": "Hello", "x_message": 1}, x_choice=2)) | {"x_top": 3}
    answer = answered(json.dumps(document).encode())
    assert answer["x_top"] == 3
    assert answer["choices"][0]["x_choice"] == 2
    assert answer["choices"][0]["message"]["x_message"] == 1


def test_a_batch_is_in_order() -> None:
    rows = [{"index": index, "text": f"{index} ## x", "logprobs": None, "finish_reason": "stop"} for index in (2, 0, 1)]
    document = {"object": "text_completion", "id": "", "model": "m", "choices": rows, "usage": usage(3, 6)}
    exchange = CompletionsExchange(envelope({"prompt": ["a", "b", "c"], "stop": "##"}, Endpoint.COMPLETIONS), MODEL)
    answer = exchange.answer(200, JSON, json.dumps(document).encode())
    choices = json.loads(answer.body)["choices"]
    assert [(choice["index"], choice["text"]) for choice in choices] == [(0, "0 "), (1, "1 "), (2, "2 ")]
    assert json.loads(answer.body)["id"].startswith("cmpl-")
    assert answer.usage == Usage(3, 6)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"choices": 5}', b'{"choices": [{"index": 0}]}'])
def test_what_is_no_completion_is_a_failure(body: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        ChatExchange(envelope(chat()), MODEL).answer(200, JSON, body)
    assert caught.value.kind is FailureKind.BAD_ANSWER


def test_errors_are_raised_as_what_they_mean() -> None:
    exchange = ChatExchange(envelope(chat()), MODEL)
    with pytest.raises(AttemptFailed):
        exchange.answer(429, JSON, b'{"error":"Model is overloaded","error_type":"overloaded"}')
    with pytest.raises(GatewayError):
        exchange.answer(422, JSON, b'{"error":"Input validation error: no","error_type":"validation"}')
