"""What the journal says was paid, beside the provider's own bill.

`BILLED=10000` sends as many requests; by default a few hundred.
"""

import asyncio
import os
import random

import aiohttp
import pytest
from house import ZONES_AND_BACKENDS, House, open_house, until

from gateway.core.money import NANO, NanoUSD, Price
from gateway.simulators.server import Simulator

REQUESTS = int(os.environ.get("BILLED", "400"))
AT_ONCE = 32
PRICES = {
    "gpt-4o": Price(NanoUSD(5 * NANO), NanoUSD(30 * NANO)),
    "text-embedding-3-small": Price(NanoUSD(5 * NANO), NanoUSD(30 * NANO)),
}
POLICY = (
    ZONES_AND_BACKENDS.replace("gpt-5.5, completions: gpt-5.5", "gpt-4o, completions: gpt-4o")
    + "budgets: {all: {limit_usd: 1000, window: month}}\n"
    + "otherwise: {route: [{to: frontier, retries: 2}, local]}\n"
)
WORDS = ("the", "tides", "of", "the", "sea", "rise", "and", "fall", "with", "a", "moon", "that", "nobody", "asked")

pytestmark = pytest.mark.slow


def billed(simulator: Simulator) -> int:
    """Nano-dollars by the provider's own count of tokens."""
    return sum(PRICES[model].cost(bill.prompt_tokens, bill.completion_tokens) for model, bill in simulator.bill.items())


def prompt(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(1, 60)))


async def one(house: House, chance: random.Random) -> None:
    messages = [{"role": "user", "content": prompt(chance)}]
    kind = chance.randrange(5)
    body: dict[str, object] = {"model": "auto", "messages": messages}
    path = "/v1/chat/completions"
    if kind == 0:
        body["max_tokens"] = chance.randint(1, 60)
    elif kind == 1:
        body |= {"stream": True}
    elif kind == 2:
        body |= {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": chance.randint(1, 60)}
    elif kind == 3:
        body, path = {"model": "text-embedding-3-small", "input": prompt(chance)}, "/v1/embeddings"
    else:
        body |= {"max_tokens": -1}  # the provider refuses it
    async with house.http.post(path, json=body) as answer:
        await answer.read()


async def abandoned(house: House, chance: random.Random) -> None:
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": prompt(chance)}],
        "max_tokens": 60,
        "stream": chance.random() < 0.7,
    }
    patience = aiohttp.ClientTimeout(total=chance.uniform(0.01, 0.15))
    try:
        async with house.http.post("/v1/chat/completions", json=body, timeout=patience) as answer:
            await answer.read()
    except (TimeoutError, aiohttp.ClientError):
        pass


async def all_of(number: int, make) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn() -> None:
        async with turns:
            await make()

    await asyncio.gather(*(in_turn() for _ in range(number)))


async def paid(house: House) -> int:
    records = await house.records()
    return sum(
        attempt.charged or 0
        for record in records
        for attempt in record.outcome.attempts
        if attempt.backend == "frontier"
    )


async def overdrawn(house: House) -> list[tuple[int | None, int | None]]:
    """What was held and charged of each attempt that cost more than its bound."""
    attempts = (attempt for record in await house.records() for attempt in record.outcome.attempts)
    return [(each.held, each.charged) for each in attempts if (each.charged or 0) > (each.held or 0)]


async def test_what_answers_report_is_paid_to_the_nano_dollar() -> None:
    chance = random.Random(7)
    async with open_house(POLICY) as house:
        house.api.faults.overloaded_every = 7  # so that some are tried again, and some answered elsewhere
        await all_of(REQUESTS, lambda: one(house, chance))
        assert billed(house.api) > 0
        assert await paid(house) == billed(house.api)
        assert await overdrawn(house) == []
        (kept,) = await house.gateway.budgets()
        assert kept.standing.held == 0
        local = sum(
            attempt.charged or 0
            for record in await house.records()
            for attempt in record.outcome.attempts
            if attempt.backend == "local"
        )
        assert kept.standing.spent == billed(house.api) + local


async def test_what_is_cut_or_left_is_paid_for_at_least_as_the_provider_counts_it() -> None:
    chance = random.Random(8)
    async with open_house(POLICY) as house:
        house.api.faults.token_ms = 3
        await all_of(REQUESTS // 4, lambda: abandoned(house, chance))
        house.api.faults.token_ms, house.api.faults.cut_after_events = 0, 5
        await all_of(REQUESTS // 8, lambda: one(house, chance))
        await until(lambda: house.api.open_requests == 0, 10)
        assert billed(house.api) > 0
        assert await paid(house) >= billed(house.api)
        assert await overdrawn(house) == []
        (kept,) = await house.gateway.budgets()
        assert kept.standing.held == 0
