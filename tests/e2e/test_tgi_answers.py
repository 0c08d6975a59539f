"""What has to be rewritten in TGI's answers, through the gateway with the official OpenAI client: it all is."""

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from asks import LISBON, WEATHER, chunks_of, reasons
from house import LOCAL_FIRST, ZONES_AND_BACKENDS, House, events, open_house, text_of

from gateway.simulators.openai import OpenAISettings
from gateway.simulators.server import Simulator, serve
from gateway.simulators.tgi import TgiSettings, tgi_app

MODEL = "meta-llama/Llama-3.3-70B-Instruct"
LOCAL_ONLY = ZONES_AND_BACKENDS + "otherwise: {route: [local]}\n"
BELL = {"type": "function", "function": {"name": "ring_bell", "parameters": {"type": "object", "properties": {}}}}
USAGE = {"stream_options": {"include_usage": True}}


async def test_every_answer_has_an_id_of_its_own_and_the_backends_model(tgi_only: House) -> None:
    first, second = await tgi_only.chat("Say hello"), await tgi_only.chat("Say hello", model="gpt-4-turbo")
    assert first.id.startswith("chatcmpl-")
    assert first.id != second.id
    assert first.model == second.model == MODEL
    assert json.loads(tgi_only.sent_to(tgi_only.gpu)[-1])["model"] == "tgi"


async def test_the_id_is_the_same_over_a_stream(tgi_only: House) -> None:
    chunks = await chunks_of(tgi_only, "Say hello", **USAGE)
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].id.startswith("chatcmpl-")
    assert {chunk.model for chunk in chunks} == {MODEL}
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}


