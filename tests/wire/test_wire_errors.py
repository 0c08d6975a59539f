"""Errors reach every client in its own format, and one honest sentence stands for every failed attempt."""

import json

import pytest

from gateway.core.errors import AttemptFailed, ClearanceViolation, FailureKind, GatewayError
from gateway.core.types import Dialect, Endpoint
from gateway.wire import errors
from gateway.wire.sse import Parser

MISTAKE = GatewayError(400, "invalid_type", "`stream` must be true or false", param="stream")
BROKEN = GatewayError(502, "stream_interrupted", "the backend broke off", type="server_error")


def failed(*kinds: FailureKind, retry_after_s: float | None = None) -> list[AttemptFailed]:
    return [
        AttemptFailed(kind, "connecting to http://10.0.0.7:8080 failed", retry_after_s=retry_after_s) for kind in kinds
    ]


def test_openai_clients_get_all_four_keys() -> None:
    assert json.loads(errors.body(MISTAKE, Dialect.OPENAI)) == {
        "error": {
            "message": "`stream` must be true or false",
            "type": "invalid_request_error",
            "param": "stream",
            "code": "invalid_type",
        }
    }
    assert json.loads(errors.body(BROKEN, Dialect.OPENAI))["error"]["param"] is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "validation"),
        (413, "validation"),
        (422, "validation"),
        (429, "overloaded"),
        (500, "generation"),
        (502, "incomplete_generation"),
        (503, "overloaded"),
        (504, "generation"),
        (401, "its_code"),
    ],
)
def test_tgi_clients_get_tgis_pair(status: int, kind: str) -> None:
    body = errors.body(GatewayError(status, "its_code", "so it is"), Dialect.TGI)
    assert json.loads(body) == {"error": "so it is", "error_type": kind}


def test_the_event_that_ends_a_broken_stream_is_the_clients_own() -> None:
    (chat,) = Parser().feed(errors.event(BROKEN, Endpoint.CHAT))
    assert chat.data == errors.body(BROKEN, Dialect.OPENAI)
    (generation,) = Parser().feed(errors.event(BROKEN, Endpoint.GENERATE_STREAM))
    assert generation.data == errors.body(BROKEN, Dialect.TGI)
    (typed,) = Parser().feed(errors.event(BROKEN, Endpoint.UNKNOWN))
    assert (typed.type, typed.data) == (b"error", errors.body(BROKEN, Dialect.OPENAI))


def test_clients_are_told_when_to_come_back_and_when_not() -> None:
    full = GatewayError(429, "rate_limit_exceeded", "full", retry_after_s=7)
    assert errors.headers(full) == [(b"retry-after", b"7")]
    assert errors.headers(ClearanceViolation("openai")) == [(b"x-should-retry", b"false")]
    assert errors.headers(GatewayError(504, "backend_timeout", "late")) == [(b"x-should-retry", b"false")]
    assert errors.headers(MISTAKE) == []


F = FailureKind


@pytest.mark.parametrize(
    ("kinds", "status", "code"),
    [
        ([F.OVERLOADED], 429, "rate_limit_exceeded"),
        ([F.OVERLOADED, F.QUOTA], 429, "rate_limit_exceeded"),
        ([F.OVERLOADED, F.UNABLE], 429, "rate_limit_exceeded"),
        ([F.QUOTA], 503, "no_backend_available"),
        ([F.TIMEOUT, F.TIMEOUT], 504, "backend_timeout"),
        ([F.TIMEOUT, F.CONNECT], 503, "no_backend_available"),
        ([F.OVERLOADED, F.CONNECT], 503, "no_backend_available"),
        ([F.UNAUTHORIZED], 503, "no_backend_available"),
        ([F.UNABLE, F.UNABLE], 400, "unsupported_by_backend"),
        ([], 503, "no_backend_available"),
    ],
)
def test_every_failure_has_one_honest_answer(kinds: list[FailureKind], status: int, code: str) -> None:
    error = errors.exhausted(failed(*kinds))
    assert (error.status, error.code) == (status, code)


def test_the_answer_says_how_many_attempts_failed_and_how_and_nothing_of_the_inside() -> None:
    message = errors.exhausted(failed(F.CONNECT, F.CONNECT, F.SERVER_ERROR)).message
    assert "3 attempts failed (connect, server_error)" in message
    assert "10.0.0.7" not in message


def test_a_full_fleet_says_when_the_first_of_it_has_room() -> None:
    waits = [*failed(F.OVERLOADED, retry_after_s=9.2), *failed(F.OVERLOADED, retry_after_s=3.1), *failed(F.OVERLOADED)]
    assert errors.exhausted(waits).retry_after_s == 4
    assert errors.exhausted(failed(F.OVERLOADED, retry_after_s=0.01)).retry_after_s == 1
