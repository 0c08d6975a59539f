"""OpenAI's chat as its official client reads it: pieces, tools, schemas, choices, and bytes where they matter."""

import json
from typing import Any

import pydantic
import pytest
from asking import BICYCLE, HELLO, WEATHER, Asking
from openai import AsyncOpenAI

from gateway.simulators.openai import OpenAISettings

LISBON = [{"role": "user", "content": "What is the weather in Lisbon?"}]
HOTELS = {"type": "function", "function": {"name": "find_hotels", "parameters": {"type": "object", "properties": {}}}}
BOTH = [{"role": "user", "content": "The weather in Lisbon, and hotels there"}]
PADDED = OpenAISettings(obfuscation=True)


async def ask(client: AsyncOpenAI, **fields: Any) -> Any:
    return await client.chat.completions.create(**{"model": "gpt-5.5", "messages": HELLO, **fields})


async def pieces(client: AsyncOpenAI, **fields: Any) -> list[Any]:
    return [chunk async for chunk in await ask(client, stream=True, **fields)]


def reasons(chunks: list[Any], index: int = 0) -> list[str]:
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return [choice.finish_reason for choice in choices if choice.finish_reason is not None]


def text_of(chunks: list[Any], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(choice.delta.content or "" for choice in choices)


async def test_a_whole_answer_is_complete(client: AsyncOpenAI) -> None:
    answer = await ask(client)
    choice, usage = answer.choices[0], answer.usage
    assert answer.id.startswith("chatcmpl-")
    assert (answer.object, answer.model, answer.service_tier) == ("chat.completion", "gpt-5.5", "default")
    assert (choice.finish_reason, choice.message.role, choice.message.refusal) == ("stop", "assistant", None)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details.cached_tokens == usage.completion_tokens_details.reasoning_tokens == 0


async def test_a_stream_is_the_whole_answer_with_one_role_one_id_and_one_reason(client: AsyncOpenAI) -> None:
    whole, chunks = await ask(client), await pieces(client)
    assert text_of(chunks) == whole.choices[0].message.content
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant"] + [None] * (len(chunks) - 1)
    assert len({chunk.id for chunk in chunks}) == 1
    assert reasons(chunks) == ["stop"]
    assert chunks[-1].choices[0].delta.content is None
    assert all(chunk.usage is None for chunk in chunks)


async def test_a_stream_ends_with_done_and_its_events_are_compact(account: Asking) -> None:
    got = await account.chat(stream=True)
    assert got.headers["content-type"].startswith("text/event-stream")
    assert got.body.endswith(b"\n\ndata: [DONE]\n\n")
    assert all("usage" not in row for row in got.events[:-1])
    assert b'"delta":{"role":"assistant","content":"","refusal":null}' in got.body.split(b"\n\n")[0]


async def test_usage_comes_last_without_choices_and_is_null_before(client: AsyncOpenAI, account: Asking) -> None:
    *chunks, last = await pieces(client, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage == (await ask(client)).usage
    assert all(chunk.usage is None for chunk in chunks)
    rows = (await account.chat(stream=True, stream_options={"include_usage": True})).events
    assert all("usage" in row for row in rows[:-1])


@pytest.mark.parametrize("openai_settings", [PADDED])
async def test_padding_hides_the_length_of_every_chunk(client: AsyncOpenAI) -> None:
    chunks = await pieces(client, stream_options={"include_usage": True})
    assert all(len(chunk.obfuscation) > 0 for chunk in chunks)
    chunks = await pieces(client, stream_options={"include_obfuscation": False})
    assert not any("obfuscation" in chunk.to_dict() for chunk in chunks)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_the_limit_is_kept_and_told(client: AsyncOpenAI, name: str) -> None:
    given = {"model": "gpt-4.1", name: 5}
    answer, chunks = await ask(client, **given), await pieces(client, **given)
    assert answer.usage.completion_tokens == 5
    assert answer.choices[0].finish_reason == "length"
    assert reasons(chunks) == ["length"]
    assert text_of(chunks) == answer.choices[0].message.content


@pytest.mark.parametrize("as_list", [False, True])
async def test_the_answer_ends_before_the_stop_text(client: AsyncOpenAI, as_list: bool) -> None:
    whole = (await ask(client)).choices[0].message.content
    word = whole.split()[2]
    answer = await ask(client, stop=["nowhere", word] if as_list else word)
    assert answer.choices[0].message.content == whole[: whole.index(word)]
    assert answer.choices[0].finish_reason == "stop"


async def test_several_choices_differ_and_are_all_charged(client: AsyncOpenAI) -> None:
    answer, chunks = await ask(client, n=3), await pieces(client, n=3)
    texts = [choice.message.content for choice in answer.choices]
    assert len(set(texts)) == 3
    assert [text_of(chunks, index) for index in range(3)] == texts
    assert [reasons(chunks, index) for index in range(3)] == [["stop"]] * 3
    assert answer.usage.completion_tokens > (await ask(client)).usage.completion_tokens


async def test_logprobs_name_every_token_with_its_bytes_and_its_rivals(client: AsyncOpenAI) -> None:
    choice = (await ask(client, logprobs=True, top_logprobs=3)).choices[0]
    tokens = choice.logprobs.content
    assert "".join(token.token for token in tokens) == choice.message.content
    assert all(bytes(token.bytes).decode() == token.token and len(token.top_logprobs) == 3 for token in tokens)
    chunks = await pieces(client, logprobs=True)
    streamed = [token for chunk in chunks if chunk.choices[0].logprobs for token in chunk.choices[0].logprobs.content]
    assert [token.token for token in streamed] == [token.token for token in tokens]


async def test_a_tool_is_called_when_the_words_speak_of_it(client: AsyncOpenAI) -> None:
    choice = (await ask(client, messages=LISBON, tools=[WEATHER])).choices[0]
    (call,) = choice.message.tool_calls
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    assert call.id.startswith("call_")
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "some city"}
    assert (await ask(client, tools=[WEATHER])).choices[0].message.tool_calls is None


async def test_a_streamed_call_names_itself_once_and_then_comes_in_pieces(client: AsyncOpenAI) -> None:
    chunks = await pieces(client, messages=LISBON, tools=[WEATHER], stream_options={"include_usage": True})
    calls = [chunk.choices[0].delta.tool_calls[0] for chunk in chunks[1:-2]]
    assert [call.function.name for call in calls] == ["get_weather"] + [None] * (len(calls) - 1)
    assert [call.id is None for call in calls] == [False] + [True] * (len(calls) - 1)
    assert json.loads("".join(call.function.arguments for call in calls)) == {"city": "some city"}
    assert reasons(chunks) == ["tool_calls"]
    assert chunks[-1].usage.completion_tokens == len(calls)


async def test_several_calls_come_in_one_answer_unless_that_is_off(client: AsyncOpenAI) -> None:
    together = (await ask(client, messages=BOTH, tools=[WEATHER, HOTELS])).choices[0].message.tool_calls
    assert [call.function.name for call in together] == ["get_weather", "find_hotels"]
    assert len({call.id for call in together}) == 2
    alone = await ask(client, messages=BOTH, tools=[WEATHER, HOTELS], parallel_tool_calls=False)
    assert len(alone.choices[0].message.tool_calls) == 1
    chunks = await pieces(client, messages=BOTH, tools=[WEATHER, HOTELS])
    indices = [call.index for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert sorted(indices) == indices
    assert set(indices) == {0, 1}


CHOICES = {
    "auto": (HELLO, "auto", None, "stop"),
    "none": (LISBON, "none", None, "stop"),
    "required": (HELLO, "required", "get_weather", "tool_calls"),
    "named": (HELLO, {"type": "function", "function": {"name": "find_hotels"}}, "find_hotels", "stop"),
}


@pytest.mark.parametrize("choice", list(CHOICES))
async def test_the_tool_choice_is_obeyed(client: AsyncOpenAI, choice: str) -> None:
    messages, given, name, reason = CHOICES[choice]
    got = (await ask(client, messages=messages, tools=[WEATHER, HOTELS], tool_choice=given)).choices[0]
    assert [call.function.name for call in got.message.tool_calls or []] == ([name] if name else [])
    assert got.finish_reason == reason


async def test_a_tools_result_is_answered_in_words(client: AsyncOpenAI) -> None:
    call = (await ask(client, messages=LISBON, tools=[WEATHER])).choices[0].message
    result = {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "weather: clear"}
    answer = await ask(client, messages=[*LISBON, call.to_dict(), result], tools=[WEATHER])
    assert answer.choices[0].message.content


class Bicycle(pydantic.BaseModel):
    name: str
    gears: int


async def test_a_schema_is_kept_whole_and_streamed(client: AsyncOpenAI) -> None:
    parsed = await client.chat.completions.parse(model="gpt-5.5", messages=HELLO, response_format=Bicycle)
    assert isinstance(parsed.choices[0].message.parsed, Bicycle)
    form = {"type": "json_schema", "json_schema": {"name": "bicycle", "strict": True, "schema": BICYCLE}}
    assert Bicycle.model_validate_json(text_of(await pieces(client, response_format=form)))


async def test_json_without_a_schema_is_an_object(client: AsyncOpenAI) -> None:
    messages = [{"role": "user", "content": "Say hello as JSON"}]
    answer = await ask(client, messages=messages, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


async def test_images_and_unknown_fields_are_taken(client: AsyncOpenAI) -> None:
    parts = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    answer = await ask(client, messages=[{"role": "user", "content": parts}], extra_body={"x_future": {"deep": [1]}})
    assert answer.choices[0].message.content


async def test_the_prompt_counts_by_its_text(client: AsyncOpenAI) -> None:
    short, long = await ask(client), await ask(client, messages=[{"role": "user", "content": "Say hello " * 50}])
    assert long.usage.prompt_tokens > short.usage.prompt_tokens + 100


async def test_the_streaming_interface_of_the_client_sees_its_events(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="gpt-5.5", messages=LISBON, tools=[WEATHER]) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_completion()
    assert "tool_calls.function.arguments.done" in kinds
    assert final.choices[0].finish_reason == "tool_calls"
