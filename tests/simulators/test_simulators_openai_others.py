"""OpenAI's other routes as its official client reads them: completions, embeddings, responses, files, models."""

import base64
import math
import struct

import pytest
from asking import HELLO, Asking
from openai import AsyncOpenAI, NotFoundError

from gateway.simulators.openai import OpenAISettings
from gateway.simulators.openai_others import CATEGORIES

ONCE = "Once upon a time"
SMALL = "text-embedding-3-small"


async def test_a_completion_has_sixteen_tokens_unless_told(client: AsyncOpenAI) -> None:
    answer = await client.completions.create(model="gpt-5.5", prompt=ONCE)
    assert answer.id.startswith("cmpl-")
    assert (answer.object, answer.choices[0].finish_reason) == ("text_completion", "length")
    assert answer.usage.completion_tokens == 16
    longer = await client.completions.create(model="gpt-5.5", prompt=ONCE, max_tokens=1000)
    assert longer.choices[0].finish_reason == "stop"
    assert longer.choices[0].text.startswith(answer.choices[0].text)


async def test_a_streamed_completion_is_the_whole_one(client: AsyncOpenAI) -> None:
    whole = await client.completions.create(model="gpt-5.5", prompt=ONCE)
    stream = await client.completions.create(
        model="gpt-5.5", prompt=ONCE, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["length"]
    assert (last.choices, last.usage) == ([], whole.usage)


async def test_usage_is_null_in_the_chunks_before_the_one_that_has_it(account: Asking) -> None:
    body = {"model": "gpt-5.5", "prompt": ONCE, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, last, done = (await account.post("/v1/completions", body)).events
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["usage"]["total_tokens"] > 0
    assert done == "[DONE]"


async def test_every_prompt_has_its_choices_in_order(client: AsyncOpenAI) -> None:
    prompts = [ONCE, "In the beginning"]
    answer = await client.completions.create(model="gpt-5.5", prompt=prompts, n=2)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert len({choice.text for choice in answer.choices}) == 4
    alone = await client.completions.create(model="gpt-5.5", prompt=prompts[1])
    assert alone.choices[0].text == answer.choices[2].text


async def test_a_prompt_may_be_token_numbers(client: AsyncOpenAI) -> None:
    one = await client.completions.create(model="gpt-5.5", prompt=[1, 2, 3])
    many = await client.completions.create(model="gpt-5.5", prompt=[[1, 2, 3], [4, 5]])
    assert one.usage.prompt_tokens == 3
    assert (many.usage.prompt_tokens, len(many.choices)) == (5, 2)


async def test_a_completions_logprobs_have_the_older_form(client: AsyncOpenAI) -> None:
    choice = (await client.completions.create(model="gpt-5.5", prompt=ONCE, logprobs=2)).choices[0]
    assert "".join(choice.logprobs.tokens) == choice.text
    assert choice.logprobs.text_offset[:2] == [0, len(choice.logprobs.tokens[0])]
    assert all(len(row) <= 2 for row in choice.logprobs.top_logprobs)


async def test_embeddings_are_unit_vectors_the_same_for_the_same_text(client: AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model=SMALL, input=["gear hubs", "brake cables", "gear hubs"])
    one, two, three = (row.embedding for row in answer.data)
    assert [row.index for row in answer.data] == [0, 1, 2]
    assert len(one) == 1536
    assert math.isclose(sum(value * value for value in one), 1, rel_tol=1e-5)
    assert one == three != two
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


async def test_embeddings_come_as_numbers_or_as_base64(account: Asking) -> None:
    body = {"model": SMALL, "input": "gear hubs", "dimensions": 8}
    numbers = (await account.post("/v1/embeddings", body)).json["data"][0]["embedding"]
    packed = (await account.post("/v1/embeddings", {**body, "encoding_format": "base64"})).json["data"][0]["embedding"]
    assert struct.unpack("<8f", base64.b64decode(packed)) == pytest.approx(numbers)


async def test_the_client_asks_for_base64_by_itself(client: AsyncOpenAI, account: Asking) -> None:
    await client.embeddings.create(model=SMALL, input="gear hubs", dimensions=8)
    assert b'"encoding_format":"base64"' in account.simulator.log[-1].body.replace(b" ", b"")


async def test_a_response_has_its_text_and_its_usage(client: AsyncOpenAI) -> None:
    answer = await client.responses.create(model="gpt-5.5", input=HELLO, instructions="Be brief")
    assert answer.id.startswith("resp_")
    assert (answer.status, answer.object) == ("completed", "response")
    assert answer.output_text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


async def test_a_streamed_response_has_typed_numbered_events(client: AsyncOpenAI, account: Asking) -> None:
    whole = await client.responses.create(model="gpt-5.5", input="Say hello")
    events = [event async for event in await client.responses.create(model="gpt-5.5", input="Say hello", stream=True)]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == whole.output_text == events[-1].response.output_text
    raw = account.simulator.log[-1].answer
    assert raw.count(b"event: ") == raw.count(b"data: ") == len(events)
    assert b"[DONE]" not in raw


async def test_a_response_cut_by_its_limit_is_incomplete(client: AsyncOpenAI) -> None:
    answer = await client.responses.create(model="gpt-5.5", input="Say hello", max_output_tokens=16)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    stream = await client.responses.create(model="gpt-5.5", input="Say hello", max_output_tokens=16, stream=True)
    assert [event.type async for event in stream][-1] == "response.incomplete"


async def test_moderation_finds_nothing(client: AsyncOpenAI) -> None:
    answer = await client.moderations.create(model="omni-moderation-latest", input=["gear hubs", "brake cables"])
    assert [result.flagged for result in answer.results] == [False, False]
    assert set(answer.results[0].categories.to_dict()) == set(CATEGORIES)


async def test_a_file_is_taken_with_its_name_its_purpose_and_its_size(client: AsyncOpenAI) -> None:
    content = b'{"custom_id": "1"}\r\n--not-the-boundary\r\n' + bytes(range(256))
    file = await client.files.create(file=("batch.jsonl", content), purpose="batch")
    assert (file.filename, file.purpose, file.bytes, file.object) == ("batch.jsonl", "batch", len(content), "file")
    assert file.id.startswith("file-")


async def test_a_recording_is_heard(client: AsyncOpenAI, account: Asking) -> None:
    recording = ("note.wav", bytes(64_000))
    heard = await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=recording)
    assert heard.text
    plain = await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=recording, response_format="text")
    assert plain.strip() == heard.text
    assert account.simulator.bill["gpt-4o-transcribe"].prompt_tokens == 40


async def test_models_are_listed_and_looked_up(client: AsyncOpenAI) -> None:
    names = [model.id async for model in await client.models.list()]
    assert {"gpt-5.5", SMALL} <= set(names)
    assert (await client.models.retrieve("gpt-5.5")).owned_by == "openai"
    with pytest.raises(NotFoundError):
        await client.models.retrieve("gpt-0")


@pytest.mark.parametrize("openai_settings", [OpenAISettings(models=("gpt-5.5",))])
async def test_a_model_that_is_not_there_is_not_found(client: AsyncOpenAI) -> None:
    assert [model.id async for model in await client.models.list()] == ["gpt-5.5"]
    calls = [
        client.chat.completions.create(model="gpt-0", messages=HELLO),
        client.completions.create(model="gpt-0", prompt=ONCE),
        client.embeddings.create(model="gpt-0", input=ONCE),
        client.responses.create(model="gpt-0", input=ONCE),
    ]
    for call in calls:
        with pytest.raises(NotFoundError) as caught:
            await call
        assert caught.value.code == "model_not_found"
