"""What was decided can be decided again, bit for bit: from the policy and the weights by digest, signals and states."""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import openai
import pytest
from decided_again import again
from house import EVERYTHING_TO_OPENAI, LOCAL_FIRST, ZONES_AND_BACKENDS, House, text_of

from gateway.classify.weights import DIGEST_SHOWN, shipped_weights

pytestmark = pytest.mark.slow

MASKS = ZONES_AND_BACKENDS + "otherwise: {route: [{to: frontier, mask: [email, card]}, local]}\n"
LABELS = LOCAL_FIRST + "classify: {sensitivity: {default: internal, kinds: {email: public}}}\n"
POLICIES = (LOCAL_FIRST, EVERYTHING_TO_OPENAI, MASKS, LABELS)
CHATS = (
    "Say hello",
    "My card is 4111 1111 1111 1111, why was I charged twice?",
    "Write to ada@lovelace-post.de that her order is late",
    "Prove that there are infinitely many primes, then that the harmonic series diverges, and compare both proofs",
)


async def traffic(house: House) -> None:
    for text in CHATS:
        with contextlib.suppress(openai.APIStatusError):
            await house.chat(text)
            text_of([chunk async for chunk in await house.chat(text, stream=True, model="frontier")])
    await house.http.post("/generate", json={"inputs": CHATS[2]})
    await house.http.post("/v1/embeddings", json={"model": "auto", "input": CHATS[0]})
    await house.http.get("/v1/batches")


async def recorded(a_house) -> House:
    """A house that served four policies one after the other, while its backends came and went."""
    house: House = await a_house(POLICIES[0], is_watched=True)
    for text in POLICIES:
        house.policy_file.write_text(text)
        assert house.gateway.control
        await house.gateway.control.reload.now()
        for overloaded in (False, True):
            house.gpu.faults.overloaded = overloaded
            await traffic(house)
    assert {record.decision.policy_digest for record in await house.records()} == {
        version.digest for version in house.gateway.control.rewrite.history.newest(9)
    }
    return house


def history_of(house: House) -> Path:
    return house.journal.with_suffix(".policies.sqlite")


async def test_every_decision_is_made_again_from_the_journal_and_the_history_of_policies(a_house) -> None:
    house = await recorded(a_house)
    rows = again(house.journal, history_of(house))
    assert [was for was, _ in rows] == [becomes for _, becomes in rows]
    assert len(rows) > 80
    weights = {record.verdict.weights for record in await house.records()}
    assert weights == {shipped_weights().digest[:DIGEST_SHOWN]}


@pytest.mark.parametrize("seed", ["1", "2"])
async def test_another_process_with_other_hashes_makes_the_same_decisions(a_house, seed: str) -> None:
    house = await recorded(a_house)
    program = Path(__file__).parent / "decided_again.py"
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(program), str(house.journal), str(history_of(house))],
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    was, becomes = ran.stdout.split()
    assert was == becomes
