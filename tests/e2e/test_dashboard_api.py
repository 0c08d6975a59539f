"""What the dashboard is told, of a gateway that has answered real requests; and who is told nothing."""

import asyncio
import json
import time
from typing import Any

import pytest
from house import LOCAL_FIRST, ZONES_AND_BACKENDS, House, open_house

pytestmark = pytest.mark.slow

KEY = "an-invented-admin-key-of-length"
CARD = "My card is 4111 1111 1111 1111"
MIXED = (
    ZONES_AND_BACKENDS
    + "baseline: frontier\n"
    + "budgets: {month: {limit_usd: 5, window: month, scope: {zone: openai}}}\n"
    + "otherwise: {route: [frontier, local]}\n"
)
READABLE = [
    "overview",
    "timeline",
    "decisions",
    "decisions/dec_x",
    "backends",
    "budgets",
    "proofs",
    "quality",
    "openapi.json",
]


async def asked(house: House, path: str, **headers: str) -> tuple[int, Any]:
    async with house.http.get(f"/admin/{path}", headers=headers) as answer:
        return answer.status, await answer.json()


async def told(house: House, path: str) -> Any:
    await house.gateway.recorder.flushed()
    status, document = await asked(house, path)
    assert status == 200, document
    return document


async def test_the_overview_says_which_class_went_where_and_what_it_cost(a_house) -> None:
    house: House = await a_house(MIXED)
    for text in ("Say hello", "Say goodbye", CARD):
        await house.chat(text, max_tokens=9)
    document = await told(house, "overview")
    cells = {(cell["sensitivity"], cell["zone"]): cell for cell in document["cells"]}
    assert len(cells) == 4 * 2
    assert cells["restricted", "on_prem"]["requests"] == 1
    kept = cells["restricted", "openai"]
    assert (kept["requests"], kept["vetoed"], kept["is_cleared"]) == (0, 1, False)
    assert sum(cell["requests"] for cell in cells.values() if cell["zone"] == "openai") == 2
    assert (document["requests"], document["sensitive"], document["left"], document["stopped"]) == (3, 1, 0, 0)
    records = await house.records()
    assert document["cost"]["paid"] == sum(record.outcome.cost or 0 for record in records)
    assert document["cost"]["baseline"] > document["cost"]["paid"]
    assert document["cost"]["baseline_of"] == "frontier"
    assert sum(band["requests"] for band in document["flow"]) == 3


async def test_decisions_are_chosen_by_their_columns_and_come_page_by_page(a_house) -> None:
    house: House = await a_house(MIXED)
    for text in ("Say hello", CARD, "Say goodbye"):
        await house.chat(text, max_tokens=9)
    chosen = await told(house, "decisions?sensitivity=restricted")
    assert [row["backend"] for row in chosen["rows"]] == ["local"]
    first = await told(house, "decisions?limit=2")
    second = await told(house, f"decisions?limit=2&after={first['after']}")
    ids = [row["id"] for row in first["rows"] + second["rows"]]
    assert len(set(ids)) == 3
    assert second["after"] is None


async def test_costs_set_what_was_paid_beside_all_at_the_baseline_and_all_at_home(a_house) -> None:
    house: House = await a_house(MIXED)
    for text in ("Say hello", CARD):
        await house.chat(text, max_tokens=9)
    document = await told(house, "costs")
    records = await house.records()
    backends = house.gateway.policy.backends
    for name, way in (("frontier", "all_baseline"), ("local", "all_local")):
        price = backends[name].price
        assert price is not None
        usages = [record.outcome.usage for record in records]
        bill = price.cost(sum(each.prompt_tokens for each in usages), sum(each.completion_tokens for each in usages))
        assert (document[way]["backend"], document[way]["least"], document[way]["most"]) == (name, bill, bill)
    assert document["paid"] == sum(record.outcome.cost for record in records)
    assert (document["machines"], document["break_even"]) == (0, [])


