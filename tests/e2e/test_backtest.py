"""Traffic that was served is decided again from the journal alone: exactly as it was, or as another policy would."""

import contextlib

import openai
from house import EVERYTHING_TO_OPENAI, FRONTIER_FIRST, LOCAL_FIRST, House

from gateway.policy.backtest import Backtest
from gateway.policy.load import load
from gateway.policy.model import Policy
from gateway.stores.journal_scan import JournalScan

CHATS = [
    "Say hello",
    "My card is 4111 1111 1111 1111, why was I charged twice?",
    "Write to ada@lovelace-post.de that her order is late",
    "Prove that there are infinitely many primes, then that the harmonic series diverges, and compare both proofs",
    "What is the capital of Peru?",
]

ENVIRONMENT = {"TGI_URL": "http://tgi", "OPENAI_BASE_URL": "http://openai", "OPENAI_API_KEY": "invented"}


async def traffic(house: House) -> None:
    for text in CHATS:
        with contextlib.suppress(openai.APIStatusError):
            await house.chat(text)
            async for _ in await house.chat(text, stream=True, model="gpt-4-turbo"):
                pass
    await house.http.post("/generate", json={"inputs": "Once upon a time"})
    await house.http.post("/v1/embeddings", json={"model": "auto", "input": CHATS[2]})
    await house.http.get("/v1/batches")


def replayed(house: House, policy: Policy) -> Backtest:
    backtest = Backtest(policy)
    for record in JournalScan(house.journal, 0):
        backtest.add(record)
    return backtest


async def test_an_unchanged_policy_reproduces_every_recorded_decision_exactly(a_house) -> None:
    house: House = await a_house(EVERYTHING_TO_OPENAI)
    await traffic(house)
    house.gpu.faults.overloaded = True
    await traffic(house)
    records = await house.records()
    backtest = replayed(house, house.gateway.policy)
    assert backtest.records == backtest.of_this_policy == backtest.reproduced == len(records)
    assert {record.outcome.ending.value for record in records} == {"completed", "refused"}
    assert backtest.rerouted == backtest.new_egress == 0
    assert backtest.old_backends == backtest.new_backends
    assert backtest.old_cost == backtest.new_cost.likely == sum(record.outcome.cost or 0 for record in records)


async def test_a_backend_that_was_down_then_is_down_when_it_is_decided_again(a_house) -> None:
    house: House = await a_house(LOCAL_FIRST, environment={"TGI_URL": "http://127.0.0.1:9"})
    await house.chat("Say hello")
    (record,) = await house.records()
    assert not record.states["local"].is_up
    assert [route.backend for route in record.decision.routes] == ["frontier"]
    assert Backtest(house.gateway.policy).replay(record).decision == record.decision


async def test_what_another_policy_would_have_cost_is_what_the_same_traffic_costs_under_it(a_house) -> None:
    then: House = await a_house(LOCAL_FIRST)
    now: House = await a_house(FRONTIER_FIRST)
    for house in (then, now):
        for text in CHATS:
            await house.chat(text)
    truth = await now.records()
    await then.records()
    backtest = replayed(then, load(FRONTIER_FIRST.encode(), "new.yaml", ENVIRONMENT))
    assert backtest.new_cost.least <= sum(record.outcome.cost or 0 for record in truth) <= backtest.new_cost.most
    assert backtest.new_backends["frontier"] == sum(record.backend == "frontier" for record in truth) > 0
    assert backtest.new_cost.likely > backtest.old_cost > 0
