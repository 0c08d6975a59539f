"""A budget over several workers, and one whose gateway is killed with requests in flight: never more than the limit."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import aiohttp
import pytest
from crew import Crew, crew

from gateway.core.money import NANO, NanoUSD, Price

PRICE = Price(NanoUSD(5 * NANO), NanoUSD(30 * NANO))
AT_ONCE, TOKENS = 100, 30
BODY = {
    "model": "auto",
    "messages": [{"role": "user", "content": "Tell me of the tides, for as long as you may."}],
    "max_tokens": TOKENS,
}
LIMIT_USD = "0.025"  # for about twenty

pytestmark = pytest.mark.slow


def budgeted(text: str) -> str:
    text = text.replace(
        'model: gpt-5.5, api_key: "${OPENAI_API_KEY}"}',
        'model: gpt-5.5, api_key: "${OPENAI_API_KEY}", price: {input_usd_per_million: 5, output_usd_per_million: 30}}',
    )
    text = text.replace("[local]", "[frontier]")
    return text + f"budgets: {{all: {{limit_usd: {LIMIT_USD}, window: month, wait: 3s}}}}\n"


async def ask(crew: Crew) -> int:
    """The status; 0 where the connection broke."""
    with contextlib.suppress(aiohttp.ClientError, OSError):
        async with crew.http.post("/v1/chat/completions", json=BODY) as answer:
            await answer.read()
            return answer.status
    return 0


def billed(crew: Crew) -> int:
    return sum(PRICE.cost(bill.prompt_tokens, bill.completion_tokens) for bill in crew.api.bill.values())


async def test_two_workers_spend_one_budget_and_never_more(tmp_path: Path) -> None:
    async with crew(tmp_path, policy=budgeted) as opened:
        statuses = await asyncio.gather(*(ask(opened) for _ in range(AT_ONCE)))
        assert 10 <= statuses.count(200) <= 25
        assert billed(opened) <= float(LIMIT_USD) * NANO


async def test_a_gateway_that_is_killed_with_requests_in_flight_overspends_nothing(tmp_path: Path) -> None:
    async with crew(tmp_path, policy=budgeted) as opened:
        opened.api.faults.prefill_ms = 400
        asking = [asyncio.create_task(ask(opened)) for _ in range(AT_ONCE)]
        async with asyncio.timeout(10):
            while opened.api.open_requests < 5:
                await asyncio.sleep(0.01)
        pids = [worker["pid"] for worker in await opened.workers()]
        for pid in (opened.supervisor.pid, *pids):
            os.kill(int(pid), signal.SIGKILL)
        killed = time.monotonic()
        await asyncio.gather(*asking)
        opened.api.faults.prefill_ms = 0
        await opened.restart()
        statuses = await asyncio.gather(*(ask(opened) for _ in range(AT_ONCE)))
        assert set(statuses) <= {200, 429}
        assert time.monotonic() - killed < 60
        assert billed(opened) <= float(LIMIT_USD) * NANO
