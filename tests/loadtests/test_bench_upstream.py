"""The mock upstream and the relay answer the official client, and the relay passes bytes."""

import json

import aiohttp
import openai
import pytest

from loadtests.bench.upstream import ANSWER, ANSWER_BYTES, CHUNKS, EVENTS

MESSAGES = [{"role": "user", "content": "Where are the parts?"}]
PATH = "/v1/chat/completions"


@pytest.fixture(params=["upstream", "relay"])
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(request.param)


def test_the_answer_has_the_size_of_the_measurements_before() -> None:
    assert len(ANSWER) == ANSWER_BYTES
    assert json.loads(ANSWER)["usage"]["completion_tokens"] > 0


async def test_the_official_client_takes_its_answer(url: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
        answer = await client.chat.completions.create(model="mock", messages=MESSAGES)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content.startswith("The parts")


async def test_the_official_client_takes_its_stream(url: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
        stream = await client.chat.completions.create(model="mock", messages=MESSAGES, stream=True)
        chunks = [chunk async for chunk in stream]
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) == CHUNKS
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_bytes_come_through_as_they_were_sent(url: str) -> None:
    async with aiohttp.ClientSession(base_url=url) as client:
        async with client.post(PATH, json={"messages": MESSAGES}) as whole:
            assert await whole.read() == ANSWER
        async with client.post(PATH, json={"messages": MESSAGES, "stream": True}) as streamed:
            assert await streamed.read() == b"".join(EVENTS)


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/v1/models", 200), ("/info", 200), ("/else", 404)])
async def test_probes_are_answered(url: str, path: str, status: int) -> None:
    async with aiohttp.ClientSession(base_url=url) as client, client.get(path) as answer:
        assert answer.status == status
