"""An error answer is the client's own mistake, or it is the backend's and the next one is tried."""

import json
from typing import Any

import pytest

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError
from gateway.wire.openai_errors import event_failure, openai_failure, retry_after, said, told

JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=UTF-8"}


def openai(code: str | None, type: str = "invalid_request_error", message: str = "No.") -> bytes:
    return json.dumps({"error": {"message": message, "type": type, "param": None, "code": code}}).encode()


def vllm(code: int, type: str = "BadRequestError") -> bytes:
    return json.dumps({"object": "error", "message": "No.", "type": type, "param": None, "code": code}).encode()


F = FailureKind
FAILURES: dict[str, tuple[int, dict[str, str], bytes, FailureKind, bool]] = {
    "our key": (401, JSON, openai("invalid_api_key"), F.UNAUTHORIZED, False),
    "our rights": (403, JSON, openai(None), F.UNAUTHORIZED, False),
    "our model": (404, JSON, openai("model_not_found"), F.UNABLE, False),
    "vLLM's unknown model": (404, JSON, vllm(404, "NotFoundError"), F.UNABLE, False),
    "a route it lacks": (404, HTML, b"<html>", F.UNABLE, False),
    "its clock": (408, JSON, b"", F.TIMEOUT, True),
    "a conflict": (409, JSON, openai(None), F.SERVER_ERROR, True),
    "a rate limit": (429, JSON, openai("rate_limit_exceeded", "tokens"), F.OVERLOADED, True),
    "slow down": (429, JSON, openai("slow_down", "rate_limit_error"), F.OVERLOADED, True),
    "an empty 429": (429, {}, b"", F.OVERLOADED, True),
    "no money": (429, JSON, openai("insufficient_quota", "insufficient_quota"), F.QUOTA, False),
    "no credit": (429, JSON, openai("credit_balance_exhausted"), F.QUOTA, False),
    "a hard limit": (400, JSON, openai("billing_hard_limit_reached"), F.QUOTA, False),
    "a server error": (500, JSON, openai(None, "server_error"), F.SERVER_ERROR, True),
    "overloaded": (503, JSON, openai("server_is_overloaded", "service_unavailable_error"), F.OVERLOADED, True),
    "Cloudflare": (502, HTML, b"<html>bad gateway</html>", F.SERVER_ERROR, True),
    "Cloudflare's own": (520, HTML, b"<html>", F.SERVER_ERROR, True),
    "a gateway's clock": (504, HTML, b"<html>", F.TIMEOUT, True),
    "a page in between": (400, HTML, b"<html>", F.BAD_ANSWER, True),
}


@pytest.mark.parametrize("what", list(FAILURES))
def test_the_backends_failure_is_told_by_kind(what: str) -> None:
    status, headers, body, kind, is_retryable = FAILURES[what]
    failure = openai_failure(status, headers, body)
    assert failure is not None
    assert (failure.kind, failure.is_retryable) == (kind, is_retryable)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
@pytest.mark.parametrize("body", [openai("context_length_exceeded"), vllm(400), b'{"detail": []}'])
def test_the_clients_own_mistake_is_no_failure(status: int, body: bytes) -> None:
    assert openai_failure(status, JSON, body) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e9"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
    failure = openai_failure(429, headers, b"")
    assert failure is not None
    assert failure.retry_after_s == seconds


EVENTS: dict[str, tuple[dict[str, Any], FailureKind | None]] = {
    "OpenAI fails": ({"error": {"message": "x", "type": "server_error", "code": None}}, F.SERVER_ERROR),
    "OpenAI is full": ({"error": {"message": "x", "type": "tokens", "code": "rate_limit_exceeded"}}, F.OVERLOADED),
    "no money": ({"error": {"message": "x", "type": "insufficient_quota", "code": None}}, F.QUOTA),
    "vLLM fails": (
        {"error": {"object": "error", "message": "x", "type": "InternalServerError", "code": 500}},
        F.SERVER_ERROR,
    ),
    "vLLM is full": ({"object": "error", "message": "x", "code": 429}, F.OVERLOADED),
    "vLLM lacks the model": ({"error": {"message": "x", "type": "NotFoundError", "code": 404}}, F.UNABLE),
    "a bare text": ({"error": "x"}, F.SERVER_ERROR),
    "OpenAI refuses": ({"error": {"message": "x", "type": "invalid_request_error", "code": "invalid_value"}}, None),
    "vLLM refuses": ({"object": "error", "message": "x", "type": "BadRequestError", "code": 400}, None),
}


@pytest.mark.parametrize("what", list(EVENTS))
def test_an_error_event_in_place_of_a_stream_is_told_by_kind(what: str) -> None:
    document, kind = EVENTS[what]
    error = said(json.dumps(document).encode())
    assert error is not None
    failure = event_failure(error)
    if kind is None:
        assert isinstance(failure, GatewayError)
        assert failure.status == 400
    else:
        assert isinstance(failure, AttemptFailed)
        assert failure.kind is kind


def test_a_mistake_told_on_keeps_its_code_only_where_it_is_one() -> None:
    long, number, known = "x" * 100, "400", "context_length_exceeded"
    codes = [told(400, said(openai(code))).code for code in (long, number, known)]
    assert codes == ["invalid_request", "invalid_request", known]
    assert told(400, None).code == "invalid_request"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"error": null}', b"[" * 100_000])
def test_what_is_no_error_is_none(body: bytes) -> None:
    assert said(body) is None
