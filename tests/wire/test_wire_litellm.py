"""Calls of litellm: nothing that steers it comes from a client, and nothing it says in its own words goes out."""

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.wire.litellm_call import Call, answered, call, chunk
from gateway.wire.litellm_errors import refusal, trouble

CHAT, COMPLETIONS, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
ELSEWHERE = "http://169.254.169.254/latest"
STEERING = [
    "api_base", "api_key", "api_version", "azure_ad_token", "aws_secret_access_key", "base_url", "cache", "callbacks",
    "client", "custom_llm_provider", "deployment_id", "drop_params", "extra_body", "extra_headers", "fallbacks",
    "guardrails", "headers", "hf_model_name", "logger_fn", "max_retries", "metadata", "mock_response", "model_list",
    "num_retries", "prompt_id", "shared_session", "timeout", "vertex_credentials", "success_callback", "thinking",
]  # fmt: skip


def asked(path: str = CHAT, **fields: Any) -> Call:
    content = {} if path != CHAT or "messages" in fields else {"messages": [{"role": "user", "content": "Say hello"}]}
    return call(path, json.dumps({"model": "m", **content, **fields}).encode())


def unable(path: str = CHAT, **fields: Any) -> str:
    with pytest.raises(AttemptFailed) as caught:
        asked(path, **fields)
    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.UNABLE, False)
    return caught.value.detail


@pytest.mark.parametrize("field", STEERING)
@pytest.mark.parametrize("path", [CHAT, COMPLETIONS, EMBEDDINGS])
def test_no_argument_that_steers_litellm_comes_from_a_client(path: str, field: str) -> None:
    assert unable(path, prompt="x" if path == COMPLETIONS else None, **{field: ELSEWHERE}) == (
        "litellm is not given a field that is not one of OpenAI's"
    )


@given(st.text(), st.text(min_size=1))
def test_a_field_nobody_knows_is_refused_without_its_name(field: str, value: str) -> None:
    assert unable(**{"x" + field: value}) == "litellm is not given a field that is not one of OpenAI's"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": ELSEWHERE}},
        {"type": "image_url", "image_url": ELSEWHERE},
        {"type": "image_url", "image_url": {"url": "/etc/passwd"}},
        {"type": "image_url", "image_url": {"url": ["data:", ELSEWHERE]}},
        {"type": "text", "text": "x", "image_url": ELSEWHERE},
        {"type": "file", "file": {"file_id": ELSEWHERE}},
        {"type": "file", "file": {"file_data": ELSEWHERE}},
        {"type": "file", "file": {"file_data": "data:,x", "file_url": ELSEWHERE}},
        {"type": "file", "file": ELSEWHERE},
        {"type": "file", "file_data": ELSEWHERE},
        {"type": "input_audio", "input_audio": {"data": ELSEWHERE, "format": "wav"}},
        {"type": "input_audio", "input_audio": ELSEWHERE},
        {"type": "document", "source": {"type": "url", "url": ELSEWHERE}},
        {"type": "video_url", "video_url": {"url": ELSEWHERE}},
        {"text": "x"},
    ],
)
@pytest.mark.parametrize("role", ["user", "tool", "assistant"])
def test_litellm_fetches_nothing_for_a_client(role: str, part: dict[str, Any]) -> None:
    assert ELSEWHERE not in unable(messages=[{"role": role, "content": [{"type": "text", "text": "x"}, part]}])


def test_what_is_in_the_request_itself_passes() -> None:
    parts = [
        {"type": "text", "text": f"see {ELSEWHERE}"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO", "detail": "low"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "UklGR", "format": "wav"}},
    ]
    assert asked(messages=[{"role": "user", "content": parts}]).arguments["messages"][0]["content"] == parts


@pytest.mark.parametrize("type_", ["mcp", "web_search", "file_search", "code_interpreter", None])
def test_a_tool_that_is_a_server_is_not_asked(type_: str | None) -> None:
    unable(tools=[{"type": "function", "function": {"name": "f"}}, {"type": type_, "server_url": ELSEWHERE}])


def test_a_null_is_as_if_it_were_absent() -> None:
    assert asked(temperature=None, api_base=None).arguments.keys() == {"model", "messages"}


def test_a_text_completion_is_a_chat_of_one_message() -> None:
    made = asked(COMPLETIONS, prompt="Once upon", max_tokens=5)
    assert made.function == "acompletion"
    assert made.arguments == {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Once upon"}]}


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2], [[1], [2]], 7, None])
def test_several_prompts_and_tokens_go_elsewhere(prompt: Any) -> None:
    unable(COMPLETIONS, prompt=prompt)


@pytest.mark.parametrize("field", ["echo", "suffix", "best_of", "logprobs"])
def test_what_a_chat_cannot_do_for_a_completion_goes_elsewhere(field: str) -> None:
    unable(COMPLETIONS, prompt="x", **{field: 2})


