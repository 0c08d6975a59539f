"""What surprises about TGI, seen through the gateway with the official OpenAI client: nothing does any more."""

import json
from typing import Any

import openai
import pytest
from house import LOCAL_FIRST, ZONES_AND_BACKENDS, House, events, text_of

from gateway.simulators.tgi import TgiSettings

JSON = {"content-type": "application/json"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
BICYCLE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "gears": {"type": "integer"}},
    "required": ["name", "gears"],
    "additionalProperties": False,
}


def sent(house: House) -> dict[str, Any]:
    """The last body TGI received."""
    return json.loads(house.sent_to(house.gpu)[-1])


@pytest.fixture
async def tgi_only(a_house) -> House:
    return await a_house(ZONES_AND_BACKENDS + "otherwise: {route: [local]}\n")


ORDINARY = {
    "stop as a string": {"stop": "###"},
    "top_p 1": {"top_p": 1},
    "an empty logit_bias": {"logit_bias": {}},
    "response_format text": {"response_format": {"type": "text"}},
    "both max-token names": {"max_tokens": 9, "max_completion_tokens": 9},
    "null stream_options": {"stream_options": None},
    "null stream": {"stream": None},
    "presence_penalty 0": {"presence_penalty": 0},
    "n 1": {"n": 1},
    "temperature 0": {"temperature": 0},
    "a user": {"user": "someone"},
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
    "a field nobody knows": {"x_future": {"deep": [1, 2]}},
}


@pytest.mark.parametrize("what", list(ORDINARY))
async def test_an_ordinary_openai_request_is_answered(tgi_only: House, what: str) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Say hello"}], **ORDINARY[what]}
    async with tgi_only.http.post("/v1/chat/completions", json=body) as got:
        answer = await got.json()
    assert got.status == 200, answer
    message = answer["choices"][0]["message"]
    assert message.get("content") or message.get("tool_calls")


async def test_a_null_content_is_answered(tgi_only: House) -> None:
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None},
        {"role": "user", "content": "y"},
    ]
    answer = await tgi_only.client.chat.completions.create(model="auto", messages=messages)
    assert answer.choices[0].message.content


async def test_the_developer_role_becomes_system(tgi_only: House) -> None:
    messages = [{"role": "developer", "content": "Be brief"}, {"role": "user", "content": "Say hello"}]
    await tgi_only.client.chat.completions.create(model="auto", messages=messages)
    assert [message["role"] for message in sent(tgi_only)["messages"]] == ["system", "user"]


async def test_the_model_is_tgi_there_and_the_backends_own_here(tgi_only: House) -> None:
    answer = await tgi_only.chat("Say hello")
    assert sent(tgi_only)["model"] == "tgi"
    assert answer.model == "meta-llama/Llama-3.3-70B-Instruct"
    assert answer.id


async def test_presence_penalty_zero_is_no_repetition_penalty(tgi_only: House) -> None:
    await tgi_only.chat("Say hello", presence_penalty=0)
    assert "presence_penalty" not in sent(tgi_only)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_stop_text_is_not_in_the_answer(tgi_only: House, stream: bool) -> None:
    whole = (await tgi_only.chat("Say hello")).choices[0].message.content
    stop = whole.split()[3]
    if stream:
        text = text_of([chunk async for chunk in await tgi_only.chat("Say hello", stop=stop, stream=True)])
    else:
        text = (await tgi_only.chat("Say hello", stop=stop)).choices[0].message.content
    assert stop not in text
    assert whole.startswith(text.rstrip())
    assert text


async def test_overload_in_a_stream_is_an_http_status(tgi_only: House) -> None:
    tgi_only.gpu.faults.overloaded = True
    with pytest.raises(openai.RateLimitError) as caught:
        await tgi_only.chat("Say hello", stream=True)
    assert caught.value.status_code == 429
    assert caught.value.response.headers["retry-after"]


async def test_overload_in_a_stream_falls_back(house: House) -> None:
    house.gpu.faults.overloaded = True
    chunks = [chunk async for chunk in await house.chat("Say hello", stream=True)]
    assert text_of(chunks)
    assert house.sent_to(house.api)


async def test_a_users_mistake_is_a_400_and_not_a_fallback(house: House) -> None:
    with pytest.raises(openai.BadRequestError):
        await house.chat("Say hello", temperature=-1, model="local")
    with pytest.raises(openai.BadRequestError):
        await house.chat("Say hello", temperature=-1, model="local", stream=True)
    assert house.sent_to(house.api) == []


