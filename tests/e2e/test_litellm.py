"""The whole gateway in front of a provider behind litellm, with the official client at the door."""

import asyncio
import json

import openai
import pytest
from house import LOCAL_FIRST, House, events, open_house, text_of, until

from gateway.backends.litellm_backend import LOADING
from gateway.simulators.openai import OpenAISettings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # litellm has its own

POLICY = LOCAL_FIRST.replace(
    """    kind: openai
    urls: ["${OPENAI_BASE_URL}"]
    model: {chat: gpt-5.5, completions: gpt-5.5, embeddings: text-embedding-3-small}
""",
    """    kind: litellm
    urls: ["${OPENAI_BASE_URL}"]
    model: {chat: openai/gpt-5.5, completions: openai/gpt-5.5, embeddings: openai/text-embedding-3-small}
""",
).replace("unknown_routes: frontier\n", "")
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]


async def loaded(house: House) -> None:
    await until(lambda: house.gateway.fleet.states["frontier"].reason != LOADING, 60)


async def test_the_official_client_sees_no_difference() -> None:
    async with open_house(POLICY) as house:
        await loaded(house)
        raw = await house.chat_raw("Say hello", model="frontier")
        assert raw.headers["x-gateway-backend"] == "frontier"
        assert float(raw.headers["x-gateway-cost-usd"]) > 0
        assert raw.parse().choices[0].message.content
        stream = await house.chat("Say hello", model="frontier", stream=True)
        assert text_of([chunk async for chunk in stream])
        called = await house.chat("What of the weather?", model="frontier", tools=TOOLS, tool_choice="required")
        assert called.choices[0].message.tool_calls[0].function.name == "weather"
        vectors = await house.client.embeddings.create(model="frontier", input=["a", "b"])
        assert [len(row.embedding) for row in vectors.data] == [1536, 1536]
        text = await house.client.completions.create(model="frontier", prompt="Once upon")
        assert text.choices[0].text
        records = await house.records()
        assert [record.outcome.ending.value for record in records] == ["completed"] * 5
        assert all(record.outcome.cost for record in records)


async def test_a_model_of_no_provider_it_knows_is_passed_over() -> None:
    policy = POLICY.replace("[local, frontier]", "[frontier, local]").replace("chat: openai/", "chat: nonesuch/")
    async with open_house(policy) as house:
        await loaded(house)
        assert (await house.chat_raw("Say hello")).headers["x-gateway-backend"] == "local"
        rows = {row["backend"]: row["reason"] for row in house.gateway.fleet.readiness()}
        assert rows["frontier"] == "litellm cannot serve its model: BadRequestError"


async def test_a_failure_falls_back_and_a_mistake_does_not() -> None:
    async with open_house(POLICY.replace("[local, frontier]", "[frontier, local]")) as house:
        await loaded(house)
        with pytest.raises(openai.BadRequestError) as caught:
            await house.chat("Say hello", n="many")
        assert caught.value.param == "n"
        house.api.faults.fail_status = 500
        answer = await house.chat_raw("Say hello")
        assert answer.headers["x-gateway-failed-attempts"] == "frontier=server_error"
        assert answer.headers["x-gateway-backend"] == "local"


async def test_what_is_too_sensitive_does_not_reach_it() -> None:
    async with open_house(POLICY) as house:
        await loaded(house)
        house.gpu.faults.fail_status = 500
        with pytest.raises(openai.APIStatusError):
            await house.chat("My card is 4111 1111 1111 1111")
        assert house.sent_to(house.api) == []


async def test_a_cut_stream_ends_in_an_error_event() -> None:
    async with open_house(POLICY) as house:
        await loaded(house)
        house.api.faults.cut_after_events = 3
        body = {"model": "frontier", "stream": True, "messages": [{"role": "user", "content": "Say hello"}]}
        async with house.http.post("/v1/chat/completions", json=body) as response:
            *_, last = events(await response.read())
        assert last["error"]["code"] == "stream_interrupted"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_the_call(stream: bool) -> None:
    async with open_house(POLICY, api=OpenAISettings(prefill_ms=60_000)) as house:
        await loaded(house)
        asking = asyncio.create_task(house.chat("Say hello", model="frontier", stream=stream))
        await until(lambda: house.api.open_requests == 1, 5)
        asking.cancel()
        await until(lambda: house.api.open_requests == 0, 2)
        await until(lambda: house.gateway.sweep.in_flight == 0)
        assert sum(house.gateway.fleet.in_flight().values()) == 0


async def test_a_first_byte_that_does_not_come_in_time_is_a_timeout() -> None:
    policy = POLICY.replace("[local, frontier]", "[{to: frontier, first_byte: 1s}, local]")
    async with open_house(policy, api=OpenAISettings(prefill_ms=60_000)) as house:
        await loaded(house)
        stream = await house.chat_raw("Say hello", stream=True)
        assert stream.headers["x-gateway-failed-attempts"] == "frontier=timeout"
        await until(lambda: house.api.open_requests == 0)


async def test_a_body_that_names_another_address_is_sent_nowhere() -> None:
    async with open_house(POLICY) as house:
        await loaded(house)
        body = {"model": "frontier", "messages": [{"role": "user", "content": "x"}], "api_base": house.gpu.url}
        async with house.http.post("/v1/chat/completions", json=body) as response:
            assert response.status >= 400
            assert "api_base" not in json.dumps(await response.json())
        assert house.sent_to(house.gpu) == house.sent_to(house.api) == []
