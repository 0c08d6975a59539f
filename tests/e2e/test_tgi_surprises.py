"""The five things that surprise about TGI, through the gateway with the official OpenAI client: none does any more."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from asks import BICYCLE, LISBON, WEATHER, chunks_of, reasons
from house import FRONTIER_FIRST, LOCAL_FIRST, House, open_house, text_of

from gateway.simulators.tgi import TgiSettings


def sent(house: House) -> dict[str, Any]:
    """The last body TGI received."""
    found: dict[str, Any] = json.loads(house.sent_to(house.gpu)[-1])
    return found


def generated_with(house: House) -> dict[str, object]:
    """What TGI's engine was told last."""
    return house.gpu.log[-1].parameters


# 1. A stream never fails with a status.


async def test_overload_in_a_stream_is_an_http_status(tgi_only: House) -> None:
    tgi_only.gpu.faults.overloaded = True
    with pytest.raises(openai.RateLimitError) as caught:
        await tgi_only.chat("Say hello", stream=True)
    assert caught.value.status_code == 429
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"]


async def test_overload_in_a_stream_falls_back(house: House) -> None:
    house.gpu.faults.overloaded = True
    chunks = await chunks_of(house, "Say hello")
    assert text_of(chunks)
    assert house.sent_to(house.api)


async def test_a_generation_that_fails_in_a_stream_is_a_503(tgi_only: House) -> None:
    tgi_only.gpu.faults.error_event_first = True
    with pytest.raises(openai.InternalServerError) as caught:
        await tgi_only.chat("Say hello", stream=True)
    assert (caught.value.status_code, caught.value.code) == (503, "no_backend_available")


async def test_a_generation_that_fails_in_a_stream_falls_back(house: House) -> None:
    house.gpu.faults.error_event_first = True
    raw = await house.chat_raw("Say hello", stream=True)
    assert raw.headers["x-gateway-backend"] == "frontier"
    assert text_of([chunk async for chunk in raw.parse()])


@pytest.mark.parametrize("stream", [False, True])
async def test_a_users_mistake_is_a_400_and_not_a_fallback(house: House, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await house.chat("Say hello", temperature=-1, model="local", stream=stream)
    assert set(caught.value.body) == {"message", "type", "param", "code"}
    assert (caught.value.type, caught.value.param) == ("invalid_request_error", "temperature")
    assert house.sent_to(house.api) == []


@pytest.mark.parametrize("stream", [False, True])
async def test_too_long_for_the_model_says_so_as_openai_does(tgi_only: House, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await tgi_only.chat("Say hello", max_tokens=10_000_000, stream=stream)
    assert caught.value.code == "context_length_exceeded"


async def test_keep_alive_comments_do_not_count_as_an_answer(a_house) -> None:
    policy = LOCAL_FIRST.replace("[local, frontier]", "[{to: local, first_byte: 300ms}, frontier]")
    house: House = await a_house(policy, tgi=TgiSettings(prefill_ms=5_000, keep_alive_s=0.05))
    raw = await house.chat_raw("Say hello", stream=True)
    assert raw.headers["x-gateway-backend"] == "frontier"


# 2. Ordinary OpenAI requests are refused, or silently mean something else.

ORDINARY: dict[str, dict[str, Any]] = {
    "stop as a string": {"stop": "###"},
    "an empty stop": {"stop": ""},
    "top_p 1": {"top_p": 1},
    "top_p 1.0": {"top_p": 1.0},
    "top_p 0": {"top_p": 0},
    "an empty logit_bias": {"logit_bias": {}},
    "response_format text": {"response_format": {"type": "text"}},
    "both max-token names": {"max_tokens": 9, "max_completion_tokens": 9},
    "one of them null": {"max_tokens": None, "max_completion_tokens": 9},
    "presence_penalty 0": {"presence_penalty": 0},
    "presence_penalty -2": {"presence_penalty": -2},
    "frequency_penalty 2": {"frequency_penalty": 2},
    "n 1": {"n": 1},
    "temperature 0": {"temperature": 0},
    "a negative seed": {"seed": -7},
    "a user": {"user": "someone"},
    "what OpenAI keeps": {"store": True, "metadata": {"team": "web"}, "service_tier": "auto"},
    "what reasoning models take": {"reasoning_effort": "low", "verbosity": "low", "prompt_cache_key": "x"},
    "one call at a time": {"tools": [WEATHER], "parallel_tool_calls": False},
    "no tools and a schema": {
        "tools": [],
        "response_format": {"type": "json_schema", "json_schema": {"name": "b", "schema": BICYCLE}},
    },
    "every null": dict.fromkeys(
        (
            "stop", "top_p", "temperature", "n", "seed", "user", "tools", "tool_choice", "response_format",
            "logit_bias", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "max_tokens",
            "stream_options",
        )
    ),
    "a json_schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "b", "schema": BICYCLE, "strict": True}}
    },
    "a schema with $defs": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "b",
                "schema": {
                    "type": "object",
                    "properties": {"bicycle": {"$ref": "#/$defs/Bicycle"}},
                    "required": ["bicycle"],
                    "$defs": {"Bicycle": BICYCLE},
                },
            },
        }
    },
    "a tool without parameters": {
        "tools": [{"type": "function", "function": {"name": "ring_bell"}}],
        "tool_choice": "required",
    },
    "a strict tool": {
        "tools": [{**WEATHER, "function": {**WEATHER["function"], "strict": True}}],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    },
    "a field nobody knows": {"extra_body": {"x_future": {"deep": [1, 2]}}},
}  # fmt: skip


