"""Bytes: what needs no change goes through as it came, both ways, unknown fields included."""

import json

import pytest
from house import FRONTIER_FIRST, House
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

# This is about bytes, not about classes: what a detector makes of random text must not decide where it goes.
CLEARED_FOR_ALL = FRONTIER_FIRST.replace("openai: {clearance: internal}", "openai: {clearance: restricted}")
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-2, 2).map(lambda x: round(x, 3)) | WORDS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8
)
UNKNOWN = st.dictionaries(WORDS.map(lambda word: "x_" + word), VALUES, max_size=4)
LAYOUTS = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])

pytestmark = pytest.mark.slow


def body_of(unknown: dict[str, object], layout: dict[str, object], model: str, **more: object) -> bytes:
    document = {**unknown, "messages": [{"role": "user", "content": "Say hello", **unknown}], "model": model, **more}
    return json.dumps(document, **layout).encode()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(unknown=UNKNOWN, layout=LAYOUTS)
@example(unknown={"x_:": "Av\u00bc"}, layout={})
async def test_a_request_that_needs_no_change_arrives_byte_for_byte(shared_house: House, unknown, layout) -> None:
    sent = body_of(unknown, layout, "gpt-5.5")
    async with shared_house.http.post("/v1/chat/completions", data=sent, headers=JSON) as got:
        received = await got.read()
    assert got.status == 200
    assert shared_house.api.log[-1].body == sent
    assert received == shared_house.api.log[-1].answer


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(unknown=UNKNOWN, layout=LAYOUTS)
async def test_only_the_models_name_changes_when_it_must(shared_house: House, unknown, layout) -> None:
    sent = body_of(unknown, layout, "gpt-4-turbo")
    async with shared_house.http.post("/v1/chat/completions", data=sent, headers=JSON) as got:
        await got.read()
    assert shared_house.api.log[-1].body == body_of(unknown, layout, "gpt-5.5")


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(unknown=UNKNOWN)
async def test_a_stream_arrives_byte_for_byte(shared_house: House, unknown) -> None:
    sent = body_of(unknown, {}, "gpt-5.5", stream=True)
    async with shared_house.http.post("/v1/chat/completions", data=sent, headers=JSON) as got:
        received = await got.read()
    assert shared_house.api.log[-1].body == sent
    assert received == shared_house.api.log[-1].answer


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=VALUES.filter(lambda value: value is not None), query=st.text("abc=&", max_size=8))
async def test_an_unknown_route_passes_as_it_came(shared_house: House, value, query) -> None:
    sent = json.dumps(value).encode()
    async with shared_house.http.post(f"/v1/future/thing?{query}", data=sent, headers=JSON) as got:
        received = await got.read()
    assert shared_house.api.log[-1].body == sent
    assert received == shared_house.api.log[-1].answer


JSON = {"content-type": "application/json"}


@pytest.fixture
async def shared_house(a_house) -> House:
    return await a_house(CLEARED_FOR_ALL)
