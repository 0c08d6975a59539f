"""Budgets from end to end: what a request costs is set aside before it is sent, and a hard limit is never passed."""

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest
from house import ZONES_AND_BACKENDS, House, open_house

from gateway.core.money import NANO, NanoUSD, Price
from gateway.core.records import Ending, Record
from gateway.core.usage import Usage
from gateway.simulators.server import serve

pytestmark = pytest.mark.slow

PRICE = Price(NanoUSD(5 * NANO), NanoUSD(30 * NANO))  # of `frontier`
FRONTIER_ONLY = ZONES_AND_BACKENDS + "otherwise: {route: [frontier]}\n"
FRONTIER_THEN_LOCAL = ZONES_AND_BACKENDS + "otherwise: {route: [frontier, local]}\n"
ANSWER_TOKENS = 60
"""Of the simulator's answer to TEXT: the whole of it, so that what is held is little more than what is spent."""
TEXT = "Write about the tides of the sea, and go on for as long as you may."


def budgeted(policy: str, budget: str) -> str:
    return policy + f"budgets: {{all: {{{budget}}}}}\n"


def bills(records: list[Record]) -> list[int]:
    return [record.outcome.cost or 0 for record in records]


async def ask(house: House, **more: Any) -> Any:
    return await house.chat(TEXT, max_tokens=ANSWER_TOKENS, **more)


async def cost_of_one(**more: Any) -> int:
    """Nano-dollars of one such request."""
    async with open_house(FRONTIER_ONLY) as house:
        await ask(house, **more)
        return bills(await house.records())[0]


def usd(nano: int) -> str:
    return f"{nano / NANO:.9f}"


async def test_a_budget_that_pays_lets_the_request_through_and_is_charged_what_it_cost(a_house) -> None:
    house: House = await a_house(budgeted(FRONTIER_ONLY, "limit_usd: 1, window: month"))
    answer = await ask(house)
    (record,) = await house.records()
    (attempt,) = record.outcome.attempts
    assert record.outcome.cost == Usage(answer.usage.prompt_tokens, answer.usage.completion_tokens).cost(PRICE)
    assert attempt.charged == record.outcome.cost
    assert attempt.held is not None
    assert attempt.held >= attempt.charged


async def test_what_is_left_when_a_budget_is_spent_is_told_with_the_remedy(a_house) -> None:
    house: House = await a_house(budgeted(FRONTIER_ONLY, "limit_usd: 0.0000001, window: month"))
    with pytest.raises(openai.RateLimitError) as caught:
        await ask(house)
    told = caught.value
    assert (told.status_code, told.code, told.type) == (429, "budget_exhausted", "insufficient_quota")
    assert "budget `all` has 0.0000001 of 0.0000001 USD left, and this request may cost 0.00" in told.message
    assert "ask for a shorter answer (`max_tokens`)" in told.message
    assert told.response.headers["x-should-retry"] == "false"
    assert int(told.response.headers["retry-after"]) > 0
    assert house.sent_to(house.api) == []


async def test_a_budget_that_cannot_pay_downgrades_to_the_next_route_and_the_headers_say_so(a_house) -> None:
    house: House = await a_house(
        budgeted(FRONTIER_THEN_LOCAL, "limit_usd: 0.0000001, window: month, scope: {zone: openai}")
    )
    answer = await house.chat_raw(TEXT)
    assert answer.headers["x-gateway-backend"] == "local"
    assert answer.headers["x-gateway-failed-attempts"] == "frontier=budget"
    assert house.sent_to(house.api) == []


async def test_a_budget_that_rejects_asks_nobody_else(a_house) -> None:
    policy = budgeted(
        FRONTIER_THEN_LOCAL, "limit_usd: 0.0000001, window: month, scope: {zone: openai}, on_exhausted: reject"
    )
    house: House = await a_house(policy)
    with pytest.raises(openai.RateLimitError, match="budget `all`"):
        await house.chat(TEXT)
    assert house.sent_to(house.gpu) == []


async def test_a_soft_budget_only_counts(a_house) -> None:
    house: House = await a_house(budgeted(FRONTIER_ONLY, "limit_usd: 0.0000001, window: month, hard: false"))
    await ask(house)
    (record,) = await house.records()
    assert record.outcome.attempts[0].charged == record.outcome.cost


async def test_a_request_without_a_bound_is_sent_with_one_so_that_the_hold_is_true(a_house) -> None:
    policy = FRONTIER_ONLY.replace("api_key:", "max_output_tokens: 50\n    api_key:")
    house: House = await a_house(budgeted(policy, "limit_usd: 1, window: month"))
    answer = await house.chat(TEXT)
    assert b'"max_completion_tokens":50' in house.sent_to(house.api)[0]
    assert answer.usage.completion_tokens <= 50
    (record,) = await house.records()
    assert (record.outcome.attempts[0].held or 0) < 0.01 * NANO