@pytest.mark.parametrize("stream", [False, True])
async def test_the_stop_text_is_not_in_the_answer(tgi_only: House, stream: bool) -> None:
    whole = (await tgi_only.chat("Say hello")).choices[0].message.content
    stop = whole.split()[3]
    if stream:
        chunks = await chunks_of(tgi_only, "Say hello", stop=stop)
        text, given = text_of(chunks), reasons(chunks)
    else:
        choice = (await tgi_only.chat("Say hello", stop=stop)).choices[0]
        text, given = choice.message.content, [choice.finish_reason]
    assert text == whole[: whole.index(stop)]
    assert given == ["stop"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stop_text_within_a_token_is_cut_off_too(tgi_only: House, stream: bool) -> None:
    """TGI itself does not see it: it looks at the ends of tokens."""
    whole = (await tgi_only.chat("Say hello")).choices[0].message.content
    stop = whole[5:7]
    if stream:
        text = text_of(await chunks_of(tgi_only, "Say hello", stop=[stop]))
    else:
        text = (await tgi_only.chat("Say hello", stop=[stop])).choices[0].message.content
    assert text == whole[: whole.index(stop)]


async def test_the_role_is_said_once_and_the_end_once(tgi_only: House) -> None:
    chunks = await chunks_of(tgi_only, "Say hello")
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant"] + [None] * (len(chunks) - 1)
    assert reasons(chunks) == ["stop"]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert not any(chunk.usage for chunk in chunks)


async def test_the_limit_is_openais_word(tgi_only: House) -> None:
    assert (await tgi_only.chat("Say hello", max_tokens=3)).choices[0].finish_reason == "length"
    assert reasons(await chunks_of(tgi_only, "Say hello", max_tokens=3)) == ["length"]


async def test_usage_comes_last_without_choices(tgi_only: House) -> None:
    *chunks, last = await chunks_of(tgi_only, "Say hello", **USAGE)
    assert last.choices == []
    assert last.usage == (await tgi_only.chat("Say hello")).usage
    assert not any(chunk.usage for chunk in chunks)


async def test_a_tool_call_looks_like_openais(tgi_only: House) -> None:
    first = await tgi_only.chat(LISBON, tools=[WEATHER])
    second = await tgi_only.chat(LISBON, tools=[WEATHER], tool_choice="required")
    call = first.choices[0].message.tool_calls[0]
    assert first.choices[0].finish_reason == "tool_calls"
    assert first.choices[0].message.to_dict()["content"] is None
    assert set(call.function.to_dict()) == {"name", "arguments"}
    assert json.loads(call.function.arguments) == {"city": "some city"}
    assert call.id.startswith("call_")
    assert call.id != second.choices[0].message.tool_calls[0].id


async def test_a_streamed_tool_call_ends_with_its_reason_before_the_usage(tgi_only: House) -> None:
    *chunks, last = await chunks_of(tgi_only, LISBON, tools=[WEATHER], **USAGE)
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert [call.function.name for call in calls] == ["get_weather"] + [None] * (len(calls) - 1)
    assert [call.id is not None for call in calls] == [True] + [False] * (len(calls) - 1)
    assert json.loads("".join(call.function.arguments for call in calls)) == {"city": "some city"}
    assert reasons(chunks) == ["tool_calls"]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    assert (last.choices, last.usage.total_tokens > 0) == ([], True)


async def test_a_streamed_call_without_arguments_is_an_object(tgi_only: House) -> None:
    chunks = await chunks_of(tgi_only, "Ring", tools=[BELL], tool_choice="required")
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert json.loads("".join(call.function.arguments or "" for call in calls)) == {}
    assert reasons(chunks) == ["tool_calls"]


def _call(message: Any) -> dict[str, Any]:
    call = message.tool_calls[0]
    function = {"name": call.function.name, "arguments": call.function.arguments}
    return {"id": call.id, "type": "function", "function": function}


@pytest.mark.parametrize("stream", [False, True])
async def test_ids_of_calls_do_not_collide_over_turns(tgi_only: House, stream: bool) -> None:
    messages: list[dict[str, Any]] = []
    seen: list[str] = []
    for _ in range(3):
        messages.append({"role": "user", "content": LISBON})
        request = {"model": "auto", "messages": messages, "tools": [WEATHER]}
        if stream:
            async with tgi_only.client.chat.completions.stream(**request) as events_:
                message = (await events_.get_final_completion()).choices[0].message
        else:
            message = (await tgi_only.client.chat.completions.create(**request)).choices[0].message
        seen.append(message.tool_calls[0].id)
        result = {"role": "tool", "tool_call_id": seen[-1], "content": "clear"}
        messages += [{"role": "assistant", "tool_calls": [_call(message)]}, result]
    assert len(set(seen)) == 3


@pytest.mark.parametrize(
    "choice", ["auto", "none", "required", {"type": "function", "function": {"name": "get_weather"}}]
)
async def test_every_tool_choice_ends_well_streamed_and_not(tgi_only: House, choice: object) -> None:
    whole = (await tgi_only.chat("Say hello", tools=[WEATHER], tool_choice=choice)).choices[0]
    chunks = await chunks_of(tgi_only, "Say hello", tools=[WEATHER], tool_choice=choice)
    is_called = choice not in ("auto", "none")
    assert bool(whole.message.tool_calls) == is_called
    assert bool(whole.message.content) != is_called
    assert text_of(chunks) == (whole.message.content or "")
    assert [whole.finish_reason] == reasons(chunks) == ["tool_calls" if is_called else "stop"]


async def test_logprobs_are_complete(tgi_only: House) -> None:
    answer = await tgi_only.chat("Say hello", logprobs=True, top_logprobs=2)
    told = answer.choices[0].logprobs
    assert told.to_dict()["refusal"] is None
    for token in told.content:
        assert token.bytes == list(token.token.encode())
        assert [bytes(other.bytes).decode() for other in token.top_logprobs] == [o.token for o in token.top_logprobs]
    chunks = await chunks_of(tgi_only, "Say hello", logprobs=True)
    given = [chunk.choices[0].logprobs for chunk in chunks]
    streamed = [token for each in given if each is not None for token in each.content]
    assert [token.token for token in streamed] == [token.token for token in told.content]


async def test_a_batch_of_completions_is_in_order(tgi_only: House) -> None:
    prompts = ["Once upon", "In the", "They said"]
    answer = await tgi_only.client.completions.create(model="auto", prompt=prompts, max_tokens=50)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert json.loads(tgi_only.gpu.log[-1].answer)["choices"][0]["index"] != 0
    assert (answer.id.startswith("cmpl-"), answer.model) == (True, MODEL)


async def test_a_streamed_completion_has_openais_reasons_and_no_mark_of_the_end(tgi_only: House) -> None:
    request = {"model": "auto", "prompt": "Once upon a time", "max_tokens": 100}
    whole = await tgi_only.client.completions.create(**request)
    *chunks, last = [chunk async for chunk in await tgi_only.client.completions.create(**request, stream=True, **USAGE)]
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert whole.choices[0].finish_reason == "stop"
    assert (last.choices, last.usage) == ([], whole.usage)
    assert len({chunk.id for chunk in [*chunks, last]}) == 1


async def test_keep_alive_comments_pass_between_events_and_disturb_nobody(a_house) -> None:
    house: House = await a_house(LOCAL_ONLY, tgi=TgiSettings(token_ms=120, keep_alive_s=0.04))
    assert text_of(await chunks_of(house, "Say hello", max_tokens=3))
    body = {"model": "auto", "stream": True, "max_tokens": 3, "messages": [{"role": "user", "content": "Say hello"}]}
    async with house.http.post("/v1/chat/completions", json=body) as got:
        raw = await got.read()
    assert raw.startswith(b"data: ")
    assert b"\n\n: \n\n" in raw
    assert events(raw)[-1] == "[DONE]"


@pytest.fixture
async def older() -> AsyncIterator[Simulator]:
    """TGI as it was with axum 0.6: no space after `data:`."""
    newer = tgi_app(TgiSettings())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def say(message: Any) -> None:
            body = message.get("body", b"")
            is_event = body.startswith(b"data: ")
            await send({**message, "body": b"data:" + body[6:]} if is_event else message)

        await newer(scope, receive, say)

    async with serve(app) as running:
        yield running


async def test_older_servers_that_put_no_space_after_data_are_read(older: Simulator) -> None:
    async with open_house(LOCAL_ONLY, environment={"TGI_URL": older.url}) as house:
        chunks = await chunks_of(house, "Say hello", **USAGE)
        calls = await chunks_of(house, LISBON, tools=[WEATHER])
    assert text_of(chunks)
    assert (reasons(chunks), reasons(calls)) == (["stop"], ["tool_calls"])
    assert chunks[-1].usage.total_tokens > 0


async def test_what_is_recorded_is_what_tgi_counted(tgi_only: House) -> None:
    answer = await tgi_only.chat("Say hello")
    await chunks_of(tgi_only, "Say hello", **USAGE)
    await chunks_of(tgi_only, "Say hello")
    whole, reported, counted = (record.outcome.usage for record in await tgi_only.records())
    assert (whole.prompt_tokens, whole.completion_tokens, whole.is_estimate) == (
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
        False,
    )
    assert reported == whole
    assert counted.is_estimate
    assert counted.completion_tokens == pytest.approx(whole.completion_tokens, abs=1)


# Errors, whatever form they had at TGI.


async def test_what_tgi_says_in_plain_text_is_told_in_openais_form(tgi_only: House) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await tgi_only.chat("Say hello", extra_body={"top_logprobs": "card 4111"})
    assert set(caught.value.body) == {"message", "type", "param", "code"}
    assert "4111" not in caught.value.message
    assert tgi_only.gpu.log[-1].status == 422


@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_that_tgi_refuses_is_ours_and_not_the_callers(a_house, stream: bool) -> None:
    house: House = await a_house(LOCAL_FIRST, tgi=TgiSettings(api_key="another"))
    raw = await house.chat_raw("Say hello", stream=stream)
    assert raw.headers["x-gateway-backend"] == "frontier"
    alone: House = await a_house(LOCAL_ONLY, tgi=TgiSettings(api_key="another"))
    with pytest.raises(openai.InternalServerError) as caught:
        await alone.chat("Say hello", stream=stream)
    assert caught.value.status_code == 503


async def test_more_than_tgi_reads_goes_to_who_reads_more(a_house) -> None:
    house: House = await a_house(api=OpenAISettings(context_tokens=1_000_000))
    long = "word " * 420_000
    raw = await house.client.chat.completions.with_raw_response.create(
        model="auto", messages=[{"role": "user", "content": long}]
    )
    assert raw.headers["x-gateway-backend"] == "frontier"


@pytest.mark.parametrize("fault", [{"fail_status": 500}, {"html": True}, {"cut_body": True}, {"cut_after_events": 0}])
async def test_every_failure_before_the_first_byte_falls_back(house: House, fault: dict[str, Any]) -> None:
    for name, value in fault.items():
        setattr(house.gpu.faults, name, value)
    for stream in (False, True):
        if stream and "cut_body" in fault:
            continue
        raw = await house.chat_raw("Say hello", stream=stream)
        assert raw.headers["x-gateway-backend"] == "frontier"


# TGI's own routes.


@pytest.mark.parametrize("path", ["/generate", "/"])
async def test_tgis_own_clients_get_tgis_own_bytes(tgi_only: House, path: str) -> None:
    body = b'{"inputs": "Once upon a time",   "parameters": {"max_new_tokens": 5, "x_future": 1}}'
    async with tgi_only.http.post(path, data=body, headers={"content-type": "application/json"}) as got:
        answer = await got.read()
    assert tgi_only.sent_to(tgi_only.gpu)[-1] == body
    assert answer == tgi_only.gpu.log[-1].answer
    assert isinstance(json.loads(answer), list if path == "/" else dict)


async def test_tokenize_counts(tgi_only: House) -> None:
    async with tgi_only.http.post("/tokenize", json={"inputs": "Once upon a time"}) as got:
        assert len(await got.json()) > 0
    messages = [{"role": "user", "content": "Say hello"}]
    async with tgi_only.http.post("/chat_tokenize", json={"messages": messages}) as got:
        assert "tokenize_response" in await got.json()


async def test_info_and_health_are_tgis(tgi_only: House) -> None:
    async with tgi_only.http.get("/info") as got:
        assert (await got.json())["max_total_tokens"] > 0
    for path in ("/health", "/ping", "/"):
        async with tgi_only.http.get(path) as got:
            assert got.status == 200
            assert await got.read() == b""
