"""Probes against real servers: who is well, what each takes, and nobody believed beyond that."""

import pytest
from asked import Message, Receive, Send, Server, answered_by, backend

from gateway.backends.http_backend import HttpBackend
from gateway.backends.probes import PROBE_S, probe
from gateway.backends.replicas import Replica
from gateway.core.types import BackendKind
from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import serve
from gateway.simulators.tgi import TgiSettings, tgi_app

KEY = "invented-key"
MODELS = b'{"object":"list","data":[{"id":"m","object":"model","max_model_len":8192}]}'


class Refusing(Server):
    """Well, but it tells nobody more than that."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.status = 404 if scope.get("path") == "/info" else 200
        await super().__call__(scope, receive, send)


async def looked_at(opened: HttpBackend) -> Replica:
    """The backend's one replica after a probe."""
    replica = opened.replicas.all[0]
    await probe(opened, replica)
    opened.refresh()
    return replica


async def test_a_tgi_that_is_well_says_what_it_takes() -> None:
    async with serve(tgi_app(TgiSettings(max_total_tokens=9000))) as tgi, backend(tgi.url, kind=BackendKind.TGI) as up:
        replica = await looked_at(up)
        assert (up.state.is_up, up.state.context_tokens) == (True, 9000)
        assert replica.told["model_id"] == TgiSettings().model_id


async def test_limits_are_asked_for_once_and_health_each_time() -> None:
    server = Server(b'{"max_total_tokens":4096}')
    async with answered_by(server, kind=BackendKind.TGI) as opened:
        for _ in range(3):
            await looked_at(opened)
    asked = ["/health", "/info", "/metrics", "/health", "/metrics", "/health", "/metrics"]
    assert [seen["path"] for seen in server.seen] == asked


async def test_a_question_is_a_get_without_content_and_with_our_key() -> None:
    server = Server(b"{}")
    async with answered_by(server, kind=BackendKind.TGI, api_key=KEY) as opened:
        await looked_at(opened)
    assert {seen["method"] for seen in server.seen} == {"GET"}
    assert {dict(seen["headers"]).get(b"content-length", b"0") for seen in server.seen} == {b"0"}
    assert {dict(seen["headers"])[b"authorization"] for seen in server.seen} == {f"Bearer {KEY}".encode()}


async def test_an_unhealthy_tgi_is_down_until_it_is_well_again() -> None:
    async with serve(tgi_app()) as tgi, backend(tgi.url, kind=BackendKind.TGI) as opened:
        tgi.faults.unhealthy = True
        await looked_at(opened)
        assert (opened.state.is_up, opened.state.reason) == (False, "its health check answered 503")
        tgi.faults.unhealthy = False
        await looked_at(opened)
        assert opened.state.is_up


async def test_one_that_comes_back_with_another_model_is_asked_anew_what_it_takes() -> None:
    async with serve(tgi_app(TgiSettings(max_total_tokens=9000))) as tgi:
        port, url = tgi.port, tgi.url
    async with backend(url, kind=BackendKind.TGI) as opened:
        await looked_at(opened)
        assert opened.state.reason == "no connection: connection refused"
        for tokens in (9000, 5000):
            async with serve(tgi_app(TgiSettings(max_total_tokens=tokens)), port):
                await looked_at(opened)
                assert opened.state.context_tokens == tokens
            await looked_at(opened)
            assert not opened.state.is_up


@pytest.mark.parametrize("kind", [BackendKind.VLLM, BackendKind.SGLANG])
async def test_servers_that_list_their_model_say_there_what_it_takes(kind: BackendKind) -> None:
    server = Server(MODELS)
    async with answered_by(server, kind=kind) as opened:
        await looked_at(opened)
        assert opened.state.context_tokens == 8192
    assert [seen["path"] for seen in server.seen] == ["/health", "/v1/models", "/metrics"]


@pytest.mark.parametrize(
    ("key", "reason"), [(KEY, ""), ("another", "it refused the gateway's key (401)")], ids=["right", "wrong"]
)
async def test_a_key_that_is_refused_is_known_before_any_request(key: str, reason: str) -> None:
    async with serve(openai_app(OpenAISettings(api_key=KEY))) as api, backend(api.url, api_key=key) as opened:
        await looked_at(opened)
        assert (opened.state.is_up, opened.state.reason) == (not reason, reason)


@pytest.mark.parametrize(
    ("kind", "status", "is_up"),
    [
        (BackendKind.OPENAI, 404, True),  # it need not list its models
        (BackendKind.OPENAI, 429, True),
        (BackendKind.OPENAI, 403, False),
        (BackendKind.OPENAI, 500, False),
        (BackendKind.TGI, 307, False),
        (BackendKind.TGI, 404, False),
        (BackendKind.TGI, 401, False),
        (BackendKind.VLLM, 503, False),
    ],
)
async def test_a_health_checks_status_decides(kind: BackendKind, status: int, is_up: bool) -> None:
    async with answered_by(Server(b"{}", status=status), kind=kind) as opened:
        await looked_at(opened)
        assert opened.state.is_up == is_up
        assert is_up or str(status) in opened.state.reason


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b"7",
        b"\xff",
        b"[" * 99_999,
        b'{"data":7}',
        b'{"data":[]}',
        b'{"data":[7]}',
        b'{"max_total_tokens":"many"}',
        b'{"max_total_tokens":-1}',
        b'{"max_total_tokens":null}',
        b'{"max_total_tokens":true}',
    ],
)
async def test_limits_that_are_none_are_not_believed_and_nothing_falls_over(answer: bytes) -> None:
    async with answered_by(Server(answer), kind=BackendKind.TGI) as opened:
        await looked_at(opened)
        assert (opened.state.is_up, opened.state.context_tokens) == (True, None)


async def test_a_server_that_refuses_to_tell_its_limits_has_told_nothing() -> None:
    refusing = Refusing(b'{"detail":"Not Found","max_total_tokens":9}')
    async with answered_by(refusing, kind=BackendKind.TGI) as opened:
        replica = await looked_at(opened)
        assert (opened.state.is_up, opened.state.context_tokens, replica.told) == (True, None, {})


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    async with answered_by(Server(*[b"x" * 65536] * 64), kind=BackendKind.TGI) as opened:
        await looked_at(opened)
        assert (opened.state.is_up, opened.state.reason) == (False, "an answer of more than 1048576 bytes")


async def test_a_backend_below_a_path_is_asked_there_and_at_the_policys_own_health_path() -> None:
    server = Server(b"{}")
    async with serve(server) as running:
        async with backend(f"{running.url}/llama/", kind=BackendKind.TGI) as opened:
            await looked_at(opened)
        async with backend(running.url, kind=BackendKind.OPENAI, health_path="/livez") as opened:
            await looked_at(opened)
    assert [seen["path"] for seen in server.seen] == ["/llama/health", "/llama/info", "/llama/metrics", "/livez"]


@pytest.mark.slow
async def test_one_that_does_not_answer_is_not_waited_for_longer_than_a_probe_may_take() -> None:
    async with serve(tgi_app()) as tgi, backend(tgi.url, kind=BackendKind.TGI) as opened:
        tgi.faults.slow_health_ms = 60_000
        await looked_at(opened)
        assert opened.state.reason == f"no answer to a health check within {PROBE_S:g} s"
        tgi.faults.slow_health_ms = 0
        await looked_at(opened)
        assert opened.state.is_up
