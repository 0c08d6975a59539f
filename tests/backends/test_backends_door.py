"""The door: nothing above a zone's clearance passes, nothing is followed, kept or believed that a server says."""

import gzip

import pytest
from asked import COMPLETION, ON_PREM, OUTSIDE, ROUTE, Server, answered_by, backend, envelope

from gateway.backends.door import guard
from gateway.core.errors import AttemptFailed, ClearanceViolation, FailureKind, GatewayError
from gateway.core.types import BackendKind, Endpoint, Sensitivity, Zone
from gateway.simulators.server import serve


@pytest.mark.parametrize("clearance", list(Sensitivity))
@pytest.mark.parametrize("sensitivity", list(Sensitivity))
def test_the_guard_lets_pass_exactly_what_a_zone_is_cleared_for(
    clearance: Sensitivity, sensitivity: Sensitivity
) -> None:
    if sensitivity <= clearance:
        guard(Zone("z", clearance), sensitivity)
    else:
        with pytest.raises(ClearanceViolation) as caught:
            guard(Zone("z", clearance), sensitivity)
        assert (caught.value.status, caught.value.code) == (403, "clearance_violation")


@pytest.mark.parametrize("kind", [BackendKind.OPENAI, BackendKind.TGI, BackendKind.VLLM, BackendKind.SGLANG])
@pytest.mark.parametrize("endpoint", list(Endpoint))
async def test_a_wrong_decision_still_sends_nothing(kind: BackendKind, endpoint: Endpoint) -> None:
    server = Server(COMPLETION)
    async with answered_by(server, kind=kind, zone=OUTSIDE) as opened:
        asked = envelope(endpoint, prompt="x", inputs="x", input="x")
        with pytest.raises((ClearanceViolation, AttemptFailed)) as caught:
            await opened.send(asked, ROUTE, Sensitivity.CONFIDENTIAL)
        assert isinstance(caught.value, ClearanceViolation) or caught.value.kind is FailureKind.UNABLE
        assert opened.busy() == dict.fromkeys(opened.busy(), 0)
        assert opened.state.is_up
    assert server.seen == []


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = Server(COMPLETION)
    async with serve(elsewhere) as other:
        server = Server(b"{}", status=307, location=other.url + "/v1/chat/completions")
        async with answered_by(server) as opened:
            reply = await opened.send(envelope(), ROUTE, Sensitivity.PUBLIC)
            assert "location" not in dict(reply.headers)
    assert len(server.seen) == 1
    assert elsewhere.seen == []


async def test_cookies_are_not_kept() -> None:
    server = Server(COMPLETION, set_cookie="session=of-another-caller; path=/")
    async with answered_by(server) as opened:
        for _ in range(2):
            reply = await opened.send(envelope(), ROUTE, Sensitivity.PUBLIC)
            assert b"set-cookie" not in dict(reply.headers)
    assert all(name != b"cookie" for seen in server.seen for name, _ in seen["headers"])


async def test_an_answer_compressed_unasked_is_no_answer() -> None:
    async with answered_by(Server(gzip.compress(COMPLETION), content_encoding="gzip")) as opened:
        with pytest.raises(AttemptFailed) as caught:
            await opened.send(envelope(), ROUTE, Sensitivity.PUBLIC)
    assert caught.value.kind is FailureKind.BAD_ANSWER


async def test_a_body_larger_than_a_megabyte_arrives_whole() -> None:
    server = Server(COMPLETION)
    async with answered_by(server) as opened:
        reply = await opened.send(envelope(note="x" * 3_000_000), ROUTE, Sensitivity.PUBLIC)
        assert reply.body == COMPLETION
    assert int(dict(server.seen[0]["headers"])[b"content-length"]) > 3_000_000


async def test_no_connection_is_told_without_the_address() -> None:
    async with backend("http://127.0.0.1:9") as opened:
        with pytest.raises(AttemptFailed) as caught:
            await opened.send(envelope(), ROUTE, Sensitivity.PUBLIC)
    assert caught.value.kind is FailureKind.CONNECT
    assert caught.value.replica == "127.0.0.1:9"
    assert "127.0.0.1" not in caught.value.detail


async def test_a_clients_mistake_says_nothing_against_the_replica() -> None:
    server = Server(b'{"error":"Input validation error: `top_p` must be > 0.0 and < 1.0","error_type":"validation"}')
    server.status = 422
    async with answered_by(server, kind=BackendKind.TGI, zone=ON_PREM) as opened:
        for _ in range(9):
            with pytest.raises(GatewayError):
                await opened.send(envelope(), ROUTE, Sensitivity.PUBLIC)
        assert opened.state.is_up


async def test_failures_in_a_row_take_a_replica_out_and_a_route_nobody_knows_does_not() -> None:
    async with answered_by(Server(b"{}", status=500)) as opened:
        for endpoint, is_up in ((Endpoint.UNKNOWN, True), (Endpoint.CHAT, False)):
            for _ in range(5):
                with pytest.raises(AttemptFailed):
                    await opened.send(envelope(endpoint), ROUTE, Sensitivity.PUBLIC)
            assert opened.state.is_up is is_up
        assert "server_error" in opened.state.reason
