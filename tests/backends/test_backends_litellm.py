"""Backends behind litellm: the same answers as from anybody else, and nothing of a request where it has no business."""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from asked import ON_PREM, OUTSIDE, envelope, until

from gateway.app import SystemClock
from gateway.backends.litellm_backend import LOADING, LiteLLMBackend
from gateway.core.errors import AttemptFailed, ClearanceViolation, FailureKind, GatewayError, StreamBroken
from gateway.core.ports import Reply
from gateway.core.types import BackendKind, BackendSpec, Endpoint, Route, Sensitivity, Zone
from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import Simulator, serve

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # litellm has its own
ROUTE = Route("others")
KEY = "invented-key"
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
WORDS: dict[Endpoint, dict[str, Any]] = {
    Endpoint.CHAT: {},
    Endpoint.COMPLETIONS: {"prompt": "Once upon", "messages": None},
    Endpoint.EMBEDDINGS: {"input": ["a", "b"], "messages": None},
    Endpoint.GENERATE: {"inputs": "Say hello"},
    Endpoint.GENERATE_STREAM: {"inputs": "Say hello"},
}


def spec(*urls: str, zone: Zone = ON_PREM, chat: str = "openai/gpt-5.5") -> BackendSpec:
    models = {"": chat, "chat": chat, "embeddings": "openai/text-embedding-3-small"}
    return BackendSpec("others", BackendKind.LITELLM, zone, urls, models, api_key=KEY)


@contextlib.asynccontextmanager
async def opened(given: BackendSpec) -> AsyncIterator[LiteLLMBackend]:
    backend = LiteLLMBackend(given, SystemClock())
    backend.open()
    try:
        async with asyncio.timeout(60):
            while backend.state.reason == LOADING:
                await asyncio.sleep(0.01)
        yield backend
    finally:
        await backend.aclose()


@contextlib.asynccontextmanager
async def simulated(zone: Zone = ON_PREM, **settings: Any) -> AsyncIterator[tuple[Simulator, LiteLLMBackend]]:
    app = openai_app(OpenAISettings(api_key=KEY, **settings))
    async with serve(app) as simulator, opened(spec(simulator.url, zone=zone)) as backend:
        yield simulator, backend


async def ask(backend: LiteLLMBackend, endpoint: Endpoint = Endpoint.CHAT, **fields: Any) -> Reply:
    return await backend.send(envelope(endpoint, **fields), ROUTE, Sensitivity.PUBLIC)


async def failed(backend: LiteLLMBackend, **fields: Any) -> AttemptFailed:
    with pytest.raises(AttemptFailed) as caught:
        await ask(backend, **fields)
    return caught.value


async def read(reply: Reply) -> bytes:
    try:
        return b"".join([data async for data in reply.chunks()])
    finally:
        await reply.aclose()


def events(raw: bytes) -> list[Any]:
    rows = [line.removeprefix("data: ") for line in raw.decode().split("\n\n") if line]
    assert rows[-1] == "[DONE]"
    return [json.loads(row) for row in rows[:-1]]


async def test_a_chat_is_answered_as_openai_answers_it() -> None:
    async with simulated() as (simulator, backend):
        reply = await ask(backend, temperature=1)
        document = json.loads(reply.body)
        assert (reply.status, reply.is_stream) == (200, False)
        assert document["choices"][0]["message"]["content"]
        assert reply.usage is not None
        assert reply.usage.prompt_tokens == document["usage"]["prompt_tokens"]
        assert b"x-gateway-upstream-request-id" in dict(reply.headers)
        assert b"set-cookie" not in dict(reply.headers)
        sent = json.loads(simulator.log[-1].body)
        assert sent == {"model": "gpt-5.5", "messages": [{"role": "user", "content": "Say hello"}], "temperature": 1}
        assert backend.busy() == dict.fromkeys(backend.busy(), 0)


async def test_a_chat_streams_with_its_usage_and_one_end() -> None:
    async with simulated() as (_, backend):
        reply = await ask(backend, stream=True, stream_options={"include_usage": True})
        assert reply.is_stream
        assert dict(reply.headers)[b"content-type"] == b"text/event-stream"
        *pieces, last, usage = events(await read(reply))
        assert "".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces)
        assert last["choices"][0]["finish_reason"] == "stop"
        assert reply.usage is not None
        assert reply.usage.completion_tokens == usage["usage"]["completion_tokens"]


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_called(stream: bool) -> None:
    async with simulated() as (_, backend):
        reply = await ask(backend, tools=TOOLS, tool_choice="required", stream=stream)
        raw = await read(reply)
        assert b'"tool_calls"' in raw
        assert b'"name":"weather"' in raw
        assert b'"finish_reason":"tool_calls"' in raw
        assert stream or json.loads(raw)["choices"][0]["message"]["content"] is None