async def test_a_bound_of_our_own_shrinks_to_what_is_left_down_to_a_floor(a_house) -> None:
    house: House = await a_house(budgeted(FRONTIER_ONLY, "limit_usd: 0.02, window: month, wait: 0s"))
    await house.chat(TEXT)
    assert b'"max_completion_tokens":4096' not in house.sent_to(house.api)[0]


async def test_a_streams_usage_is_asked_for_and_kept_from_the_client_who_did_not_ask(a_house) -> None:
    house: House = await a_house(budgeted(FRONTIER_ONLY, "limit_usd: 1, window: month"))
    stream = await ask(house, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.choices for chunk in chunks)
    assert b'"include_usage":true' in house.sent_to(house.api)[0]
    (record,) = await house.records()
    assert record.outcome.usage is not None
    assert not record.outcome.usage.is_estimate
    assert record.outcome.attempts[0].charged == record.outcome.usage.cost(PRICE)


async def test_a_streams_usage_reaches_the_client_who_asked(a_house) -> None:
    house: House = await a_house(budgeted(FRONTIER_ONLY, "limit_usd: 1, window: month"))
    stream = await ask(house, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].usage.completion_tokens > 0


async def test_what_has_no_price_is_refused_where_a_hard_budget_pays(a_house) -> None:
    policy = FRONTIER_ONLY.replace("    price: {input_usd_per_million: 5, output_usd_per_million: 30}\n", "")
    house: House = await a_house(budgeted(policy, "limit_usd: 1, window: month"))
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await ask(house)
    assert caught.value.code == "cost_unknown"
    assert "backend `frontier` has no `price` for this call; say it in the policy" in caught.value.message


async def test_what_costs_nobody_knows_beforehand_is_refused_where_a_hard_budget_pays(a_house) -> None:
    house: House = await a_house(budgeted(FRONTIER_ONLY, "limit_usd: 1, window: month"))
    with pytest.raises(openai.PermissionDeniedError, match="what a route that the gateway does not know costs"):
        await house.client.images.generate(model="gpt-5.5", prompt="the sea")
    with pytest.raises(openai.PermissionDeniedError, match="its price is that of"):
        await house.client.responses.create(model="gpt-5-pro", input="Say hello")
    async with house.http.get("/v1/files") as answer:
        assert answer.status != 403
    assert [entry.path for entry in house.api.log if entry.method == "POST"] == []
    assert (await house.client.moderations.create(input="Say hello")).results


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_responses_are_bounded_and_paid_for_as_they_report(a_house, is_streamed) -> None:
    policy = FRONTIER_ONLY.replace("api_key:", "max_output_tokens: 40\n    api_key:")
    house: House = await a_house(budgeted(policy, "limit_usd: 1, window: month"))
    answer = await house.client.responses.create(model="gpt-5.5", input=TEXT, stream=is_streamed)
    if is_streamed:
        answer = [each async for each in answer][-1].response
    assert answer.usage.output_tokens <= 40
    assert b'"max_output_tokens":40' in house.sent_to(house.api)[0]
    (record,) = await house.records()
    (attempt,) = record.outcome.attempts
    assert attempt.charged == Usage(answer.usage.input_tokens, answer.usage.output_tokens).cost(PRICE)


async def test_a_stream_that_ends_without_the_usage_it_was_asked_for_is_paid_in_full(a_house) -> None:
    policy = FRONTIER_ONLY.replace("${OPENAI_BASE_URL}", "${SILENT_URL}").replace("chat: gpt-5.5", "chat: gpt-4o")
    async with serve(silent) as simulator:
        settings = {"environment": {"SILENT_URL": simulator.url}}
        async with open_house(budgeted(policy, "limit_usd: 1, window: month"), **settings) as house:
            async for _ in await ask(house, stream=True):
                pass
            (record,) = await house.records()
    (attempt,) = record.outcome.attempts
    assert record.outcome.usage is not None
    assert record.outcome.usage.is_estimate
    assert attempt.charged == attempt.held


async def silent(scope: Any, receive: Any, send: Any) -> None:
    """A provider that puts many tokens into an event, and never says how many."""
    if scope["type"] != "http":
        for word in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{word}.complete"})
        return
    await receive()
    chunk = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"' + b"many words " * 20 + b'"}}]}\n\n'
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": chunk + b"data: [DONE]\n\n"})


async def test_a_price_of_nothing_needs_no_budget(a_house) -> None:
    policy = FRONTIER_THEN_LOCAL.replace(
        "price: {input_usd_per_million: 0.20, output_usd_per_million: 0.20}", "price: {gpu_hour_usd: 4}"
    ).replace("[frontier, local]", "[local]")
    house: House = await a_house(budgeted(policy, "limit_usd: 0.0000001, window: month"))
    await house.chat(TEXT)
    (record,) = await house.records()
    assert record.outcome.attempts[0].held is None


