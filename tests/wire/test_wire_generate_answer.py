"""OpenAI's answers and streams in TGI's own form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tgi_says import drive, envelope, events, sse, usage

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, StreamBroken
from gateway.core.types import Endpoint
from gateway.core.usage import Usage
from gateway.wire.exchange import Exchange
from gateway.wire.generate_as_chat import GenerateAsChat
from gateway.wire.generate_as_completions import GenerateAsCompletions

JSON = {"content-type": "application/json"}


def as_chat(endpoint: Endpoint, **parameters: Any) -> Exchange:
    return GenerateAsChat(envelope({"inputs": "Once ", "parameters": parameters}, endpoint), "gpt-5.5")


def as_text(endpoint: Endpoint, **parameters: Any) -> Exchange:
    return GenerateAsCompletions(envelope({"inputs": "Once ", "parameters": parameters}, endpoint), "served")


def completion(reason: str = "stop", **choice: Any) -> bytes:
    return json.dumps({"choices": [{"index": 0, "finish_reason": reason, **choice}], "usage": usage(9, 4)}).encode()


CHAT = completion(message={"role": "assistant", "content": "upon"})


@pytest.mark.parametrize(
    ("exchange", "body", "becomes"),
    [
        (as_chat(Endpoint.GENERATE), CHAT, {"generated_text": "upon"}),
        (as_chat(Endpoint.GENERATE_ROOT), CHAT, [{"generated_text": "Once upon"}]),
        (as_chat(Endpoint.GENERATE_ROOT, return_full_text=False), CHAT, [{"generated_text": "upon"}]),
        (as_chat(Endpoint.GENERATE, return_full_text=True), CHAT, {"generated_text": "Once upon"}),
        (as_text(Endpoint.GENERATE), completion(text="upon"), {"generated_text": "upon"}),
        (as_text(Endpoint.GENERATE_ROOT), completion(text="upon"), [{"generated_text": "Once upon"}]),
        (
            as_chat(Endpoint.GENERATE),
            completion(message={"content": None, "refusal": "I will not"}),
            {"generated_text": "I will not"},
        ),
        (as_chat(Endpoint.GENERATE), completion(message={"content": None}), {"generated_text": ""}),
    ],
)
def test_an_answer_has_the_routes_own_form(exchange: Exchange, body: bytes, becomes: Any) -> None:
    answer = exchange.answer(200, JSON, body)
    assert json.loads(answer.body) == becomes
    assert answer.usage == Usage(9, 4)


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"reason": "stop"}, "eos_token"),
        ({"reason": "length"}, "length"),
        ({"reason": "stop", "stop_reason": "###"}, "stop_sequence"),
        ({"reason": "stop", "stop_reason": None}, "eos_token"),
        ({"reason": "stop", "matched_stop": "###"}, "stop_sequence"),
        ({"reason": "stop", "matched_stop": 2}, "eos_token"),
    ],
)
def test_details_come_to_who_asked(choice: dict[str, Any], reason: str) -> None:
    answer = as_text(Endpoint.GENERATE, details=True).answer(200, JSON, completion(text="upon", **choice))
    assert json.loads(answer.body)["details"] == {
        "finish_reason": reason,
        "generated_tokens": 4,
        "seed": None,
        "prefill": [],
        "tokens": [],
    }


def chunk(reason: str | None = None, **choice: Any) -> dict[str, Any]:
    return {"object": "chunk", "choices": [{"index": 0, "finish_reason": reason, **choice}], "usage": None}


USAGE = {"object": "chunk", "choices": [], "usage": usage(9, 4)}
CHAT_STREAM = sse(
    chunk(delta={"role": "assistant", "content": ""}),
    chunk(delta={"content": "up"}),
    chunk(delta={"content": "on"}),
    chunk("length", delta={}),
    USAGE,
    "[DONE]",
)
TEXT_STREAM = sse(chunk(text="up"), chunk(text="on"), chunk("length", text=""), USAGE, "[DONE]")


@pytest.mark.parametrize(
    ("make", "stream"), [(as_chat, CHAT_STREAM), (as_text, TEXT_STREAM)], ids=["chat", "completions"]
)
@given(cuts=st.lists(st.integers(0, 2_000), max_size=12))
def test_a_stream_has_tgis_form_whatever_the_cuts(make: Any, stream: bytes, cuts: list[int]) -> None:
    rewriter = make(Endpoint.GENERATE_STREAM, details=True).rewriter()
    out, error = drive(rewriter, stream, cuts)
    details = {"finish_reason": "length", "generated_tokens": 4, "seed": None, "input_length": 9}
    assert error is None
    assert events(out) == [
        event(1, "up"),
        event(2, "on"),
        event(3, "", special=True, generated_text="upon", details=details),
    ]
    assert rewriter.usage == Usage(9, 4)


def event(index: int, text: str, special: bool = False, **more: Any) -> dict[str, Any]:
    token = {"id": 0, "text": text, "logprob": None, "special": special}
    return {"index": index, "token": token, "generated_text": None, "details": None, **more}


def test_the_last_event_has_the_full_text_at_the_root_and_no_details_unasked() -> None:
    document = {"inputs": "Once ", "stream": True}
    out, _ = drive(GenerateAsChat(envelope(document, Endpoint.GENERATE_ROOT), "m").rewriter(), CHAT_STREAM)
    assert events(out)[-1]["generated_text"] == "Once upon"
    assert events(out)[-1]["details"] is None


def test_without_usage_the_pieces_are_counted() -> None:
    rewriter = as_text(Endpoint.GENERATE_STREAM).rewriter()
    drive(rewriter, sse(chunk(text="up"), chunk(text="on"), chunk("stop", text=""), "[DONE]"))
    assert rewriter.usage == Usage(7, 2, is_estimate=True)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (
            {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}},
            FailureKind.OVERLOADED,
        ),
        ({"error": {"message": "sorry", "type": "server_error", "code": None}}, FailureKind.SERVER_ERROR),
        ({"error": True}, FailureKind.SERVER_ERROR),
    ],
)
def test_an_error_in_place_of_a_stream_can_still_be_tried_elsewhere(data: Any, kind: FailureKind) -> None:
    out, error = drive(as_chat(Endpoint.GENERATE_STREAM).rewriter(), sse(data, "[DONE]"))
    assert out == b""
    assert isinstance(error, AttemptFailed)
    assert error.kind is kind


def test_an_error_after_the_first_byte_breaks_the_stream_off() -> None:
    stream = sse(chunk(delta={"content": "up"}), {"object": "error", "message": "sorry", "code": 500})
    out, error = drive(as_chat(Endpoint.GENERATE_STREAM).rewriter(), stream)
    assert [row["token"]["text"] for row in events(out)] == ["up"]
    assert isinstance(error, StreamBroken)


@pytest.mark.parametrize("stream", [b"", sse("[DONE]"), sse("{}"), CHAT_STREAM[:40]])
def test_a_stream_without_an_answer_can_still_be_tried_elsewhere(stream: bytes) -> None:
    out, error = drive(as_chat(Endpoint.GENERATE_STREAM).rewriter(), stream)
    assert out == b""
    assert isinstance(error, AttemptFailed)


def test_an_end_without_done_breaks_the_stream_off() -> None:
    _, error = drive(as_chat(Endpoint.GENERATE_STREAM).rewriter(), CHAT_STREAM.removesuffix(sse("[DONE]")))
    assert isinstance(error, StreamBroken)


@pytest.mark.parametrize(("status", "kind"), [(401, FailureKind.UNAUTHORIZED), (429, FailureKind.OVERLOADED)])
def test_the_backends_failure_is_raised(status: int, kind: FailureKind) -> None:
    with pytest.raises(AttemptFailed) as caught:
        as_chat(Endpoint.GENERATE).answer(status, JSON, b'{"error":{"message":"no"}}')
    assert caught.value.kind is kind


def test_what_the_model_does_not_take_is_tried_elsewhere() -> None:
    body = b'{"error":{"message":"no","type":"invalid_request_error","param":"top_p","code":"unsupported_parameter"}}'
    with pytest.raises(AttemptFailed) as caught:
        as_chat(Endpoint.GENERATE).answer(400, JSON, body)
    assert caught.value.kind is FailureKind.UNABLE


def test_the_clients_mistake_is_told() -> None:
    body = b'{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"x"}}'
    with pytest.raises(GatewayError) as caught:
        as_chat(Endpoint.GENERATE).answer(400, JSON, body)
    assert (caught.value.status, caught.value.code) == (400, "x")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"choices": []}', b'{"choices": [5]}', b"<html>"])
def test_what_is_no_completion_is_a_failure(body: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        as_chat(Endpoint.GENERATE).answer(200, JSON, body)
    assert caught.value.kind is FailureKind.BAD_ANSWER