async def test_machines_that_cost_by_the_hour_are_told_with_their_break_even(a_house) -> None:
    hourly = MIXED.replace("{input_usd_per_million: 0.20, output_usd_per_million: 0.20}", "{gpu_hour_usd: 2}")
    house: House = await a_house(hourly)
    for text in ("Say hello", CARD):
        await house.chat(text, max_tokens=9)
    document = await told(house, "costs")
    assert document["machines"] == 24 * 2 * 10**9
    (machines,) = document["break_even"]
    assert (machines["backend"], machines["pays"]) == ("local", False)
    assert machines["break_even_tokens_a_day"] > machines["made_a_day"]
    assert document["all_local"]["least"] == document["machines"] < document["all_local"]["most"]


async def test_a_place_that_no_page_gave_is_refused(a_house) -> None:
    house: House = await a_house(MIXED)
    status, document = await asked(house, "decisions?after=nowhere")
    assert (status, document["error"]["code"]) == (400, "invalid_place")


async def test_quality_tells_how_hard_requests_were_and_how_long_backends_took(a_house) -> None:
    house: House = await a_house(MIXED)
    for text in ("Say hello", CARD):
        await house.chat(text, max_tokens=9)
    document = await told(house, "quality")
    records = await house.records()
    assert sum(each["requests"] for each in document["scores"]) == 2
    for record in records:
        (score,) = [
            each
            for each in document["scores"]
            if each["from"] <= record.verdict.complexity + 1e-9 < each["from"] + document["width"] + 1e-9
        ][:1]
        assert score["tier"] == record.verdict.tier.label
        (total,) = [each for each in document["times"] if (each["backend"], each["what"]) == (record.backend, "total")]
        assert total["up_to_ms"]["p99"] >= record.outcome.total_ms
    assert document["medium_from"] == house.gateway.policy.labelling.medium_from


async def test_one_decision_is_told_with_its_reasons_and_without_its_prompt(a_house) -> None:
    house: House = await a_house(MIXED)
    answer = await house.chat_raw(f"{CARD}, and the word is heliotrope", max_tokens=9)
    document = await told(house, f"decisions/{answer.headers['x-gateway-decision-id']}")
    assert document["excluded"][0]["veto"] == "clearance"
    assert [each["backend"] for each in document["tries"]] == ["local"]
    assert "signals" in document["explained"]
    text = json.dumps(document)
    assert "heliotrope" not in text
    assert "4111" not in text


async def test_a_decision_that_is_not_there_is_told_so(a_house) -> None:
    house: House = await a_house(MIXED)
    status, document = await asked(house, "decisions/dec_000000000000000000000000")
    assert (status, document["error"]["code"]) == (404, "no_such_decision")


async def test_backends_budgets_and_proofs_are_told(a_house) -> None:
    house: House = await a_house(MIXED)
    await house.chat("Say hello", max_tokens=9)
    backends = (await told(house, "backends"))["rows"]
    assert [(each["name"], each["zone"], len(each["replicas"])) for each in backends] == [
        ("local", "on_prem", 1),
        ("frontier", "openai", 1),
    ]
    (budget,) = (await told(house, "budgets"))["rows"]
    assert budget["limit"] == budget["spent"] + budget["held"] + budget["left"] == 5 * 10**9
    assert budget["spent"] > 0
    proofs = await told(house, "proofs")
    assert proofs["proofs"][0]["is_of_clearance"]
    assert proofs["proofs"][0]["holds"]
    assert proofs["policy"]["digest"] == house.gateway.policy.digest


async def test_a_span_that_is_none_is_refused(a_house) -> None:
    house: House = await a_house(MIXED)
    status, document = await asked(house, "overview?since=9&until=5")
    assert (status, document["error"]["code"]) == (400, "invalid_span")