def test_a_call_does_not_print_what_is_asked() -> None:
    assert "hello" not in repr(asked())


def test_what_may_be_null_but_not_absent_is_there() -> None:
    document = json.loads(answered({"choices": [{"index": 0, "message": {"role": "assistant"}}]}, asked()))
    assert document["choices"] == [
        {"index": 0, "finish_reason": None, "message": {"role": "assistant", "content": None, "refusal": None}}
    ]
    assert json.loads(chunk({"choices": [{"index": 0, "delta": {}}]}, asked()))["choices"][0]["finish_reason"] is None


def test_a_text_completion_is_answered_as_one() -> None:
    made = asked(COMPLETIONS, prompt="x")
    whole = {"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "hi"}}]}
    piece = {"object": "chat.completion.chunk", "choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]}
    rows = [json.loads(answered(whole, made)), json.loads(chunk(piece, made))]
    assert [row["object"] for row in rows] == ["text_completion", "text_completion"]
    assert [row["choices"][0]["text"] for row in rows] == ["hi", ""]


def test_its_guess_at_the_price_is_left_out() -> None:
    assert b"cost" not in answered({"usage": {"prompt_tokens": 1, "cost": 0.0}}, asked())


def test_a_usage_of_nothing_is_none() -> None:
    assert answered({"usage": {"prompt_tokens": 0, "completion_tokens": 0}}, asked()) == b"{}"
    assert b'"prompt_tokens":3' in answered({"usage": {"prompt_tokens": 3, "completion_tokens": 0}}, asked())


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_embeddings_are_packed_as_openai_packs_them(numbers: list[float]) -> None:
    made = asked(EMBEDDINGS, input="x", encoding_format="base64")
    assert "encoding_format" not in made.arguments
    packed = json.loads(answered({"data": [{"embedding": numbers}]}, made))["data"][0]["embedding"]
    assert list(struct.unpack(f"<{len(numbers)}f", base64.b64decode(packed))) == numbers


class BadRequestError(Exception):
    """Shaped like litellm's, which are not loaded for this."""

    def __init__(self, status: int, **fields: Any) -> None:
        super().__init__("the key sk-invented and what was asked")
        self.status_code = status
        self.body = {"message": "what was asked", **fields}


class ContextWindowExceededError(BadRequestError): ...


class UnsupportedParamsError(BadRequestError): ...


class ReadError(Exception): ...


def test_a_mistake_is_told_by_code_and_parameter_and_in_no_words_of_the_providers() -> None:
    status, _, body = refusal(BadRequestError(400, code="invalid_type", param="n"))
    error = json.loads(body)["error"]
    assert (status, error["code"], error["param"], error["type"]) == (400, "invalid_type", "n", "invalid_request_error")
    assert "asked" not in error["message"]


@pytest.mark.parametrize("word", ["what was asked", "x" * 99, "", 7, None, "Ünïcode"])
def test_a_code_or_a_parameter_that_is_none_is_left_out(word: Any) -> None:
    error = json.loads(refusal(BadRequestError(400, code=word, param=word)).body)["error"]
    assert (error["code"], error["param"]) == (None, None)


@pytest.mark.parametrize(("status", "told"), [(402, 500), (418, 500), (451, 500), (429, 429), (529, 529), (422, 422)])
def test_only_what_is_the_clients_own_is_told_as_the_clients_own(status: int, told: int) -> None:
    assert refusal(BadRequestError(status)).status == told


def test_an_account_without_money_is_a_quota_used_up() -> None:
    assert b'"insufficient_quota"' in refusal(BadRequestError(402)).body


def test_a_window_exceeded_is_told_with_the_remedy() -> None:
    error = json.loads(refusal(ContextWindowExceededError(400)).body)["error"]
    assert error["code"] == "context_length_exceeded"
    assert "shorten" in error["message"]


def test_a_parameter_litellm_would_drop_makes_the_backend_unable() -> None:
    with pytest.raises(AttemptFailed) as caught:
        refusal(UnsupportedParamsError(400))
    assert caught.value.kind is FailureKind.UNABLE


def test_trouble_on_the_way_is_found_wherever_it_is_in_the_chain() -> None:
    wrapped = BadRequestError(500)
    wrapped.__cause__ = RuntimeError()
    wrapped.__cause__.__context__ = ReadError()
    assert trouble(wrapped) == (FailureKind.BROKEN, "the connection to the provider broke")
    with pytest.raises(AttemptFailed):
        refusal(wrapped)


def test_a_chain_without_an_end_is_not_followed_for_ever() -> None:
    one, other = RuntimeError(), RuntimeError()
    one.__cause__, other.__cause__ = other, one
    assert trouble(one) is None
