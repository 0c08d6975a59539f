"""A busy TGI: what its own meters say sends the next requests elsewhere, and the record replays it."""

import asyncio

from house import ZONES_AND_BACKENDS, House, until

from gateway.backends.http_backend import HttpBackend
from gateway.backends.probes import probe
from gateway.core.types import Standing
from gateway.policy.backtest import Backtest
from gateway.simulators.tgi import TgiSettings

LIMITED = ZONES_AND_BACKENDS.replace("kind: tgi\n", "kind: tgi\n    saturated_at: {queue: 1}\n")
SPILLING = LIMITED + "otherwise: {route: [local], spill: frontier}\n"
CARD = "My card is 4111 1111 1111 1111, why was I charged twice?"


async def looked_at(house: House) -> Standing:
    local = house.gateway.fleet["local"]
    assert isinstance(local, HttpBackend)
    await probe(local, local.replicas.all[0])
    local.refresh()
    return local.state.standing


async def test_requests_spill_while_the_gpu_is_busy_but_never_what_may_not_leave(a_house) -> None:
    house: House = await a_house(SPILLING, TgiSettings(batch_size=1, token_ms=15))
    busy = [asyncio.create_task(house.chat("Count to ten", max_tokens=20)) for _ in range(2)]
    await until(lambda: len(house.sent_to(house.gpu)) == 2)
    assert await looked_at(house) is Standing.SATURATED
    spilled = await house.chat_raw("Say hello")
    stayed = await house.chat_raw(CARD, max_tokens=1)
    await asyncio.gather(*busy)
    assert await looked_at(house) is Standing.UP
    back = await house.chat_raw("Say hello", max_tokens=1)
    assert [answer.headers["x-gateway-backend"] for answer in (spilled, stayed, back)] == ["frontier", "local", "local"]
    assert len(house.sent_to(house.api)) == 1
    records = await house.records()
    assert sorted(record.decision.spilled_from for record in records) == ["", "", "", "local", "local"]
    backtest = Backtest(house.gateway.policy)
    for record in records:
        backtest.add(record)
    assert backtest.reproduced == 5


async def test_how_long_it_takes_is_told_to_whoever_runs_it(a_house) -> None:
    house: House = await a_house(SPILLING, TgiSettings(batch_size=1, token_ms=15))
    busy = [asyncio.create_task(house.chat("Count to ten", max_tokens=10)) for _ in range(3)]
    await until(lambda: len(house.sent_to(house.gpu)) == 3)
    await looked_at(house)
    async with house.http.get("/readyz") as answer:
        (row,) = [row for row in (await answer.json())["backends"] if row["backend"] == "local"]
    assert (row["saturated"], row["queue"]) == (True, 2)
    async with house.http.get("/metrics") as answer:
        text = await answer.text()
    assert 'gateway_backend_saturated{backend="local"} 1.0' in text
    assert "gateway_replica_queue{backend=" in text
    await asyncio.gather(*busy)