@pytest.mark.parametrize("path", READABLE)
async def test_without_the_key_nothing_is_told(path: str) -> None:
    async with open_house(LOCAL_FIRST, environment={"GATEWAY_ADMIN_KEY": KEY}, is_watched=True) as house:
        assert (await asked(house, path))[0] == 401
        assert (await asked(house, path, authorization="Bearer wrong"))[0] == 401
        assert (await asked(house, path, authorization=f"Bearer {KEY}"))[0] in (200, 404)


@pytest.mark.parametrize("path", READABLE)
async def test_no_page_of_another_site_is_told_anything(a_house, path: str) -> None:
    house: House = await a_house(LOCAL_FIRST)
    for foreign in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        status, document = await asked(house, path, **foreign)
        assert (status, document["error"]["code"]) == (403, "cross_site")


async def test_a_browser_signs_in_with_the_key_and_is_known_by_a_cookie_that_no_script_reads() -> None:
    async with open_house(LOCAL_FIRST, environment={"GATEWAY_ADMIN_KEY": KEY}, is_watched=True) as house:
        async with house.http.post("/admin/session", json={"key": "wrong-key-of-some-length"}) as answer:
            assert answer.status == 401
        async with house.http.post("/admin/session", json={"key": KEY}) as answer:
            assert answer.status == 204
            cookie = answer.headers["set-cookie"]
        assert KEY not in cookie
        assert {"HttpOnly", "SameSite=Strict", "Path=/admin"} <= {part.strip() for part in cookie.split(";")}
        value = cookie.split(";")[0]
        house.http.cookie_jar.clear()
        assert (await asked(house, "overview", cookie=value))[0] == 200
        forged = f"gateway_admin={int(time.time()) + 99_999:x}.{value.partition('.')[2]}"
        assert (await asked(house, "overview", cookie=forged))[0] == 401
        assert (await asked(house, "overview", cookie="gateway_admin=zz.é"))[0] == 401


async def test_the_page_may_ask_nobody_but_the_gateway(a_house) -> None:
    house: House = await a_house(LOCAL_FIRST)
    for path in ("/dashboard", "/dashboard/decisions/dec_1"):
        async with house.http.get(path) as answer:
            assert answer.status in (200, 503)
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    for path in (
        "/dashboard/assets/../page.py",
        "/dashboard/assets/%2e%2e/%2e%2e/page.py",
        "/dashboard/assets/none.js",
    ):
        async with house.http.get(path) as answer:
            assert b"APIRouter" not in await answer.read()


async def test_words_that_look_like_script_stay_words_in_an_answer_that_no_browser_takes_for_a_page(a_house) -> None:
    hostile = "<script>alert(1)</script>"
    house: House = await a_house(MIXED.replace("openai: {clearance", f"openai: {{region: '{hostile}', clearance"))
    answer = await house.client.chat.completions.with_raw_response.create(
        model="auto",
        messages=[{"role": "user", "content": hostile}],
        max_tokens=2,
        extra_headers={"x-request-id": hostile, "x-gateway-tags": hostile, "user-agent": hostile},
    )
    one = f"decisions/{answer.headers['x-gateway-decision-id']}"
    await house.gateway.recorder.flushed()
    said_back = ("overview", "proofs", f"decisions/{hostile}")  # a region of the policy, and a route that there is not
    for path in (*READABLE, one, f"decisions?rule={hostile}&caller={hostile}", f"decisions/{hostile}"):
        async with house.http.get(f"/admin/{path}") as answered:
            body = await answered.text()
            assert answered.headers["content-type"] == "application/json"
            if answered.status == 200:
                assert answered.headers["x-content-type-options"] == "nosniff"
                assert answered.headers["cache-control"] == "no-store"
            assert (hostile in body) is (path in said_back)


async def test_looking_leaves_the_data_plane_alone(a_house) -> None:
    house: House = await a_house(MIXED)
    await house.chat("Say hello", max_tokens=9)
    looks = [told(house, "overview") for _ in range(20)]
    answers = [house.chat("Say hello", max_tokens=9) for _ in range(20)]
    assert len(await asyncio.gather(*looks, *answers)) == 40