@pytest.mark.parametrize("what", list(ORDINARY))
async def test_an_ordinary_openai_request_is_answered(tgi_only: House, what: str) -> None:
    answer = await tgi_only.chat("Say hello", **ORDINARY[what])
    assert answer.choices[0].message.content or answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason in {"stop", "length", "tool_calls"}


@pytest.mark.parametrize("what", list(ORDINARY))
async def test_an_ordinary_openai_request_is_streamed(tgi_only: House, what: str) -> None:
    chunks = await chunks_of(tgi_only, "Say hello", **ORDINARY[what])
    assert len(reasons(chunks)) == 1
    assert len(chunks) > 1


async def test_a_null_stream_is_none(tgi_only: House) -> None:
    answer = await tgi_only.chat("Say hello", extra_body={"stream": None, "stream_options": None})
    assert answer.choices[0].message.content
    assert "stream" not in sent(tgi_only)


CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Lisbon"}'}}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "clear"}
HISTORIES: dict[str, list[dict[str, Any]]] = {
    "null content": [{"role": "assistant", "content": None}],
    "no content": [{"role": "assistant"}],
    "a refusal": [{"role": "assistant", "content": None, "refusal": "I would rather not"}],
    "a refusal as a part": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]}],
    "text in parts": [{"role": "assistant", "content": [{"type": "text", "text": "Hm"}]}],
    "a call": [{"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT],
    "a call and words": [{"role": "assistant", "content": "Let me see", "tool_calls": [CALL]}, RESULT],
    "a result in parts": [
        {"role": "assistant", "tool_calls": [CALL]},
        {**RESULT, "content": [{"type": "text", "text": "clear"}]},
    ],
}


@pytest.mark.parametrize("what", list(HISTORIES))
async def test_any_history_of_openais_is_answered(tgi_only: House, what: str) -> None:
    ask, again = {"role": "user", "content": "Hello"}, {"role": "user", "content": "And now?"}
    answer = await tgi_only.client.chat.completions.create(model="auto", messages=[ask, *HISTORIES[what], again])
    assert answer.choices[0].message.content


async def test_the_developer_role_becomes_system(tgi_only: House) -> None:
    messages = [{"role": "developer", "content": "Be brief"}, {"role": "user", "content": "Say hello"}]
    await tgi_only.client.chat.completions.create(model="auto", messages=messages)
    assert [message["role"] for message in sent(tgi_only)["messages"]] == ["system", "user"]


@pytest.mark.parametrize(("presence", "repetition"), [(0, None), (2, 1.2), (-2, 0.8), (0.5, 1.05)])
async def test_a_presence_penalty_is_no_cliff(tgi_only: House, presence: float, repetition: float | None) -> None:
    await tgi_only.chat("Say hello", presence_penalty=presence)
    assert generated_with(tgi_only)["repetition_penalty"] == pytest.approx(repetition)


async def test_the_smaller_of_two_limits_holds(tgi_only: House) -> None:
    answer = await tgi_only.chat("Say hello", max_tokens=3, max_completion_tokens=9)
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (3, "length")


NEEDS: dict[str, dict[str, Any]] = {
    "several choices": {"n": 2},
    "a bias": {"logit_bias": {"50256": -100}},
    "JSON without a schema": {"response_format": {"type": "json_object"}},
    "many rivals": {"logprobs": True, "top_logprobs": 9},
    "calls at once": {"tools": [WEATHER], "parallel_tool_calls": True},
    "tools with a schema": {
        "tools": [WEATHER],
        "response_format": {"type": "json_schema", "json_schema": {"name": "b", "schema": BICYCLE}},
    },
    "a search": {"web_search_options": {}},
    "a voice": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    "older functions": {"functions": [WEATHER["function"]]},
    "a schema without an end": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "t", "schema": {"type": "object", "properties": {"next": {"$ref": "#"}}}},
        }
    },
}


