"""What crosses the gateway in headers: what is on a list, and nothing that a client or a backend made up."""

import re

import pytest
from asked import ON_PREM, envelope
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.backends.headers import beta, reply_headers, request_headers
from gateway.core.types import BackendKind, BackendSpec

KEY = "sk-" + "proj-" + "invented"
SPEC = BackendSpec("frontier", BackendKind.OPENAI, ON_PREM, (), {}, api_key=KEY, organization="org-invented")
NAMES = st.from_regex(r"[A-Za-z0-9-]{1,30}", fullmatch=True).map(str.encode)
VALUES = st.binary(max_size=60)


def asked_with(*headers: tuple[bytes, bytes]) -> dict[str, str]:
    return dict(beta(replace(envelope(), headers=headers)))


def test_a_backend_is_told_our_key_and_nothing_to_compress() -> None:
    told = request_headers(SPEC, "application/json", accepts_stream=False)
    assert told == {
        "content-type": "application/json",
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": "hybrid-gateway",
        "authorization": f"Bearer {KEY}",
        "openai-organization": "org-invented",
    }


def test_without_a_key_none_is_sent_and_a_stream_is_asked_for_by_its_type() -> None:
    told = request_headers(replace(SPEC, api_key=None, organization=None), "application/json", accepts_stream=True)
    assert "authorization" not in told
    assert "openai-organization" not in told
    assert told["accept"] == "text/event-stream"


@pytest.mark.parametrize("value", [b"assistants=v2", b"realtime=v1", b"responses", b"Assistants=V2", b"a-b-c=v12"])
def test_a_beta_that_is_one_goes_on(value: bytes) -> None:
    assert asked_with((b"openai-beta", value)) == {"openai-beta": value.decode()}


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"4111111111111111",
        b"assistants=v123",
        b"assistants=v2=v3",
        b"assistants=4111",
        b"a1b2c3",
        b"jan@example.nl",
        b"assistants=v2\r\nx: y",
        b"assistants=v2\n",
        b"two words",
        b"-",
        b"a" * 41,
        b"\xff",
    ],
)
def test_a_beta_that_could_be_anything_else_stays(value: bytes) -> None:
    assert asked_with((b"openai-beta", value)) == {}


@given(st.lists(st.tuples(st.one_of(NAMES, st.just(b"openai-beta")), VALUES), max_size=8))
def test_of_a_clients_headers_no_more_than_two_digits_go_on(headers: list[tuple[bytes, bytes]]) -> None:
    told = asked_with(*headers)
    assert set(told) <= {"openai-beta"}
    assert all(re.fullmatch(r"[A-Za-z-]+(=[vV]\d\d?)?", value) and len(value) <= 40 for value in told.values())


@pytest.mark.parametrize(
    "name",
    [
        b"openai-processing-ms",
        b"openai-version",
        b"openai-organization",
        b"openai-model",
        b"retry-after",
        b"retry-after-ms",
        b"x-should-retry",
        b"x-ratelimit-remaining-tokens",
        b"x-ratelimit-reset-requests",
        b"x-compute-type",
        b"x-total-time",
        b"x-validation-time",
        b"x-queue-time",
        b"x-inference-time",
        b"x-time-per-token",
        b"x-prompt-tokens",
        b"x-generated-tokens",
    ],
)
def test_what_clients_know_of_openai_and_of_tgi_comes_back(name: bytes) -> None:
    assert reply_headers([(name.title(), b"7")]) == [(name, b"7")]


@pytest.mark.parametrize(
    "name",
    [
        b"set-cookie",
        b"server",
        b"location",
        b"content-length",
        b"content-encoding",
        b"transfer-encoding",
        b"connection",
        b"www-authenticate",
        b"alt-svc",
        b"access-control-allow-origin",
        b"strict-transport-security",
        b"cf-ray",
        b"x-gateway-rule",
    ],
)
def test_what_is_between_the_backend_and_us_does_not_come_back(name: bytes) -> None:
    assert reply_headers([(name, b"x"), (name.title(), b"x")]) == []


def test_the_backends_request_id_comes_back_under_a_name_of_its_own() -> None:
    assert reply_headers([(b"X-Request-ID", b"req_1")]) == [(b"x-gateway-upstream-request-id", b"req_1")]


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_no_backend_speaks_in_the_gateways_name(headers: list[tuple[bytes, bytes]]) -> None:
    names = [name for name, _ in reply_headers([*headers, (b"x-gateway-sensitivity", b"public")])]
    assert all(name == name.lower() for name in names)
    assert {name for name in names if name.startswith(b"x-gateway")} <= {b"x-gateway-upstream-request-id"}
