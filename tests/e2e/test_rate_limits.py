"""Rate limits hold from end to end, in the words of OpenAI's own clients, and cost those without any nothing."""

import asyncio

import openai
import pytest
from house import LOCAL_FIRST, open_house, until

from gateway.simulators.tgi import TgiSettings

CALLERS = 'callers: {ann: {key: "${ANN}", team: red}, bob: {key: "${BOB}", team: red}, cid: {key: "${CID}"}}\n'
KEYS = {"ANN": "anns-key", "BOB": "bobs-key", "CID": "cids-key"}


def limited(limit: str) -> str:
    return LOCAL_FIRST + CALLERS + f"rate_limits: {{a-limit: {limit}}}\n"


async def test_requests_above_the_limit_are_turned_away_as_openai_does() -> None:
    async with open_house(limited("{requests_per_minute: 2}"), environment=KEYS) as house:
        ann = house.client.with_options(api_key=KEYS["ANN"])
        house.client = ann
        first = await house.chat_raw("one")
        assert first.headers["x-ratelimit-limit-requests"] == "2"
        assert first.headers["x-ratelimit-remaining-requests"] == "1"
        assert first.headers["x-ratelimit-reset-requests"].startswith("1m")
        await house.chat("two")
        with pytest.raises(openai.RateLimitError) as caught:
            await house.chat("three")
        told = caught.value
        assert (told.code, told.type, told.response.headers["retry-after"]) == ("rate_limit_exceeded", "requests", "30")
        assert "rate limit `a-limit` allows 2 requests a minute; try again in 30 s" in told.message
        assert len(house.sent_to(house.gpu)) == 2


async def test_a_team_shares_a_limit_and_everyone_else_has_none() -> None:
    async with open_house(limited("{requests_per_minute: 2, team: red}"), environment=KEYS) as house:
        for key in ("ANN", "BOB"):
            await chat(house, key)
        with pytest.raises(openai.RateLimitError):
            await chat(house, "ANN")
        answer = await house.client.with_options(api_key=KEYS["CID"]).chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": "hello"}]
        )
        assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


async def test_everyone_may_have_a_limit_for_themselves() -> None:
    async with open_house(limited("{requests_per_minute: 1, each: caller}"), environment=KEYS) as house:
        for key in KEYS:
            await chat(house, key)
        with pytest.raises(openai.RateLimitError):
            await chat(house, "BOB")


async def chat(house, key: str, **more):
    client = house.client.with_options(api_key=KEYS[key])
    return await client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "hello there"}], **more
    )


async def test_what_a_request_may_take_is_counted_and_what_it_did_not_take_comes_back() -> None:
    async with open_house(limited("{tokens_per_minute: 1000}"), environment=KEYS) as house:
        used = (await chat(house, "ANN", max_tokens=900)).usage.total_tokens
        assert used < 200
        await chat(house, "ANN", max_tokens=700)
        with pytest.raises(openai.RateLimitError, match="allows 1000 tokens a minute, and this request may take"):
            await chat(house, "ANN", max_tokens=2000)


async def test_requests_at_once_are_limited_and_the_next_one_may_when_one_has_ended() -> None:
    policy = limited("{concurrent_requests: 1}")
    async with open_house(policy, TgiSettings(prefill_ms=60_000), environment=KEYS) as house:
        long = asyncio.create_task(chat(house, "ANN"))
        await until(lambda: len(house.sent_to(house.gpu)) == 1)
        with pytest.raises(openai.RateLimitError, match="allows 1 requests at once"):
            await chat(house, "BOB")
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)
        await until(lambda: not house.gateway.ledger._holds)
        again = asyncio.create_task(chat(house, "BOB"))
        await until(lambda: len(house.sent_to(house.gpu)) == 2)
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)


async def test_a_burst_never_passes_its_limit() -> None:
    async with open_house(limited("{requests_per_minute: 20}"), environment=KEYS) as house:
        answers = await asyncio.gather(*(chat(house, "ANN") for _ in range(60)), return_exceptions=True)
        assert sum(isinstance(answer, openai.RateLimitError) for answer in answers) == 40
        assert len(house.sent_to(house.gpu)) == 20


async def test_a_ledger_that_is_away_lets_everyone_in(redis_server) -> None:
    settings = {"ledger": redis_server.url}
    async with open_house(limited("{requests_per_minute: 1}"), environment=KEYS, settings=settings) as house:
        await chat(house, "ANN")
        redis_server.kill()
        for _ in range(3):
            await chat(house, "ANN")
