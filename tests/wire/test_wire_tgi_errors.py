"""Every way TGI says no, and what it means to the client and to the next attempt."""

import json

import pytest

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError
from gateway.wire.tgi_errors import event_failure, tgi_failure

JSON = {"content-type": "application/json"}
PLAIN = {"content-type": "text/plain; charset=utf-8"}
TOO_LONG = (
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 10 `inputs` tokens and 5000 "
    "`max_new_tokens`"
)


def body(error: str, error_type: str) -> bytes:
    return json.dumps({"error": error, "error_type": error_type}).encode()


@pytest.mark.parametrize(
    ("status", "headers", "answer", "kind", "is_retryable"),
    [
        (401, {}, b"", FailureKind.UNAUTHORIZED, False),
        (404, PLAIN, b"", FailureKind.UNABLE, False),
        (413, PLAIN, b"length limit exceeded", FailureKind.UNABLE, False),
        (415, PLAIN, b"Expected request with `Content-Type: application/json`", FailureKind.UNABLE, False),
        (422, JSON, body("Model is overloaded", "overloaded"), FailureKind.OVERLOADED, True),
        (422, JSON, body("Tool error: Failed to parse generated text: x", "tool_error"), FailureKind.BAD_ANSWER, True),
        (422, JSON, body("Suffix is not supported and can be", "suffix not supported"), FailureKind.UNABLE, False),
        (
            422,
            JSON,
            body("Number of prompts exceeds the maximum allowed batch size of 4", "batch size exceeded"),
            FailureKind.UNABLE,
            False,
        ),
        (
            422,
            JSON,
            body("Input validation error: cannot compile regex from schema: no", "validation"),
            FailureKind.UNABLE,
            False,
        ),
        (424, JSON, body("Request failed during generation: CUDA", "generation"), FailureKind.SERVER_ERROR, True),
        (429, JSON, body("Model is overloaded", "overloaded"), FailureKind.OVERLOADED, True),
        (500, JSON, body("Incomplete generation", "incomplete_generation"), FailureKind.SERVER_ERROR, True),
        (502, {"content-type": "text/html"}, b"<html>", FailureKind.SERVER_ERROR, True),
        (503, JSON, body("unhealthy", "healthcheck"), FailureKind.SERVER_ERROR, True),
        (504, {}, b"", FailureKind.TIMEOUT, True),
    ],
)
def test_a_backends_failure_is_tried_elsewhere(status, headers, answer, kind, is_retryable) -> None:
    failure = tgi_failure(status, headers, answer)
    assert isinstance(failure, AttemptFailed)
    assert (failure.kind, failure.is_retryable) == (kind, is_retryable)


@pytest.mark.parametrize(
    ("status", "headers", "answer", "code", "param"),
    [
        (422, JSON, body(TOO_LONG, "validation"), "context_length_exceeded", "messages"),
        (
            422,
            JSON,
            body("Input validation error: `inputs` must have less than 9 tokens. Given: 10", "validation"),
            "context_length_exceeded",
            "messages",
        ),
        (
            422,
            JSON,
            body("Input validation error: `temperature` must be strictly positive", "validation"),
            "invalid_request",
            "temperature",
        ),
        (
            422,
            JSON,
            body("Input validation error: `max_new_tokens` must be strictly positive", "validation"),
            "invalid_request",
            "max_tokens",
        ),
        (422, JSON, body("Template error: syntax error", "template_error"), "invalid_request", None),
        (422, JSON, body("Tool error: Tool with name nope not found", "tool_error"), "invalid_request", None),
        (422, PLAIN, b"Failed to deserialize the JSON body into the target type", "invalid_request", None),
        (400, PLAIN, b"Failed to parse the request body as JSON", "invalid_request", None),
        (422, {}, b"", "invalid_request", None),
    ],
)
def test_the_clients_mistake_is_a_400(status, headers, answer, code, param) -> None:
    failure = tgi_failure(status, headers, answer)
    assert isinstance(failure, GatewayError)
    assert (failure.status, failure.type, failure.code, failure.param) == (400, "invalid_request_error", code, param)
    assert failure.message
    assert not failure.message.startswith("Input validation error")


def test_a_refusal_does_not_quote_the_request() -> None:
    plain = rb'messages[0].content: invalid type: string "my \"`secret`\" word", expected a sequence at line 1'
    failure = tgi_failure(422, PLAIN, plain)
    assert isinstance(failure, GatewayError)
    assert "secret" not in str(failure)
    assert failure.param is None
    assert "invalid type" in str(failure)


@pytest.mark.parametrize("length", [300, 480, 1_000, 100_000])
def test_a_long_quotation_is_no_less_taken_out(length: int) -> None:
    plain = b'messages[0].content: invalid type: string "' + b"secret " * (length // 7) + b'", expected a sequence'
    failure = tgi_failure(422, PLAIN, plain)
    assert "secret" not in str(failure)
    assert "invalid type" in str(failure)
    assert len(str(failure)) < 600


def test_a_page_of_html_is_not_shown() -> None:
    assert "<" not in str(tgi_failure(400, {"content-type": "text/html"}, b"<html>nginx</html>"))


def test_retry_after_is_kept_where_something_in_between_sends_it() -> None:
    failure = tgi_failure(429, {"retry-after": "3"}, b"")
    assert isinstance(failure, AttemptFailed)
    assert failure.retry_after_s == 3


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"error": {"message": "Model is overloaded", "http_status_code": 422}}, FailureKind.OVERLOADED),
        (
            {"error": {"message": "Request failed during generation: x", "http_status_code": 422}},
            FailureKind.SERVER_ERROR,
        ),
        ({"error": {"message": "Incomplete generation stream", "http_status_code": 422}}, FailureKind.SERVER_ERROR),
        ({"error": "Model is overloaded", "error_type": "overloaded"}, FailureKind.OVERLOADED),
        ({"error": 5}, FailureKind.SERVER_ERROR),
    ],
)
def test_an_error_event_is_understood_by_its_words(event, kind) -> None:
    failure = event_failure(json.dumps(event).encode())
    assert isinstance(failure, AttemptFailed)
    assert failure.kind is kind


def test_an_error_event_can_be_the_clients_mistake() -> None:
    failure = event_failure(json.dumps({"error": {"message": TOO_LONG, "http_status_code": 422}}).encode())
    assert isinstance(failure, GatewayError)
    assert failure.code == "context_length_exceeded"
