"""OpenAI's Python client and LangChain work against the gateway with nothing but the base URL changed."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import openai
import pydantic
import pytest
from house import FRONTIER_FIRST, House, text_of
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

BACKENDS = ("local", "frontier")

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Bicycle(pydantic.BaseModel):
    name: str
    gears: int


@contextlib.asynccontextmanager
async def langchain(house: House, backend: str) -> AsyncIterator[ChatOpenAI]:
    model = ChatOpenAI(model=backend, base_url=house.url + "/v1", api_key="any", max_retries=0)
    async with model.root_async_client:
        yield model


@pytest.mark.parametrize("backend", BACKENDS)
class TestOnBothBackends:
    async def test_the_async_client_gets_an_answer(self, house: House, backend: str) -> None:
        answer = await house.chat("Say hello", model=backend)
        assert answer.choices[0].message.content
        assert answer.choices[0].finish_reason == "stop"
        assert answer.id
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens

    async def test_the_sync_client_gets_an_answer(self, house: House, backend: str) -> None:
        def ask() -> str | None:
            with openai.OpenAI(base_url=house.url + "/v1", api_key="any", max_retries=0) as client:
                messages = [{"role": "user", "content": "Say hello"}]
                return client.chat.completions.create(model=backend, messages=messages).choices[0].message.content

        assert await asyncio.to_thread(ask)

    async def test_a_stream_is_the_whole_answer_in_pieces(self, house: House, backend: str) -> None:
        whole = (await house.chat("Say hello", model=backend)).choices[0].message.content
        chunks = [chunk async for chunk in await house.chat("Say hello", model=backend, stream=True)]
        assert text_of(chunks) == whole
        assert len(chunks) > 3
        assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
        assert len({chunk.id for chunk in chunks}) == 1

    async def test_a_stream_reports_usage_when_asked(self, house: House, backend: str) -> None:
        stream = await house.chat("Say hello", model=backend, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
        assert chunks[-1].usage is not None
        assert chunks[-1].choices == []
        assert chunks[-1].usage.completion_tokens > 0

    async def test_a_tool_is_called(self, house: House, backend: str) -> None:
        answer = await house.chat(
            "What is the weather in Lisbon?", model=backend, tools=[WEATHER], tool_choice="required"
        )
        call = answer.choices[0].message.tool_calls[0]
        assert answer.choices[0].finish_reason == "tool_calls"
        assert call.function.name == "get_weather"
        assert "city" in json.loads(call.function.arguments)
        assert call.id

    async def test_a_tool_call_streams(self, house: House, backend: str) -> None:
        stream = await house.chat(
            "What is the weather in Lisbon?", model=backend, tools=[WEATHER], tool_choice="required", stream=True
        )
        chunks = [chunk async for chunk in stream]
        deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
        calls = [call for delta in deltas for call in delta.tool_calls or []]
        assert calls[0].function.name == "get_weather"
        assert "city" in json.loads("".join(call.function.arguments or "" for call in calls))
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "tool_calls"

    async def test_a_tool_result_goes_back(self, house: House, backend: str) -> None:
        first = await house.chat(
            "What is the weather in Lisbon?", model=backend, tools=[WEATHER], tool_choice="required"
        )
        call = first.choices[0].message.tool_calls[0]
        answer = await house.client.chat.completions.create(
            model=backend,
            tools=[WEATHER],
            tool_choice="none",
            messages=[
                {"role": "user", "content": "What is the weather in Lisbon?"},
                first.choices[0].message.to_dict(),
                {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "clear"}'},
            ],
        )
        assert answer.choices[0].message.content

    async def test_structured_output_is_parsed(self, house: House, backend: str) -> None:
        answer = await house.client.chat.completions.parse(
            model=backend, messages=[{"role": "user", "content": "Describe a bicycle"}], response_format=Bicycle
        )
        assert isinstance(answer.choices[0].message.parsed, Bicycle)

    async def test_legacy_completions_work(self, house: House, backend: str) -> None:
        answer = await house.client.completions.create(model=backend, prompt="Once upon a time", max_tokens=12)
        assert answer.choices[0].text
        stream = await house.client.completions.create(
            model=backend, prompt="Once upon a time", max_tokens=12, stream=True
        )
        assert "".join([chunk.choices[0].text async for chunk in stream if chunk.choices]) == answer.choices[0].text

    async def test_langchain_invokes_and_streams(self, house: House, backend: str) -> None:
        async with langchain(house, backend) as model:
            answer = await model.ainvoke([HumanMessage("Say hello")])
            pieces = [piece.content async for piece in model.astream([HumanMessage("Say hello")])]
        assert answer.content
        assert "".join(pieces) == answer.content

    async def test_langchain_binds_tools(self, house: House, backend: str) -> None:
        async with langchain(house, backend) as model:
            answer = await model.bind_tools([WEATHER], tool_choice="required").ainvoke("What is the weather in Ghent?")
        assert answer.tool_calls[0]["name"] == "get_weather"


async def test_embeddings_come_from_a_backend_that_has_them(house: House) -> None:
    answer = await house.client.embeddings.create(model="text-embedding-3-small", input=["gear hubs", "brake cables"])
    assert len(answer.data) == 2
    assert len(answer.data[0].embedding) > 10


async def test_langchain_embeds(house: House) -> None:
    model = OpenAIEmbeddings(
        model="text-embedding-3-small", base_url=house.url + "/v1", api_key="any", check_embedding_ctx_length=False
    )
    async with model.async_client._client:  # it keeps its connections in a cache of its own, and never closes them
        assert len(await model.aembed_documents(["gear hubs", "brake cables"])) == 2


async def test_a_usual_model_name_is_routed(house: House) -> None:
    raw = await house.chat_raw("Say hello", model="gpt-4-turbo")
    assert raw.headers["x-gateway-backend"] == "local"


async def test_models_can_be_listed_and_looked_up(house: House) -> None:
    names = [model.id async for model in await house.client.models.list()]
    assert {"auto", "gpt-4-turbo", "local", "frontier"} <= set(names)
    assert (await house.client.models.retrieve("local")).id == "local"


async def test_an_unknown_route_reaches_the_backend_the_policy_names(house: House) -> None:
    answer = await house.client.responses.create(model="gpt-5.5", input="Say hello")
    assert answer.output_text
    assert any(entry.path.startswith("/v1/responses") for entry in house.api.log)


@pytest.mark.parametrize("stream", [False, True])
async def test_code_written_for_an_older_model_works_on_a_newer_one(a_house, stream: bool) -> None:
    """OpenAI's newer models refuse `max_tokens`; who asks for `gpt-4-turbo` does not know that another one answers."""
    house: House = await a_house(FRONTIER_FIRST)
    raw = await house.chat_raw("Say hello", model="gpt-4-turbo", max_tokens=5, stream=stream)
    assert raw.headers["x-gateway-backend"] == "frontier"
    got = raw.parse()
    reasons = [c.choices[0].finish_reason async for c in got] if stream else [got.choices[0].finish_reason]
    assert reasons[-1] == "length"


async def test_what_the_model_we_chose_does_not_take_another_one_may(a_house) -> None:
    house: House = await a_house(FRONTIER_FIRST)
    house.api.faults.fail_status = 400
    error = {"message": "no", "type": "invalid_request_error", "param": "temperature", "code": "unsupported_value"}
    house.api.faults.fail_body = json.dumps({"error": error})
    raw = await house.chat_raw("Say hello", temperature=0.2)
    assert raw.headers["x-gateway-backend"] == "local"
    with pytest.raises(openai.BadRequestError) as caught:
        await house.chat("Say hello", temperature=0.2, model="gpt-5.5")
    assert caught.value.code == "unsupported_value"
