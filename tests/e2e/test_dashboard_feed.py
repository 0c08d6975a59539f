"""The live feed: everybody who listens hears of each request, nobody is waited for, and nothing is held up by it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from house import LOCAL_FIRST, House, until

from gateway.core.errors import GatewayError
from gateway.core.records import Ending, Outcome, Record
from gateway.core.types import Caller, Decision, Endpoint, Need, Sensitivity, Tier, Verdict
from gateway.dashboard.feed import MOST_LISTENERS, MOST_WAITING, Feed
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.stores.journal_view import JournalView

pytestmark = pytest.mark.slow

CARD = "My card is 4111 1111 1111 1111, and the word is heliotrope"


async def heard(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """Event by event: its name and what it says."""
    name = ""
    async for line in answer.content:
        if line.startswith(b"event: "):
            name = line[7:].strip().decode()
        elif line.startswith(b"data: "):
            yield name, json.loads(line[6:])


def a_record(number: int) -> Record:
    stem = f"_{number:024x}"
    return Record(
        id="req" + stem,
        decision_id="dec" + stem,
        at=float(number),
        caller=Caller("billing"),
        endpoint=Endpoint.CHAT,
        model="",
        stream=False,
        needs=(Need.CHAT,),
        prompt_tokens=1,
        max_tokens=None,
        body_bytes=1,
        verdict=Verdict(Sensitivity.PUBLIC, 0.0, Tier.SIMPLE),
        decision=Decision((), "any"),
        backend="local",
        zone="on_prem",
        outcome=Outcome(Ending.COMPLETED, 200, "", (), None, None, 1.0),
    )


async def test_who_listens_hears_of_requests_and_of_no_prompt(a_house) -> None:
    house: House = await a_house(LOCAL_FIRST)
    async with house.http.get("/admin/feed") as answer, asyncio.timeout(8):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        await answer.content.readline()  # it listens from here on
        await house.chat(CARD, max_tokens=2)
        await house.gateway.recorder.flushed()
        name, said = await anext(heard(answer))
    assert name == "requests"
    assert said["flow"] == [
        {"sensitivity": "restricted", "rule": "otherwise", "backend": "local", "ending": "completed", "requests": 1}
    ]
    assert said["rows"][0]["backend"] == "local"
    assert "heliotrope" not in json.dumps(said)


async def test_nobody_looks_at_the_journal_once_the_last_listener_has_left(a_house) -> None:
    house: House = await a_house(LOCAL_FIRST)
    async with house.http.get("/admin/feed") as answer:
        await answer.content.readline()
        assert len(house.gateway.feed.listeners) == 1
    await until(lambda: not house.gateway.feed.listeners, within_s=5.0)


async def test_a_listener_that_does_not_read_misses_the_oldest_and_is_told_how_many(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    feed = Feed(JournalView(tmp_path / "journal.sqlite"), every_s=0.001)
    slow, quick = feed.join(), feed.join()
    events = 0
    async with asyncio.timeout(20):
        await quick.news(0.05)
        for number in range(MOST_WAITING + 3):
            await asyncio.to_thread(journal.write, [a_record(number)])
            while not (said := await quick.news(1.0)):
                pass
            events += said.count(b"event: requests")
    assert slow.missed == events - MOST_WAITING > 0
    told = await slow.news(1.0)
    assert told.startswith(b'event: missed\ndata: {"events":%d}' % (events - MOST_WAITING))
    assert told.count(b"event: requests") == MOST_WAITING
    feed.leave(slow)
    feed.leave(quick)
    journal.close()


async def test_the_end_of_a_gateway_ends_the_feed_at_once(a_house) -> None:
    house: House = await a_house(LOCAL_FIRST)
    async with house.http.get("/admin/feed") as answer, asyncio.timeout(5):
        await answer.content.readline()
        house.gateway.feed.end()
        await answer.content.read()
        assert answer.content.at_eof()
    async with house.http.get("/admin/feed") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (503, "feed_unavailable")


async def test_only_so_many_may_listen(tmp_path: Path) -> None:
    SqliteJournal(tmp_path / "journal.sqlite").close()
    feed = Feed(JournalView(tmp_path / "journal.sqlite"))
    joined = [feed.join() for _ in range(MOST_LISTENERS)]
    with pytest.raises(GatewayError, match="listen already"):
        feed.listen()
    for each in joined:
        feed.leave(each)
    assert not feed.listeners