@pytest.mark.parametrize("stream", [False, True])
async def test_a_completion_is_answered_in_its_own_form(stream: bool) -> None:
    async with simulated() as (_, backend):
        raw = await read(await ask(backend, Endpoint.COMPLETIONS, stream=stream, **WORDS[Endpoint.COMPLETIONS]))
        answers = events(raw) if stream else [json.loads(raw)]
        assert {answer["object"] for answer in answers} == {"text_completion"}
        assert all(type(answer["choices"][0]["text"]) is str for answer in answers)


async def test_embeddings_come_in_the_encoding_that_was_asked_for() -> None:
    async with simulated() as (_, backend):
        asked = WORDS[Endpoint.EMBEDDINGS]
        numbers = json.loads((await ask(backend, Endpoint.EMBEDDINGS, **asked)).body)["data"]
        packed = json.loads((await ask(backend, Endpoint.EMBEDDINGS, **asked, encoding_format="base64")).body)["data"]
    assert [len(row["embedding"]) for row in numbers] == [1536, 1536]
    assert [type(row["embedding"]) for row in packed] == [str, str]


@pytest.mark.parametrize("endpoint", [Endpoint.GENERATE, Endpoint.GENERATE_STREAM])
async def test_tgis_generation_is_answered_as_tgi_answers_it(endpoint: Endpoint) -> None:
    async with simulated() as (_, backend):
        raw = await read(await ask(backend, endpoint, **WORDS[endpoint]))
        assert b'"generated_text":"' in raw


FAILURES: list[tuple[dict[str, Any], FailureKind, bool]] = [
    ({"fail_status": 401}, FailureKind.UNAUTHORIZED, False),
    ({"fail_status": 403}, FailureKind.UNAUTHORIZED, False),
    ({"fail_status": 404}, FailureKind.UNABLE, False),
    ({"fail_status": 429}, FailureKind.OVERLOADED, True),
    ({"insufficient_quota": True}, FailureKind.QUOTA, False),
    ({"fail_status": 500}, FailureKind.SERVER_ERROR, True),
    ({"fail_status": 503}, FailureKind.SERVER_ERROR, True),
    ({"html": True}, FailureKind.SERVER_ERROR, True),
    ({"cut_after_events": 0}, FailureKind.BROKEN, True),
    ({"cut_after_events": 0, "cut_with": "eof"}, FailureKind.BROKEN, True),
    ({"error_event_first": True}, FailureKind.SERVER_ERROR, True),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("faults", "kind", "is_retryable"), FAILURES, ids=lambda value: str(value))
async def test_a_failure_has_its_kind_and_is_met_once(
    faults: dict[str, Any], kind: FailureKind, is_retryable: bool, stream: bool
) -> None:
    async with simulated() as (simulator, backend):
        for name, value in faults.items():
            setattr(simulator.faults, name, value)
        failure = await failed(backend, stream=stream)
        assert (failure.kind, failure.is_retryable) == (kind, is_retryable)
        assert failure.replica == simulator.url.removeprefix("http://")
        assert KEY not in failure.detail
        assert "hello" not in failure.detail
        assert len(simulator.log) == 1
        assert backend.busy() == dict.fromkeys(backend.busy(), 0)


async def test_a_pause_that_the_provider_asks_for_is_told() -> None:
    async with simulated(requests_per_minute=1) as (_, backend):
        await ask(backend)
        assert (await failed(backend)).retry_after_s is not None


async def test_no_connection_is_told_without_the_address() -> None:
    async with opened(spec("http://127.0.0.1:9")) as backend:
        failure = await failed(backend)
    assert failure.kind is FailureKind.CONNECT
    assert "127.0.0.1" not in failure.detail


@pytest.mark.parametrize("stream", [False, True])
async def test_the_clients_mistake_is_an_answer_in_the_gateways_words(stream: bool) -> None:
    async with simulated() as (_, backend):
        reply = await ask(backend, n="many", stream=stream)
        error = json.loads(reply.body)["error"]
        assert (reply.status, error["param"], error["code"]) == (400, "n", "invalid_type")
        assert error["message"] == "the provider refused the request: `n` is not as it takes it"
        with pytest.raises(GatewayError) as caught:
            await ask(backend, Endpoint.GENERATE, inputs="x", parameters={"max_new_tokens": 0})
        assert caught.value.status == 400
        assert backend.state.is_up


async def test_a_parameter_that_the_model_does_not_take_is_neither_dropped_nor_the_clients_mistake() -> None:
    async with simulated() as (simulator, backend):
        assert (await failed(backend, temperature=0.5)).kind is FailureKind.UNABLE
        assert simulator.log == []