async def test_a_refused_request_gives_its_money_back(a_house) -> None:
    house: House = await a_house(budgeted(FRONTIER_ONLY, f"limit_usd: {usd(3 * await cost_of_one())}, window: month"))
    for _ in range(5):
        with pytest.raises(openai.BadRequestError):
            await ask(house, temperature=9)
    await ask(house)


async def test_an_attempt_that_fails_gives_its_money_back(a_house) -> None:
    policy = FRONTIER_ONLY.replace("[frontier]", "[{to: frontier, retries: 3}]")
    limit = usd(3 * await cost_of_one())
    house: House = await a_house(budgeted(policy, f"limit_usd: {limit}, window: month"))
    house.api.faults.overloaded_first = 3
    await ask(house)
    (record,) = await house.records()
    assert [attempt.charged for attempt in record.outcome.attempts[:-1]] == [0, 0, 0]


async def test_a_stream_that_is_left_pays_for_what_was_seen(a_house) -> None:
    policy = FRONTIER_ONLY.replace("gpt-5.5,", "gpt-4o,").replace("gpt-5.5}", "gpt-4o}")
    policy = policy.replace("{chat: gpt-5.5", "{chat: gpt-4o")
    house: House = await a_house(budgeted(policy, "limit_usd: 1, window: month"))
    house.api.faults.token_ms = 20
    stream = await house.client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": TEXT}], max_tokens=500, stream=True
    )
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    async with asyncio.timeout(5):
        while not (records := await house.records()):
            await asyncio.sleep(0.01)
    (attempt,) = records[0].outcome.attempts
    assert records[0].outcome.ending is Ending.ABANDONED
    assert attempt.charged is not None
    assert 0 < attempt.charged < (attempt.held or 0)


async def test_away_ledger_refuses_what_costs_and_lets_go_on_what_does_not(tmp_path: Path) -> None:
    policy = budgeted(FRONTIER_THEN_LOCAL, "limit_usd: 1, window: month, scope: {zone: openai}")
    settings = {"ledger": "redis://127.0.0.1:9"}
    async with open_house(policy, settings=settings) as house:
        answer = await house.chat_raw(TEXT)
        assert answer.headers["x-gateway-backend"] == "local"
    async with open_house(budgeted(FRONTIER_ONLY, "limit_usd: 1, window: month"), settings=settings) as house:
        with pytest.raises(openai.InternalServerError) as caught:
            await ask(house)
        assert (caught.value.status_code, caught.value.code) == (503, "ledger_unavailable")


async def test_a_copy_is_paid_for_too(a_house) -> None:
    policy = ZONES_AND_BACKENDS + "otherwise: {route: [local], shadow: {to: frontier, share: 100%}}\n"
    house: House = await a_house(budgeted(policy, "limit_usd: 0.0000001, window: month, scope: {zone: openai}"))
    await ask(house)
    async with asyncio.timeout(5):
        while not (records := await house.records()):
            await asyncio.sleep(0.01)
    assert records[0].shadow is not None
    assert records[0].shadow.error == "budget"
    assert house.sent_to(house.api) == []


async def test_prometheus_is_told_how_each_budget_stands(a_house) -> None:
    house: House = await a_house(budgeted(FRONTIER_ONLY, "limit_usd: 1, window: month"))
    await ask(house)
    (record,) = await house.records()
    async with house.http.get("/metrics") as answer:
        page = await answer.text()
    rows = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("gateway_budget_usd{"))
    told = {state: float(rows[f'gateway_budget_usd{{budget="all",share="",state="{state}"}}']) for state in STATES}
    assert told["limit"] == 1
    assert told["spent"] == pytest.approx((record.outcome.cost or 0) / NANO)
    assert told["left"] == pytest.approx(1 - told["spent"] - told["held"])


async def test_prometheus_hears_from_one_gateway_what_another_has_spent(tmp_path: Path) -> None:
    policy = budgeted(FRONTIER_ONLY, "limit_usd: 1, window: month")
    settings = {"ledger": str(tmp_path / "ledger.sqlite")}
    async with open_house(policy, settings=settings) as spends, open_house(policy, settings=settings) as looks:
        await ask(spends)
        (kept,) = await spends.gateway.budgets()
        async with looks.http.get("/metrics") as answer:
            page = await answer.text()
    assert kept.standing.spent > 0
    assert f'gateway_budget_usd{{budget="all",share="",state="spent"}} {kept.standing.spent / NANO}' in page


STATES = ("limit", "spent", "held", "left")