@pytest.mark.parametrize("stream", [False, True])
async def test_too_long_for_the_model_says_so_as_openai_does(tgi_only: House, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await tgi_only.chat("Say hello", max_tokens=10_000_000, stream=stream)
    assert caught.value.code == "context_length_exceeded"


async def test_a_tool_call_has_a_finish_reason_and_an_id(tgi_only: House) -> None:
    first = await tgi_only.chat("What is the weather in Lisbon?", tools=[WEATHER], tool_choice="required")
    second = await tgi_only.chat("What is the weather in Ghent?", tools=[WEATHER], tool_choice="required")
    assert first.choices[0].finish_reason == "tool_calls"
    assert first.choices[0].message.content is None
    assert first.choices[0].message.tool_calls[0].id != second.choices[0].message.tool_calls[0].id
    assert isinstance(first.choices[0].message.tool_calls[0].function.arguments, str)


async def test_a_streamed_tool_call_has_a_finish_reason(tgi_only: House) -> None:
    stream = await tgi_only.chat(
        "What is the weather in Lisbon?",
        tools=[WEATHER],
        tool_choice="required",
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    reasons = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert reasons[-1] == "tool_calls"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0


@pytest.mark.parametrize(
    "choice", ["auto", "none", "required", {"type": "function", "function": {"name": "get_weather"}}]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_every_tool_choice_works(tgi_only: House, choice: object, stream: bool) -> None:
    got = await tgi_only.chat("Say hello", tools=[WEATHER], tool_choice=choice, stream=stream)
    if stream:
        reasons = [chunk.choices[0].finish_reason async for chunk in got if chunk.choices]
        assert [reason for reason in reasons if reason][-1] in {"stop", "tool_calls"}
        assert reasons[-1] is not None
    else:
        assert got.choices[0].message.content or got.choices[0].message.tool_calls


async def test_chunks_are_complete_openai_chunks(tgi_only: House) -> None:
    body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "Say hello"}]}
    async with tgi_only.http.post("/v1/chat/completions", json=body) as got:
        rows = events(await got.read())
    assert rows[-1] == "[DONE]"
    assert rows.count("[DONE]") == 1
    chunks = rows[:-1]
    assert all(chunk["id"] == chunks[0]["id"] != "" for chunk in chunks)
    assert all(
        chunk["object"] == "chat.completion.chunk" and chunk["model"].startswith("meta-llama") for chunk in chunks
    )
    assert all(chunk["choices"][0]["finish_reason"] in {None, "stop", "length"} for chunk in chunks if chunk["choices"])
    assert not any(chunk.get("usage") for chunk in chunks)


async def test_keep_alive_comments_do_not_count_as_an_answer(a_house) -> None:
    policy = LOCAL_FIRST.replace("[local, frontier]", "[{to: local, first_byte: 300ms}, frontier]")
    house: House = await a_house(policy, tgi=TgiSettings(prefill_ms=5_000, keep_alive_s=0.05))
    raw = await house.chat_raw("Say hello", stream=True)
    assert raw.headers["x-gateway-backend"] == "frontier"


async def test_a_batch_of_completions_is_in_order(tgi_only: House) -> None:
    answer = await tgi_only.client.completions.create(model="auto", prompt=["one", "two", "three"], max_tokens=5)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]


@pytest.mark.parametrize(
    "needs",
    [
        {"n": 2},
        {"logit_bias": {"50256": -100}},
        {"response_format": {"type": "json_object"}},
        {"logprobs": True, "top_logprobs": 9},
    ],
)
async def test_what_tgi_cannot_do_goes_to_who_can(house: House, needs: dict[str, Any]) -> None:
    raw = await house.chat_raw("Say hello as JSON", **needs)
    assert raw.headers["x-gateway-backend"] == "frontier"


async def test_what_nobody_cleared_can_do_is_an_honest_400(tgi_only: House) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await tgi_only.chat("Say hello", n=2)
    assert caught.value.code == "unsupported_by_backend"


async def test_logprobs_have_bytes(tgi_only: House) -> None:
    answer = await tgi_only.chat("Say hello", logprobs=True, top_logprobs=2)
    token = answer.choices[0].logprobs.content[0]
    assert token.bytes == list(token.token.encode())


@pytest.mark.parametrize("path", ["/generate", "/"])
async def test_tgis_own_clients_get_tgis_own_bytes(tgi_only: House, path: str) -> None:
    body = b'{"inputs": "Once upon a time",   "parameters": {"max_new_tokens": 5, "x_future": 1}}'
    async with tgi_only.http.post(path, data=body, headers=JSON) as got:
        answer = await got.read()
    assert tgi_only.sent_to(tgi_only.gpu)[-1] == body
    assert answer == tgi_only.gpu.log[-1].answer
    assert isinstance(json.loads(answer), list if path == "/" else dict)


async def test_tokenize_counts(tgi_only: House) -> None:
    async with tgi_only.http.post("/tokenize", json={"inputs": "Once upon a time"}) as got:
        assert len(await got.json()) > 0
    async with tgi_only.http.post(
        "/chat_tokenize", json={"messages": [{"role": "user", "content": "Say hello"}]}
    ) as got:
        assert "tokenize_response" in await got.json()


async def test_info_and_health_are_tgis(tgi_only: House) -> None:
    async with tgi_only.http.get("/info") as got:
        assert (await got.json())["max_total_tokens"] > 0
    for path in ("/health", "/ping", "/"):
        async with tgi_only.http.get(path) as got:
            assert got.status == 200
            assert await got.read() == b""
