"""What an operator tries on the dashboard: it says what would be, and leaves no trace in what is."""

import json
from typing import Any

import pytest
from house import FRONTIER_FIRST, LOCAL_FIRST, House

pytestmark = pytest.mark.slow

CARD = "My card is 4111 1111 1111 1111, and the word is heliotrope"
TESTED = (
    FRONTIER_FIRST
    + "tests:\n"
    + "  - {name: a card stays here, given: {prompt: 'my card is 4111 1111 1111 1111'}, expect: {backends: [local]}}\n"
    + "  - {name: a greeting stays here, given: {prompt: hello}, expect: {backends: [local]}}\n"
)


@pytest.fixture
async def watched(a_house) -> House:
    """Local first, from a file, so that another can be tried."""
    house: House = await a_house(LOCAL_FIRST, is_watched=True)
    return house


async def trying(house: House, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    told = {"content-type": "application/json"}
    async with house.http.post(f"/admin/{path}", data=json.dumps(body), headers=told) as answer:
        return answer.status, await answer.json()


async def test_a_prompt_is_judged_and_decided_without_being_sent_recorded_or_repeated(watched: House) -> None:
    status, said = await trying(watched, "try", {"prompt": CARD, "text": FRONTIER_FIRST})
    assert (status, said["sensitivity"]) == (200, "restricted")
    assert [route["backend"] for route in said["routes"]] == ["local"]
    assert said["excluded"][0] == {"backend": "frontier", "veto": "clearance", "detail": said["excluded"][0]["detail"]}
    assert "heliotrope" not in json.dumps(said)
    assert "4111" not in json.dumps(said)
    assert await watched.records() == []
    assert watched.sent_to(watched.gpu) == watched.sent_to(watched.api) == []


async def test_the_playground_says_what_the_data_plane_then_does(watched: House) -> None:
    for text in ("Say hello", CARD):
        _, said = await trying(
            watched, "try", {"body": {"model": "auto", "messages": [{"role": "user", "content": text}]}}
        )
        await watched.chat(text, max_tokens=2)
        record = (await watched.records())[-1]
        assert said["rule"] == record.decision.rule
        assert [route["backend"] for route in said["routes"]] == [each.backend for each in record.decision.routes]
        assert (said["sensitivity"], said["tier"]) == (record.verdict.sensitivity.label, record.verdict.tier.label)
        assert said["complexity"] == record.verdict.complexity


async def test_a_prompt_can_be_tried_with_a_backend_supposed_to_be_down(watched: House) -> None:
    _, said = await trying(watched, "try", {"prompt": CARD, "down": ["local"]})
    assert said["routes"] == []
    assert said["refused"]["status"] == 503
    assert (await trying(watched, "try", {"prompt": "x", "down": ["lokal"]}))[1]["error"]["code"] == "no_such_backend"
    assert (await trying(watched, "try", {"prompt": "x", "caller": "ghost"}))[1]["error"]["code"] == "no_such_caller"
    assert (await trying(watched, "try", {"prompt": "x", "model": "no-such"}))[0] == 404
    assert (await trying(watched, "try", {"prompt": 7}))[0] == 400


async def test_a_recorded_decision_is_made_again_under_a_candidate_and_under_a_version(watched: House) -> None:
    answer = await watched.chat_raw("Say hello", max_tokens=9)
    path = f"decisions/{answer.headers['x-gateway-decision-id']}/again"
    _, candidate = await trying(watched, path, {"text": FRONTIER_FIRST})
    assert (candidate["backend"], candidate["is_same"]) == ("frontier", False)
    assert candidate["cost"]["likely"] > 0
    assert watched.gateway.control
    await watched.gateway.control.reload.now()
    _, version = await trying(watched, path, {"version": 1})
    assert (version["backend"], version["is_same"]) == ("local", True)
    assert (await trying(watched, path, {"version": 99}))[0] == 404


async def test_a_candidate_is_backtested_on_what_was_asked(watched: House) -> None:
    for text in ("Say hello", "Say goodbye", CARD):
        await watched.chat(text, max_tokens=9)
    await watched.gateway.recorder.flushed()
    status, said = await trying(watched, "policy/backtest", {"text": FRONTIER_FIRST})
    assert (status, said["records"], said["of"], said["rerouted"]) == (200, 3, 3, 2)
    sides = {each["name"]: (each["old"], each["new"]) for each in said["backends"]}
    assert sides == {"local": (3, 1), "frontier": (0, 2)}
    assert said["cost"]["likely"] > said["cost"]["old"]
    assert {way["new_backend"] for way in said["ways"]} == {"frontier"}
    _, same = await trying(watched, "policy/backtest", {})
    assert (same["rerouted"], same["reproduced"], same["of_this_policy"]) == (0, 3, 3)
    _, few = await trying(watched, "policy/backtest", {"most": 2})
    assert (few["records"], few["of"], few["is_cut_short"]) == (2, 3, False)


async def test_the_cases_of_a_candidate_are_tried_with_their_lines(watched: House) -> None:
    status, said = await trying(watched, "policy/test", {"text": TESTED, "is_scored": True})
    assert (status, said["failed"]) == (200, 1)
    holding, failing = said["cases"]
    assert holding["mistakes"] == []
    assert "they are `frontier`, `local`" in failing["mistakes"][0]
    assert TESTED.splitlines()[failing["line"] - 1].strip().startswith("- {name: a greeting")
    assert said["score"] is not None


async def test_a_candidate_that_cannot_be_read_is_refused_with_its_place(watched: House) -> None:
    broken = LOCAL_FIRST.replace("[local, frontier]", "[lokal]")
    for path in ("try", "policy/test", "policy/backtest"):
        status, said = await trying(watched, path, {"text": broken, **({"prompt": "x"} if path == "try" else {})})
        assert (status, said["error"]["code"]) == (422, "policy_refused")
        assert "did you mean `local`?" in said["error"]["message"]