@pytest.mark.parametrize("how", ["reset", "eof", "end"])
@pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.COMPLETIONS])
async def test_a_cut_stream_is_told_to_be_cut(endpoint: Endpoint, how: Any) -> None:
    async with simulated() as (simulator, backend):
        simulator.faults.cut_after_events, simulator.faults.cut_with = 3, how
        reply = await ask(backend, endpoint, stream=True, **WORDS[endpoint])
        with pytest.raises(StreamBroken) as caught:
            await read(reply)
        assert caught.value.kind is FailureKind.BROKEN


async def test_a_stream_that_ends_before_it_began_is_a_failure_and_no_empty_answer() -> None:
    async with simulated() as (simulator, backend):
        simulator.faults.cut_after_events, simulator.faults.cut_with = 0, "end"
        assert (await failed(backend, stream=True)).kind is FailureKind.BROKEN


@pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.GENERATE_STREAM])
async def test_leaving_in_mid_stream_closes_the_call(endpoint: Endpoint) -> None:
    async with simulated(token_ms=1000) as (simulator, backend):
        reply = await ask(backend, endpoint, stream=True, **WORDS[endpoint])
        assert (simulator.open_requests, sum(backend.busy().values())) == (1, 1)
        await reply.aclose()
        await reply.aclose()
        await until(lambda: simulator.open_requests == 0)
        assert sum(backend.busy().values()) == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_leaving_before_the_first_byte_closes_the_call(stream: bool) -> None:
    async with simulated(prefill_ms=60_000) as (simulator, backend):
        task = asyncio.create_task(ask(backend, stream=stream))
        await until(lambda: simulator.open_requests == 1, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: simulator.open_requests == 0)
        assert sum(backend.busy().values()) == 0


@pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.EMBEDDINGS, Endpoint.GENERATE])
async def test_a_wrong_decision_still_sends_nothing(endpoint: Endpoint) -> None:
    async with simulated(zone=OUTSIDE) as (simulator, backend):
        asked = envelope(endpoint, **WORDS[endpoint])
        with pytest.raises(ClearanceViolation):
            await backend.send(asked, ROUTE, Sensitivity.CONFIDENTIAL)
        assert simulator.log == []
        assert sum(backend.busy().values()) == 0


async def test_five_failures_in_a_row_take_it_out() -> None:
    async with simulated() as (simulator, backend):
        simulator.faults.fail_status = 500
        for _ in range(5):
            await failed(backend)
        assert not backend.state.is_up
        assert (await failed(backend)).kind is FailureKind.CONNECT
        assert len(simulator.log) == 5


async def test_nothing_of_a_request_is_printed_or_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    word = "heliotrope"
    asked = {"messages": [{"role": "user", "content": word}]}
    async with simulated() as (simulator, backend):
        for stream in (False, True):
            await read(await ask(backend, stream=stream, **asked))
            await ask(backend, stream=stream, n=word, **asked)
            await failed(backend, temperature=0.123, stream=stream, **asked)
            simulator.faults.fail_status = 500
            await failed(backend, stream=stream, **asked)
            simulator.faults.fail_status = None
        await ask(backend, Endpoint.EMBEDDINGS, input=word, messages=None, encoding_format="base64")
    logged = [record for record in caplog.records if not record.name.startswith(("asyncio", "gateway"))]
    printed = capfd.readouterr()
    assert (logged, printed.out, printed.err) == ([], "", "")


async def test_a_request_waits_for_no_import_and_is_told_so() -> None:
    backend = LiteLLMBackend(spec(), SystemClock())
    backend.open()
    assert backend.state.reason == LOADING
    assert (await failed(backend)).kind is FailureKind.CONNECT
    assert backend.rows()[0]["reason"] == LOADING
    await backend.aclose()


async def test_a_model_of_no_known_provider_is_told_at_once() -> None:
    async with opened(spec(chat="nonesuch/model")) as backend:
        assert backend.state.reason == "litellm cannot serve its model: BadRequestError"


async def test_its_end_leaves_no_tasks_and_no_connections() -> None:
    before = len(asyncio.all_tasks())
    async with serve(openai_app(OpenAISettings(api_key=KEY))) as simulator:
        during = len(asyncio.all_tasks())
        async with opened(spec(simulator.url)) as one, opened(spec(simulator.url)) as other:
            await ask(one)
            await read(await ask(other, stream=True))
        await until(lambda: len(asyncio.all_tasks()) <= during)
    await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_a_key_that_lies_in_the_environment_does_not_go_to_an_address_of_the_policys() -> None:
    os.environ["OPENAI_API_KEY"] = "of-somebody-else"
    try:
        async with serve(openai_app()) as simulator:
            async with opened(msgspec.structs.replace(spec(simulator.url), api_key=None)) as backend:
                await ask(backend)
            assert dict(simulator.log[-1].headers)[b"authorization"] == b"Bearer none"
    finally:
        del os.environ["OPENAI_API_KEY"]