@pytest.mark.parametrize("what", list(NEEDS))
async def test_what_tgi_cannot_do_goes_to_who_can(house: House, what: str) -> None:
    raw = await house.chat_raw("Say hello as JSON", **NEEDS[what])
    assert raw.headers["x-gateway-backend"] == "frontier"
    assert house.sent_to(house.gpu) == []


@pytest.mark.parametrize("what", list(NEEDS))
async def test_what_nobody_cleared_can_do_is_an_honest_400(tgi_only: House, what: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await tgi_only.chat("Say hello", **NEEDS[what])
    assert caught.value.code == "unsupported_by_backend"
    assert tgi_only.sent_to(tgi_only.gpu) == []


# 3. Tool calls: see also test_tgi_answers.


async def test_a_streamed_tool_call_is_finished_for_the_clients_own_reader(tgi_only: House) -> None:
    request = {"model": "auto", "messages": [{"role": "user", "content": LISBON}], "tools": [WEATHER]}
    async with tgi_only.client.chat.completions.stream(**request) as stream:
        final = await stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls
    assert final.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "some city"})
    assert call.id


# 4. Hugging Face's dialect, by whichever client.


@pytest.mark.parametrize("policy", [LOCAL_FIRST, FRONTIER_FIRST])
@pytest.mark.parametrize("model", ["tgi", "dummy"])
async def test_hugging_faces_names_for_no_preference_are_none(a_house, policy: str, model: str) -> None:
    house: House = await a_house(policy)
    answer = await house.chat("Say hello", model=model)
    assert answer.choices[0].message.content
    assert answer.model == ("meta-llama/Llama-3.3-70B-Instruct" if policy is LOCAL_FIRST else "gpt-5.5")


@pytest.mark.parametrize("policy", [LOCAL_FIRST, FRONTIER_FIRST])
@pytest.mark.parametrize("kind", ["json", "json_object"])
async def test_hugging_faces_schema_is_kept_wherever_it_goes(a_house, policy: str, kind: str) -> None:
    house: House = await a_house(policy)
    answer = await house.chat("Describe a bicycle", response_format={"type": kind, "value": BICYCLE})
    assert set(json.loads(answer.choices[0].message.content)) == {"name", "gears"}


async def test_a_regex_goes_to_tgi_alone(a_house) -> None:
    house: House = await a_house(FRONTIER_FIRST)
    raw = await house.chat_raw("A number", response_format={"type": "regex", "value": "[0-9]{3}"})
    assert raw.headers["x-gateway-backend"] == "local"
    assert raw.parse().choices[0].message.content.isdecimal()


# 5. TGI goes on computing until its connection closes.


async def until(claim: Callable[[], bool], within_s: float = 1.0) -> None:
    async with asyncio.timeout(within_s):
        while not claim():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cancelled_call_stops_the_gpu(stream: bool) -> None:
    async with open_house(tgi=TgiSettings(prefill_ms=60_000)) as house:
        asking = asyncio.create_task(house.chat("Say hello", stream=stream, model="local"))
        await until(lambda: house.gpu.open_requests == 1, 2)
        asking.cancel()
        await until(lambda: house.gpu.open_requests == 0)
        assert house.gpu.closed_early == 1


async def test_a_closed_stream_stops_the_gpu() -> None:
    async with open_house(tgi=TgiSettings(token_ms=500)) as house:
        stream = await house.chat("Say hello", stream=True, model="local")
        await anext(stream)
        await stream.close()
        await until(lambda: house.gpu.open_requests == 0)
        assert house.gpu.closed_early == 1
