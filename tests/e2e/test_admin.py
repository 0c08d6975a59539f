"""The policy changed from outside: proved, written, kept with its author, served; or refused with nothing changed."""

import json
import os
from typing import Any

import pytest
from house import FRONTIER_FIRST, LOCAL_FIRST, House

from gateway.control.access import VARIABLE

KEY = "an-invented-admin-key"
BROKEN = LOCAL_FIRST.replace("[local, frontier]", "[lokal]")


@pytest.fixture
async def watched(a_house) -> House:
    """Local first; its policy file is watched, and no admin key is set."""
    return await a_house(LOCAL_FIRST, is_watched=True)


async def post(house: House, path: str, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    told = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with house.http.post(f"/admin/policy{path}", data=json.dumps(body), headers=told) as answer:
        return answer.status, json.loads(await answer.text())


async def get(house: House, path: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
    async with house.http.get(f"/admin/policy{path}", headers=headers) as answer:
        return answer.status, json.loads(await answer.text())


async def backend_of(house: House) -> str:
    return (await house.chat_raw("Say hello", max_tokens=2)).headers["x-gateway-backend"]


async def history(house: House) -> list[dict[str, Any]]:
    assert house.gateway.control
    await house.gateway.control.reload.now()  # so that what it started with is noted
    return (await get(house, "/history"))[1]["versions"]


async def test_a_posted_policy_decides_the_next_request_and_is_in_the_file(watched: House) -> None:
    await history(watched)
    status, said = await post(watched, "", {"text": FRONTIER_FIRST, "author": "ada", "note": "try the frontier"})
    assert (status, said["outcome"], said["policy"]["digest"]) == (200, "served", watched.gateway.policy.digest)
    assert said["proved"] == ["no request goes to a zone that is cleared for less than its class"]
    assert any("`frontier`" in line for line in said["changes"]["routed"])
    assert await backend_of(watched) == "frontier"
    assert watched.policy_file.read_text() == FRONTIER_FIRST
    newest, first = await history(watched)
    assert (newest["author"], newest["note"], newest["source"]) == ("ada", "try the frontier", "api")
    assert (first["source"], first["version"]) == ("file", 1)


async def test_a_dry_run_says_what_would_be_and_changes_nothing(watched: House) -> None:
    status, said = await post(watched, "?dry_run", {"text": FRONTIER_FIRST})
    assert (status, said["outcome"]) == (200, "fit")
    assert watched.policy_file.read_text() == LOCAL_FIRST
    assert await backend_of(watched) == "local"


async def test_a_bad_policy_is_refused_with_its_place_and_changes_nothing(watched: House) -> None:
    status, said = await post(watched, "", {"text": BROKEN})
    assert (status, said["error"]["code"]) == (422, "policy_refused")
    assert "did you mean `local`?" in said["error"]["message"]
    assert watched.policy_file.read_text() == LOCAL_FIRST
    assert [each["version"] for each in await history(watched)] == [1]


async def test_a_version_tells_its_text_and_what_it_changed(watched: House) -> None:
    await history(watched)
    await post(watched, "", {"text": FRONTIER_FIRST})
    _, second = await get(watched, "/history/2")
    assert second["text"] == FRONTIER_FIRST == (await get(watched))[1]["text"]
    assert "+otherwise: {route: [frontier, local]}" in second["difference"]["text"]
    assert second["difference"]["to"] == 1
    assert second["difference"]["meaning"]["routed"]
    assert (await get(watched, "/history/9"))[0] == 404


async def test_each_rollback_goes_one_step_further_back(watched: House) -> None:
    third = FRONTIER_FIRST.replace("version: 1", "version: 3")
    await history(watched)
    for text in (FRONTIER_FIRST, third):
        await post(watched, "", {"text": text})
    steps = [await post(watched, "/rollback", {"author": "ada"}) for _ in range(3)]
    assert [status for status, _ in steps] == [200, 200, 409]
    assert watched.policy_file.read_text() == LOCAL_FIRST
    assert [(each["source"], each["restores"]) for each in await history(watched)][:2] == [
        ("rollback", 1),
        ("rollback", 2),
    ]
    assert steps[-1][1]["error"]["code"] == "no_earlier_policy"


async def test_of_two_who_change_the_same_policy_the_second_is_told(watched: House) -> None:
    served = (await history(watched))[0]["digest"]
    assert (await post(watched, "", {"text": FRONTIER_FIRST, "replaces": served}))[0] == 200
    status, said = await post(watched, "", {"text": LOCAL_FIRST + "# mine\n", "replaces": served})
    assert (status, said["error"]["code"]) == (409, "policy_has_changed")
    assert watched.policy_file.read_text() == FRONTIER_FIRST


async def test_a_file_that_cannot_be_written_is_said_so_and_nothing_is_served(watched: House) -> None:
    watched.policy_file.unlink()
    watched.policy_file.mkdir()
    status, said = await post(watched, "", {"text": FRONTIER_FIRST})
    assert (status, said["error"]["code"]) == (409, "policy_file_not_writable")
    assert await backend_of(watched) == "local"
    assert [path.name for path in watched.policy_file.parent.glob(".test*")] == []


async def test_a_policy_put_right_by_the_api_heals_a_bad_file(watched: House) -> None:
    watched.policy_file.write_text(BROKEN)
    assert (await post(watched, "", {"text": LOCAL_FIRST}))[0] == 200
    assert watched.policy_file.read_text() == LOCAL_FIRST


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer another-invented-key"}, 401),
        ({"authorization": f"Bearer {KEY}"}, 200),
        ({"authorization": f"Bearer {KEY}", "origin": "https://evil.test"}, 403),
        ({"authorization": f"Bearer {KEY}", "sec_fetch_site": "cross-site"}, 403),
        ({"authorization": f"Bearer {KEY}", "content_type": "text/plain"}, 415),
    ],
)
async def test_with_an_admin_key_only_who_has_it_is_let_in(a_house, headers, status: int) -> None:
    house: House = await a_house(LOCAL_FIRST, is_watched=True, environment={VARIABLE: KEY})
    answered, _ = await post(house, "?dry_run=true", {"text": LOCAL_FIRST}, **headers)
    assert answered == status


@pytest.mark.parametrize(
    "header", [{"x-forwarded-for": "10.0.0.1"}, {"host": "evil.test"}, {"origin": "http://evil.test"}]
)
async def test_without_a_key_nobody_comes_in_through_a_proxy_or_a_web_page(watched: House, header) -> None:
    status, said = await get(watched, **header)
    assert status == 403
    assert VARIABLE in said["error"]["message"] or said["error"]["code"] == "cross_site"


@pytest.mark.parametrize(
    "body", [{"text": 5}, {"txt": LOCAL_FIRST}, {"text": LOCAL_FIRST, "note": "two\nlines"}, {"text": ""}]
)
async def test_a_body_that_cannot_be_read_is_refused(watched: House, body) -> None:
    status, said = await post(watched, "", body)
    assert status == 400
    assert said["error"]["code"] in ("invalid_body", "no_policy")


async def test_a_gateway_without_files_has_no_admin_routes(house: House) -> None:
    assert (await get(house))[0] == 404
    assert "journal.policies.sqlite" not in os.listdir(house.journal.parent)
