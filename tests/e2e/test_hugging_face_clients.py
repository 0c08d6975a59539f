"""Hugging Face's client works against the gateway as against a TGI server, whichever backend answers."""

import pytest
from house import FRONTIER_FIRST, LOCAL_FIRST, House, open_house
from huggingface_hub import AsyncInferenceClient

ANSWERED_BY = {"local": LOCAL_FIRST, "frontier": FRONTIER_FIRST}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "gears": {"type": "integer"}},
    "required": ["name"],
}


@pytest.fixture(params=list(ANSWERED_BY))
async def answering(request: pytest.FixtureRequest):
    async with open_house(ANSWERED_BY[request.param]) as house:
        yield house, request.param


def last_backend(house: House, name: str) -> bool:
    return bool(house.sent_to(house.gpu if name == "local" else house.api))


async def test_chat_completion_answers(answering) -> None:
    house, name = answering
    async with AsyncInferenceClient(base_url=house.url + "/v1", api_key="any") as client:
        answer = await client.chat_completion([{"role": "user", "content": "Say hello"}], max_tokens=20)
    assert answer.choices[0].message.content
    assert last_backend(house, name)


async def test_chat_completion_streams(answering) -> None:
    house, name = answering
    async with AsyncInferenceClient(base_url=house.url + "/v1", api_key="any") as client:
        stream = await client.chat_completion([{"role": "user", "content": "Say hello"}], stream=True)
        pieces = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]
    assert "".join(piece or "" for piece in pieces)
    assert last_backend(house, name)


async def test_chat_completion_keeps_its_grammar(answering) -> None:
    house, _ = answering
    async with AsyncInferenceClient(base_url=house.url + "/v1", api_key="any") as client:
        answer = await client.chat_completion(
            [{"role": "user", "content": "Describe a bicycle"}], response_format={"type": "json", "value": SCHEMA}
        )
    assert answer.choices[0].message.content.startswith("{")


async def test_text_generation_answers(answering) -> None:
    house, name = answering
    async with AsyncInferenceClient(model=house.url) as client:
        text = await client.text_generation("Once upon a time", max_new_tokens=12)
    assert isinstance(text, str)
    assert text
    assert last_backend(house, name)


async def test_text_generation_gives_details(answering) -> None:
    house, _ = answering
    async with AsyncInferenceClient(model=house.url) as client:
        output = await client.text_generation("Once upon a time", max_new_tokens=12, details=True)
    assert output.generated_text
    assert output.details.generated_tokens > 0
    assert output.details.finish_reason in {"length", "eos_token", "stop_sequence"}


async def test_text_generation_streams(answering) -> None:
    house, _ = answering
    async with AsyncInferenceClient(model=house.url) as client:
        whole = await client.text_generation("Once upon a time", max_new_tokens=12)
        stream = await client.text_generation("Once upon a time", max_new_tokens=12, stream=True)
        pieces = [piece async for piece in stream]
    assert len(pieces) > 1
    assert "".join(pieces).strip() == whole.removeprefix("Once upon a time").strip()  # only `POST /` repeats the prompt


async def test_text_generation_streams_details(answering) -> None:
    house, _ = answering
    async with AsyncInferenceClient(model=house.url) as client:
        stream = await client.text_generation("Once upon a time", max_new_tokens=12, stream=True, details=True)
        outputs = [output async for output in stream]
    assert outputs[-1].generated_text is not None
    assert outputs[-1].details.generated_tokens > 0
