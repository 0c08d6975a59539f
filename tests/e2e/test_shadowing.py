"""Copies of answered requests: what they carry, where they never go, what is kept of them, and that nobody waits."""

import asyncio

import pytest
from house import ZONES_AND_BACKENDS, House, until

from gateway.policy.backtest import Backtest
from gateway.shadows import MOST_AT_ONCE
from gateway.telemetry.log_line import log_line

pytestmark = pytest.mark.slow

SHADOWED = ZONES_AND_BACKENDS + "otherwise: {route: [local], shadow: {to: frontier, share: 100%}}\n"
LAB = ("  openai: {clearance: internal}\n", "  openai: {clearance: internal}\n  lab: {clearance: restricted}\n")
CANARY = ("models: {", '  canary: {zone: lab, kind: tgi, urls: ["${TGI_URL}"], model: llama}\nmodels: {')
MASKED = (
    ZONES_AND_BACKENDS.replace(*LAB).replace(*CANARY)
    + "otherwise: {route: [{to: frontier, mask: [email]}], shadow: {to: canary, share: 100%}}\n"
)
CARD = "My card is 4111 1111 1111 1111, why was I charged twice?"


async def test_the_copy_is_the_request_and_its_answer_is_nowhere_but_in_figures(a_house) -> None:
    house: House = await a_house(SHADOWED)
    answer = await house.chat("Say hello in Dutch")
    await until(lambda: house.gateway.succession.pipeline.in_flight == 0)
    (record,) = await house.records()
    (sent,) = house.sent_to(house.api)
    assert b"Say hello in Dutch" in sent
    assert record.backend == "local"
    assert (record.shadow.backend, record.shadow.status, record.shadow.error) == ("frontier", 200, "")
    assert record.shadow.cost == record.shadow.prompt_tokens * 5_000 + record.shadow.completion_tokens * 30_000
    assert record.outcome.usage.completion_tokens == answer.usage.completion_tokens
    assert log_line(record).shadow.backend == "frontier"
    backtest = Backtest(house.gateway.policy)
    backtest.add(record)
    assert backtest.reproduced == 1
    assert backtest.old_cost == backtest.new_cost.likely == record.outcome.cost + record.shadow.cost


async def test_streams_are_copied_too_and_read_to_their_end(a_house) -> None:
    house: House = await a_house(SHADOWED)
    async for _ in await house.chat("Say hello", stream=True):
        pass
    await until(lambda: house.gateway.succession.pipeline.in_flight == 0)
    (record,) = await house.records()
    assert record.shadow.error == ""
    assert house.api.open_requests == 0


async def test_what_may_not_leave_leaves_by_no_copy(a_house) -> None:
    house: House = await a_house(SHADOWED)
    await house.chat(CARD)
    (record,) = await house.records()
    assert (record.decision.shadow, record.shadow, house.sent_to(house.api)) == (None, None, [])


async def test_a_copy_shows_no_more_than_the_first_backend_was_shown(a_house) -> None:
    house: House = await a_house(MASKED)
    await house.chat("Write to ada@lovelace-post.de that her order is late")
    await until(lambda: house.gateway.succession.pipeline.in_flight == 0)
    (record,) = await house.records()
    assert (record.masked, record.shadow.error, record.shadow.sensitivity) == (("email",), "", "public")
    for simulator in (house.gpu, house.api):
        assert not any(b"lovelace" in body for body in house.sent_to(simulator))


async def test_a_copy_that_fails_is_no_failure_of_the_request(a_house) -> None:
    house: House = await a_house(SHADOWED)
    house.api.faults.fail_status = 500
    raw = await house.chat_raw("Say hello")
    await until(lambda: house.gateway.succession.pipeline.in_flight == 0)
    (record,) = await house.records()
    assert (raw.headers["x-gateway-backend"], record.outcome.ending.value) == ("local", "completed")
    assert (record.shadow.error, record.shadow.cost) == ("server_error", None)


async def test_nobody_waits_for_copies_and_too_many_are_dropped_and_counted(a_house) -> None:
    house: House = await a_house(SHADOWED)
    house.api.faults.hang = True
    answers = [await house.chat("Say hello") for _ in range(MOST_AT_ONCE + 2)]
    assert len(answers) == MOST_AT_ONCE + 2
    await until(lambda: len(house.sent_to(house.api)) == MOST_AT_ONCE)
    assert [record.shadow.error for record in await house.records()] == ["dropped"] * 2
    async with house.http.get("/metrics") as answer:
        text = await answer.text()
    sample = 'gateway_shadows_total{backend="frontier",error="dropped",sensitivity="public",zone="openai"} 2.0'
    assert sample in text


async def test_copies_under_way_when_the_gateway_ends_are_recorded_as_such(a_house) -> None:
    house: House = await a_house(SHADOWED)
    house.api.faults.hang = True
    await house.chat("Say hello")
    await until(lambda: len(house.sent_to(house.api)) == 1)
    await house.gateway.shadows.aclose()
    (record,) = await house.records()
    assert record.shadow.error == "cancelled"


async def test_a_request_that_was_left_is_not_copied(a_house) -> None:
    house: House = await a_house(SHADOWED)
    house.gpu.faults.hang = True
    asking = asyncio.create_task(house.chat("Say hello"))
    await until(lambda: len(house.sent_to(house.gpu)) == 1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: house.gateway.succession.pipeline.in_flight == 0)
    (record,) = await house.records()
    assert (record.outcome.ending.value, record.shadow, house.sent_to(house.api)) == ("abandoned", None, [])
