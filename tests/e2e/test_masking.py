"""Masked requests through the official client: the backend sees placeholders, the client sees its values."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from asks import WEATHER
from echoing import Echo, an_echo
from house import ZONES_AND_BACKENDS, House, open_house, text_of
from test_nothing_leaks import VALUES, WAYS, encodings

MAIL, CARD, SECRET = "ada@lovelace-post.de", "4111 1111 1111 1111", 'Tr0ub"4dor\\x9'
SAID = f"Write to {MAIL} (or ADA@lovelace-post.de) about her card {CARD}, again {CARD.replace(' ', '-')}, please"
HEARD = f"Write to {MAIL} (or {MAIL}) about her card {CARD}, again {CARD}, please"
MASKS = ZONES_AND_BACKENDS + "otherwise: {route: [{to: frontier, mask: [email, card, password]}]}\n"


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with an_echo() as running:
        yield running


@pytest.fixture
async def house(echo: Echo) -> AsyncIterator[House]:
    async with open_house(MASKS, environment={"OPENAI_BASE_URL": echo.url}) as opened:
        yield opened


def left_for(echo: Echo, *values: str) -> list[bytes]:
    everything = b"\n".join(echo.bodies)
    return [form for value in values for form in encodings(value) if form in everything]


async def test_the_backend_sees_placeholders_and_the_client_its_values(house: House, echo: Echo) -> None:
    answer = await house.chat_raw(SAID)
    assert answer.parse().choices[0].message.content == HEARD
    assert answer.headers["x-gateway-backend"] == "frontier"
    assert answer.headers["x-gateway-masked"] == "card, email"
    assert answer.headers["x-gateway-sensitivity"] == "restricted"
    assert left_for(echo, MAIL, CARD) == []


async def test_a_stream_is_restored_in_every_choice(house: House, echo: Echo) -> None:
    told: dict[int, str] = {0: "", 1: ""}
    async for chunk in await house.chat(SAID, stream=True, n=2):
        for choice in chunk.choices:
            told[choice.index] += choice.delta.content or ""
    assert told == {0: HEARD, 1: HEARD}
    assert left_for(echo, MAIL, CARD) == []


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
async def test_pieces_of_any_size_give_the_same_text(house: House, echo: Echo, size: int) -> None:
    echo.size = size
    assert text_of([chunk async for chunk in await house.chat(SAID, stream=True)]) == HEARD


async def test_tool_calls_come_back_as_sound_json(house: House, echo: Echo) -> None:
    said = f"my password is {SECRET} and mail {MAIL}"
    whole = await house.chat(said, tools=[WEATHER])
    assert json.loads(whole.choices[0].message.tool_calls[0].function.arguments) == {"text": said}
    stream = await house.chat(said, tools=[WEATHER], stream=True)
    calls = [c for chunk in [chunk async for chunk in stream] for c in chunk.choices[0].delta.tool_calls or ()]
    assert json.loads("".join(call.function.arguments for call in calls)) == {"text": said}
    assert left_for(echo, MAIL, SECRET) == []


async def test_json_mode_stays_json(house: House, echo: Echo) -> None:
    said = f"as JSON: my password is {SECRET}"
    form: dict[str, Any] = {"response_format": {"type": "json_object"}}
    whole = await house.chat(said, **form)
    assert json.loads(whole.choices[0].message.content) == {"answer": said}
    streamed = text_of([chunk async for chunk in await house.chat(said, stream=True, **form)])
    assert json.loads(streamed) == {"answer": said}
    assert left_for(echo, SECRET) == []


async def test_older_completions_and_tgi_clients_are_restored_too(house: House, echo: Echo) -> None:
    older = await house.client.completions.create(model="auto", prompt=SAID)
    assert older.choices[0].text == HEARD
    parts = [part async for part in await house.client.completions.create(model="auto", prompt=SAID, stream=True)]
    assert "".join(part.choices[0].text for part in parts if part.choices) == HEARD
    async with house.http.post("/generate", json={"inputs": SAID}) as answer:
        assert (await answer.json())["generated_text"] == HEARD
    async with house.http.post("/generate_stream", json={"inputs": SAID}) as answer:
        events = [json.loads(line[5:]) for line in (await answer.text()).splitlines() if line.startswith("data:")]
    assert "".join(event["token"]["text"] for event in events if not event["token"]["special"]) == HEARD
    assert left_for(echo, MAIL, CARD) == []


async def test_the_first_piece_is_not_kept_waiting_for_the_second(house: House, echo: Echo) -> None:
    echo.go_on.clear()
    stream = await house.chat(SAID, stream=True)
    async with asyncio.timeout(5):
        first = await anext(stream)
    assert first.choices[0].delta.content == SAID[: echo.size]
    echo.go_on.set()
    assert first.choices[0].delta.content + text_of([chunk async for chunk in stream]) == HEARD


async def test_what_a_mask_does_not_name_stays_and_the_client_hears_why(house: House, echo: Echo) -> None:
    with pytest.raises(openai.PermissionDeniedError, match="even with `card`, `email`, `password` masked"):
        await house.chat(f"{SAID}; her IBAN is DE89 3704 0044 0532 0130 00")
    assert echo.bodies == []


async def test_what_cannot_be_read_is_made_sendable_by_no_mask(house: House, echo: Echo) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(openai.PermissionDeniedError, match="content of kind `image` could not be read"):
        await house.chat([{"type": "text", "text": SAID}, image])
    assert echo.bodies == []


@pytest.mark.parametrize("way", WAYS)
async def test_no_value_is_sent_wherever_and_however_it_stands(echo: Echo, way: str) -> None:
    """Masked or refused; of all kinds that are in there, so that as much as can be is sent."""
    policy = MASKS.replace("[email, card, password]", "[api_key, card, email, iban, national_id, password, phone]")
    async with (
        open_house(policy, environment={"OPENAI_BASE_URL": echo.url}) as masking,
        masking.http.post("/v1/chat/completions", json={"model": "auto", **WAYS[way]}) as answer,
    ):
        assert answer.status in (200, 403)
        assert (answer.status == 200) == bool(echo.bodies)
        assert answer.status == 403 or "x-gateway-masked" in answer.headers
    assert left_for(echo, *VALUES) == []


async def test_a_value_split_over_messages_stays(house: House, echo: Echo) -> None:
    pieces = ["my card is 4111 1111", f"1111 1111, mail me at {MAIL}"]
    with pytest.raises(openai.PermissionDeniedError):
        await house.chat("", messages=[{"role": "user", "content": piece} for piece in pieces])
    assert echo.bodies == []


async def test_a_pin_has_no_mask(house: House, echo: Echo) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        await house.chat(SAID, model="frontier")
    assert echo.bodies == []


PRIVATE = """
callers: {web: {key: "${WEB}"}}
rules: [{name: private, when: {sensitivity: restricted}, route: [{to: frontier, mask: card}]}]
otherwise: {route: local}
invariants: [{never: {caller: web, model: auto, reaches: {backend: frontier}}}]
"""


async def test_an_invariant_holds_for_masked_requests_too(echo: Echo) -> None:
    policy = ZONES_AND_BACKENDS.replace("unknown_routes: frontier", "") + PRIVATE
    async with open_house(policy, environment={"OPENAI_BASE_URL": echo.url, "WEB": "any"}) as opened:
        with pytest.raises(openai.PermissionDeniedError, match="the invariant in line"):
            await opened.chat(f"my card is {CARD}")
    assert echo.bodies == []


async def test_the_record_says_what_was_masked_and_holds_no_value(house: House) -> None:
    await house.chat(SAID)
    (record,) = await house.records()
    assert record.masked == ("card", "email")
    assert [masking.verdict.sensitivity.label for masking in record.maskings] == ["public"]
    kept = house.journal.read_bytes() + repr(record).encode() + await house.gateway.metrics()
    assert [value for value in (MAIL, CARD, "X1") if value.encode() in kept] == []


async def test_a_request_without_any_of_the_kinds_goes_byte_for_byte(house: House, echo: Echo) -> None:
    body = b'{ "model":"gpt-5.5", "messages": [{"role":"user","content":"Say \\u0068ello"}], "x": 1.0 }'
    async with house.http.post("/v1/chat/completions", data=body) as answer:
        assert answer.status == 200
        assert "x-gateway-masked" not in answer.headers
    assert echo.bodies == [body]
