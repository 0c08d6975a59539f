"""Whoever is to be told of nearly spent budgets hears of each line once, and nobody waits for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from house import ZONES_AND_BACKENDS, open_house, until

from gateway.core.money import NANO

pytestmark = pytest.mark.slow

FRONTIER_ONLY = ZONES_AND_BACKENDS + "otherwise: {route: [frontier]}\n"
TEXT = "The lighthouse keeper counts the tides"


class Webhook:
    """What it has been sent; the first `fails` it answers with an error."""

    def __init__(self, fails: int) -> None:
        self.url = ""
        self.fails = fails
        self.heard: list[dict[str, Any]] = []
        self.raw = b""

    async def hear(self, request: web.Request) -> web.Response:
        self.raw += await request.read()
        if self.fails:
            self.fails -= 1
            return web.Response(status=500)
        self.heard.append(await request.json())
        return web.Response()


@asynccontextmanager
async def a_webhook(fails: int = 0) -> AsyncIterator[Webhook]:
    webhook = Webhook(fails)
    app = web.Application()
    app.router.add_post("/hook", webhook.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        webhook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield webhook
    finally:
        await runner.cleanup()


async def spend_it_all(webhook: Webhook) -> None:
    """A soft budget worth one request and a half: the first spends two thirds of it, the second passes all lines."""
    async with open_house(FRONTIER_ONLY) as house:
        await house.chat(TEXT)
        (record,) = await house.records()
    limit = (record.outcome.cost or 0) * 3 // 2
    policy = FRONTIER_ONLY + f"budgets: {{cloud: {{limit_usd: {limit / NANO:.9f}, window: month, hard: false}}}}\n"
    async with open_house(policy, settings={"budget_webhook": webhook.url}) as house:
        await house.chat(TEXT)
        await house.chat(TEXT)
        await until(lambda: len(webhook.heard) == 3, 10)


async def test_each_line_that_is_crossed_is_told_without_a_word_of_the_request() -> None:
    async with a_webhook() as webhook:
        await spend_it_all(webhook)
        assert sorted(told["percent"] for told in webhook.heard) == [80, 95, 100]
        (told,) = (each for each in webhook.heard if each["percent"] == 95)
        assert set(told) == {"text", "budget", "share", "percent", "spent_usd", "limit_usd", "until"}
        assert told["text"].startswith("budget `cloud` has passed 95 percent of its 0.00")
        assert float(told["spent_usd"]) > float(told["limit_usd"])
        assert b"lighthouse" not in webhook.raw


@pytest.mark.slow
async def test_a_webhook_that_fails_is_told_again() -> None:
    async with a_webhook(fails=3) as webhook:
        await spend_it_all(webhook)
        assert sorted(told["percent"] for told in webhook.heard) == [80, 95, 100]


async def test_a_webhook_that_is_away_holds_nothing_up_and_its_address_is_in_no_log(caplog) -> None:
    policy = FRONTIER_ONLY + "budgets: {cloud: {limit_usd: 0.0000001, window: month, hard: false}}\n"
    async with asyncio.timeout(20):
        async with open_house(policy, settings={"budget_webhook": "http://127.0.0.1:9/s3cret"}) as house:
            assert (await house.chat(TEXT)).choices
    assert "s3cret" not in caplog.text
