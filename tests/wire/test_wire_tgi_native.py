"""TGI's own routes pass byte for byte; failures are still seen before the first byte."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tgi_says import drive, envelope, sse

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, StreamBroken
from gateway.core.types import Endpoint
from gateway.core.usage import Usage
from gateway.wire.sse import MAX_EVENT_BYTES
from gateway.wire.tgi_native import NativeExchange

JSON = {"content-type": "application/json"}
REQUEST = {"inputs": "Once", "parameters": {"max_new_tokens": 3}}
DETAILS = {"finish_reason": "length", "generated_tokens": 2, "seed": None, "input_length": 5}
CUTS = st.lists(st.integers(0, 2_000), max_size=12)


def token(text: str, index: int = 1, **more: Any) -> dict[str, Any]:
    named = {"id": 42, "text": text, "logprob": -0.5, "special": False}
    return {"index": index, "token": named, "generated_text": None, "details": None, **more}


STREAM = sse(token("Hel"), token("lo", 2, generated_text="Hello", details=DETAILS))


def streaming() -> NativeExchange:
    return NativeExchange(envelope(REQUEST, Endpoint.GENERATE_STREAM))


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (Endpoint.GENERATE, "/generate"),
        (Endpoint.GENERATE_STREAM, "/generate_stream?x=1"),
        (Endpoint.GENERATE_ROOT, "/"),
        (Endpoint.TOKENIZE, "/tokenize"),
        (Endpoint.CHAT_TOKENIZE, "/chat_tokenize"),
    ],
)
def test_path_and_body_are_the_clients(endpoint: Endpoint, path: str) -> None:
    body = b'{"inputs" :  "Once"}'
    exchange = NativeExchange(envelope(json.loads(body), endpoint, body, path))
    assert (exchange.path, exchange.body) == (path, body)


@pytest.mark.parametrize(
    ("endpoint", "stream", "expects_stream"),
    [
        (Endpoint.GENERATE_ROOT, True, True),
        (Endpoint.GENERATE_ROOT, False, False),
        (Endpoint.GENERATE, True, False),
        (Endpoint.GENERATE_STREAM, False, True),
    ],
)
def test_streams_are_expected_where_tgi_streams(endpoint: Endpoint, stream: bool, expects_stream: bool) -> None:
    assert NativeExchange(envelope({**REQUEST, "stream": stream}, endpoint)).expects_stream is expects_stream


def test_an_answer_is_the_backends() -> None:
    body = b'[{"generated_text" : "Hello"}]'
    answer = NativeExchange(envelope(REQUEST, Endpoint.GENERATE_ROOT)).answer(200, JSON, body)
    assert (answer.status, answer.body, answer.content_type) == (200, body, "application/json")


@pytest.mark.parametrize(
    ("headers", "body", "usage"),
    [
        ({"x-prompt-tokens": "9", "x-generated-tokens": "4"}, {"generated_text": "Hello"}, Usage(9, 4)),
        ({}, {"generated_text": "Hello", "details": {"generated_tokens": 4, "prefill": [], "tokens": []}}, Usage(7, 4)),
        ({}, [{"generated_text": "Hello", "details": {"generated_tokens": 4, "prefill": [{}, {}]}}], Usage(2, 4)),
        ({}, {"generated_text": "x" * 20}, Usage(7, 10, is_estimate=True)),
        ({"x-prompt-tokens": "9", "x-generated-tokens": "\xb2"}, {"generated_text": ""}, Usage(7, 5, is_estimate=True)),
        ({"x-prompt-tokens": "9" * 30, "x-generated-tokens": "4"}, [], Usage(7, 0, is_estimate=True)),
        ({}, {"generated_text": "x", "details": {"generated_tokens": 10**30}}, Usage(7, 22, is_estimate=True)),
    ],
)
def test_usage_is_found_where_tgi_says_it(headers: dict[str, str], body: Any, usage: Usage) -> None:
    exchange = NativeExchange(envelope(REQUEST, Endpoint.GENERATE))
    assert exchange.answer(200, headers, json.dumps(body).encode()).usage == usage


@pytest.mark.parametrize("endpoint", [Endpoint.TOKENIZE, Endpoint.CHAT_TOKENIZE])
def test_tokenizing_costs_no_tokens(endpoint: Endpoint) -> None:
    assert NativeExchange(envelope(REQUEST, endpoint)).answer(200, JSON, b"[]").usage == Usage(0, 0)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (422, "application/json", b'{"error":"Input validation error: no", "error_type":"validation"}'),
        (422, "text/plain; charset=utf-8", b"Failed to deserialize the JSON body"),
    ],
)
def test_the_clients_own_mistake_is_told_in_tgis_own_words(status: int, content_type: str, body: bytes) -> None:
    answer = NativeExchange(envelope(REQUEST, Endpoint.GENERATE)).answer(status, {"content-type": content_type}, body)
    assert (answer.status, answer.body, answer.content_type) == (status, body, content_type)


@pytest.mark.parametrize("status", [401, 424, 429, 500, 503])
def test_the_backends_failure_is_raised(status: int) -> None:
    with pytest.raises(AttemptFailed):
        NativeExchange(envelope(REQUEST, Endpoint.GENERATE)).answer(status, JSON, b"")


@given(cuts=CUTS)
@pytest.mark.parametrize(
    "stream",
    [
        STREAM,
        b": \n\n" + STREAM[: len(STREAM) // 2] + STREAM[len(STREAM) // 2 :].replace(b"\n\n", b"\n\n: \n\n"),
        STREAM.replace(b"data: ", b"data:"),
        STREAM.replace(b"\n", b"\r\n"),
        STREAM.removesuffix(b"\n\n"),
        sse(token('"generated_text":null'), token("", generated_text="")),
        STREAM.replace(b'"generated_text":null', b'"generated_text": null'),
    ],
    ids=["plain", "comments", "no space", "crlf", "no last line", "quoting", "spaced"],
)
def test_a_stream_passes_byte_for_byte(stream: bytes, cuts: list[int]) -> None:
    assert drive(streaming().rewriter(), stream, cuts) == (stream, None)


def test_usage_of_a_stream_is_its_details_or_its_events() -> None:
    detailed, plain = streaming().rewriter(), streaming().rewriter()
    drive(detailed, STREAM)
    drive(plain, sse(token("Hel"), token("lo", generated_text="Hello")))
    assert detailed.usage == Usage(5, 2)
    assert plain.usage == Usage(7, 2, is_estimate=True)


@pytest.mark.parametrize("before", [b"", b": \n\n"])
def test_an_error_in_place_of_a_stream_can_still_be_tried_elsewhere(before: bytes) -> None:
    error_event = sse({"error": "Model is overloaded", "error_type": "overloaded"})
    out, error = drive(streaming().rewriter(), before + error_event)
    assert out == b""
    assert isinstance(error, AttemptFailed)
    assert error.kind is FailureKind.OVERLOADED


def test_the_clients_mistake_in_place_of_a_stream_is_an_answer() -> None:
    message = "Input validation error: `best_of` != 1 is not supported when streaming tokens"
    _, error = drive(streaming().rewriter(), sse({"error": message, "error_type": "validation"}))
    assert isinstance(error, GatewayError)


@given(cuts=CUTS)
@pytest.mark.parametrize(
    "ending", [b"", sse({"error": "Incomplete generation", "error_type": "x"}), b"data: <html>\n\n"]
)
def test_a_stream_that_does_not_end_well_is_broken(ending: bytes, cuts: list[int]) -> None:
    out, error = drive(streaming().rewriter(), sse(token("Hel")) + ending, cuts)
    assert out == sse(token("Hel"))
    assert isinstance(error, StreamBroken)


@pytest.mark.parametrize("stream", [b"", b": \n\n", b"data: {"])
def test_an_end_before_the_first_event_can_be_tried_elsewhere(stream: bytes) -> None:
    out, error = drive(streaming().rewriter(), stream)
    assert out == b""
    assert isinstance(error, AttemptFailed)


def test_large_events_in_small_chunks_take_linear_time() -> None:
    """Sixteen megabytes in pieces of a kilobyte: copied at each, they would be more than a hundred gigabytes."""
    rewriter = streaming().rewriter()
    large = sse(token("x" * (MAX_EVENT_BYTES - 1_000)))
    for start in range(0, len(large) - 1, 1_000):
        assert rewriter.feed(large[start : min(start + 1_000, len(large) - 1)]) == b""
    assert rewriter.feed(large[-1:]) == large


@pytest.mark.parametrize("endless", [b"x" * 1_000_000, b": " + b"x" * 1_000_000 + b"\n\n"])
def test_what_does_not_begin_is_given_up(endless: bytes) -> None:
    stream = endless * (2 + MAX_EVENT_BYTES // len(endless))
    out, error = drive(streaming().rewriter(), stream, list(range(0, len(stream), len(endless))))
    assert out == b""
    assert isinstance(error, AttemptFailed)
    assert error.kind is FailureKind.BAD_ANSWER
