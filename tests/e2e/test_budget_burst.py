"""Two hundred requests at once against money for twenty: never more reach the provider, and nearly all of those do.

The provider's own count is the judge.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from house import ZONES_AND_BACKENDS, House, open_house

from gateway.core.money import NANO
from gateway.simulators.server import Simulator

AT_ONCE, PAID_FOR, LEAST = 200, 20, 18
TOKENS = 30
"""Fewer than the provider would say, so that little more is held than spent: the last hold has to fit, too."""
ONE = {"model": "auto", "messages": [{"role": "user", "content": "Tell me of the tides, for as long as you may."}]}
BOUNDED = {**ONE, "max_tokens": TOKENS}
FRONTIER_ONLY = ZONES_AND_BACKENDS + "otherwise: {route: [frontier]}\n"
CALLERS = 'callers: {ann: {key: "${ANN}", team: red}}\n'
KEY = {"ANN": "anns-invented-key"}

pytestmark = pytest.mark.slow


async def cost_of(body: dict[str, Any], policy: str = FRONTIER_ONLY) -> int:
    """Nano-dollars that the provider takes for one of them."""
    async with open_house(policy) as house:
        await sent(house.http, body)
        (record,) = await house.records()
        assert record.outcome.cost
        return record.outcome.cost


async def worth(body: dict[str, Any], policy: str = FRONTIER_ONLY, requests: int = PAID_FOR) -> str:
    return f"{await cost_of(body, policy) * requests / NANO:.9f}"


def budgeted(policy: str, limit: str, more: str = "") -> str:
    return policy + f"budgets: {{all: {{limit_usd: {limit}, window: month, wait: 60s{more}}}}}\n"


async def sent(http: aiohttp.ClientSession, body: dict[str, Any], **headers: str) -> int:
    """The status of one answer, read to its end."""
    async with http.post("/v1/chat/completions", json=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def burst(*houses: House, body: dict[str, Any] = BOUNDED, **headers: str) -> list[int]:
    """All statuses, each request to the next house in turn."""
    asks = (sent(houses[number % len(houses)].http, body, **headers) for number in range(AT_ONCE))
    return await asyncio.gather(*asks)


def served(simulator: Simulator) -> int:
    """How many content-carrying requests the provider has answered or begun to."""
    return len([entry for entry in simulator.log if entry.method == "POST"])


def judge(reached: int, statuses: list[int]) -> None:
    assert LEAST <= reached <= PAID_FOR
    assert statuses.count(200) == reached
    assert set(statuses) == {200, 429}


async def test_plain_requests() -> None:
    async with open_house(budgeted(FRONTIER_ONLY, await worth(BOUNDED))) as house:
        judge_of = await burst(house)
        judge(served(house.api), judge_of)


async def test_streams() -> None:
    body = {**BOUNDED, "stream": True}
    async with open_house(budgeted(FRONTIER_ONLY, await worth(BOUNDED))) as house:
        statuses = await burst(house, body=body)
        judge(served(house.api), statuses)


async def test_requests_without_a_bound_of_their_own() -> None:
    policy = FRONTIER_ONLY.replace("api_key:", f"max_output_tokens: {TOKENS}\n    api_key:")
    async with open_house(budgeted(policy, await worth(BOUNDED))) as house:
        statuses = await burst(house, body=ONE)
        judge(served(house.api), statuses)


async def test_a_provider_that_takes_its_time() -> None:
    async with open_house(budgeted(FRONTIER_ONLY, await worth(BOUNDED))) as house:
        house.api.faults.prefill_ms = 500
        statuses = await burst(house)
        judge(served(house.api), statuses)


async def test_retries() -> None:
    """What is refused for overload is not billed, so it does not count."""
    policy = FRONTIER_ONLY.replace("[frontier]", "[{to: frontier, retries: 2}]")
    async with open_house(budgeted(policy, await worth(BOUNDED))) as house:
        house.api.faults.overloaded_every = 5
        statuses = await burst(house)
        assert LEAST - 2 <= statuses.count(200) <= PAID_FOR


async def test_a_fallback_from_a_failing_paid_backend_to_another() -> None:
    """One budget pays for both."""
    async with open_house(SECOND) as second:
        policy = FRONTIER_ONLY.replace(
            "models:",
            f"""  other:
    zone: openai
    kind: openai
    urls: ["{second.api.url}"]
    model: {{chat: gpt-5.5}}
    api_key: ${{OPENAI_API_KEY}}
    price: {{input_usd_per_million: 5, output_usd_per_million: 30}}
models:""",
        ).replace("[frontier]", "[frontier, other]")
        async with open_house(budgeted(policy, await worth(BOUNDED))) as house:
            house.api.faults.fail_status = 500
            statuses = await burst(house)
            assert LEAST <= served(second.api) <= PAID_FOR
            assert statuses.count(200) == served(second.api)


async def test_several_budgets_that_pay_together() -> None:
    """The tightest of caller, team and zone decides."""
    limit = await worth(BOUNDED)
    more = await worth(BOUNDED, requests=2 * PAID_FOR)
    policy = (
        FRONTIER_ONLY
        + CALLERS
        + f"budgets:\n  mine: {{limit_usd: {more}, window: month, wait: 60s, each: caller}}\n"
        + f"  teams: {{limit_usd: {limit}, window: day, wait: 60s, scope: {{team: red}}}}\n"
        + f"  zone: {{limit_usd: {more}, window: 24h, wait: 60s, scope: {{zone: openai}}}}\n"
    )
    async with open_house(policy, environment=KEY) as house:
        statuses = await burst(house, authorization=f"Bearer {KEY['ANN']}")
        judge(served(house.api), statuses)


async def test_two_gateways_on_one_redis(redis_url: str, tmp_path: Path) -> None:
    await together(f"{redis_url}/7", await worth(BOUNDED))


async def test_two_gateways_on_one_sqlite_file(tmp_path: Path) -> None:
    await together(str(tmp_path / "ledger.sqlite"), await worth(BOUNDED))


async def together(ledger: str, limit: str) -> None:
    async with AsyncExitStack() as stack:
        policy, settings = budgeted(FRONTIER_ONLY, limit), {"ledger": ledger}
        houses = [await stack.enter_async_context(open_house(policy, settings=settings)) for _ in range(2)]
        statuses = await burst(*houses)
        judge(sum(served(house.api) for house in houses), statuses)


SECOND = FRONTIER_ONLY
