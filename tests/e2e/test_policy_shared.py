"""Machines that share a history serve the same: what is changed on one is on all within a second, whoever is down."""

import asyncio
import os

import pytest
from house import FRONTIER_FIRST, LOCAL_FIRST, House, until
from redis_servers import RedisServer

pytestmark = pytest.mark.slow
THIRD = FRONTIER_FIRST.replace("version: 1", "version: 3")


async def machine(a_house, server: RedisServer, policy: str = LOCAL_FIRST, **environment: str) -> House:
    """A gateway with files of its own; the history is the one that all share."""
    return await a_house(policy, is_watched=True, settings={"history": server.url}, environment=environment)


async def post(house: House, text: str, path: str = "") -> int:
    body = {"text": text, "author": "ada"} if text else {"author": "ada"}
    async with house.http.post(f"/admin/policy{path}", json=body) as answer:
        return answer.status


async def test_a_policy_posted_to_one_machine_is_in_the_file_of_each_and_served(a_house, redis_server) -> None:
    one, two = await machine(a_house, redis_server), await machine(a_house, redis_server)
    assert await post(one, FRONTIER_FIRST) == 200
    await until(lambda: two.gateway.policy.digest == one.gateway.policy.digest, 1.0)
    assert two.policy_file.read_text() == FRONTIER_FIRST
    assert await post(two, "", "/rollback") == 200
    await until(lambda: one.policy_file.read_text() == LOCAL_FIRST, 1.0)
    async with two.http.get("/admin/policy/history") as answer:
        rows = (await answer.json())["versions"]
    assert [(row["source"], row["restores"]) for row in rows] == [("rollback", 1), ("api", None), ("file", None)]


async def test_a_file_changed_on_one_machine_is_served_by_all(a_house, redis_server) -> None:
    one, two = await machine(a_house, redis_server), await machine(a_house, redis_server)
    one.policy_file.write_text(FRONTIER_FIRST)
    await until(lambda: two.policy_file.read_text() == FRONTIER_FIRST, 1.5)
    await until(lambda: two.gateway.policy.digest == one.gateway.policy.digest, 1.0)


async def test_a_machine_that_starts_with_an_old_file_takes_what_the_others_serve(a_house, redis_server) -> None:
    one = await machine(a_house, redis_server)
    assert await post(one, FRONTIER_FIRST) == 200
    two = await machine(a_house, redis_server, LOCAL_FIRST)
    assert (two.gateway.policy.digest, two.policy_file.read_text()) == (one.gateway.policy.digest, FRONTIER_FIRST)


async def test_a_machine_that_cannot_take_it_says_so_and_changes_nothing_elsewhere(a_house, redis_server) -> None:
    one = await machine(a_house, redis_server)
    needy = FRONTIER_FIRST.replace("${OPENAI_API_KEY}", "${ONLY_HERE}")
    other: House = await machine(a_house, redis_server, LOCAL_FIRST, ONLY_HERE="invented")
    assert await post(other, needy) == 200
    control = one.gateway.control
    assert control
    await until(lambda: control.reload.refused is not None)
    assert "version 2 of the policy, which was served elsewhere" in str(control.reload.refused)
    assert (one.policy_file.read_text(), other.policy_file.read_text()) == (LOCAL_FIRST, needy)
    late = await machine(a_house, redis_server)
    assert late.gateway.control
    assert late.gateway.control.reload.refused
    assert other.policy_file.read_text() == needy


async def test_while_redis_is_down_files_are_served_and_told_to_the_others_afterwards(a_house, redis_server) -> None:
    one, two = await machine(a_house, redis_server), await machine(a_house, redis_server)
    redis_server.kill()
    one.policy_file.write_text(FRONTIER_FIRST)
    await until(lambda: one.gateway.policy.rules[-1].routes[0].backend == "frontier", 2.0)
    assert await post(one, THIRD) == 503
    assert one.policy_file.read_text() == FRONTIER_FIRST
    await asyncio.to_thread(redis_server.start)
    await until(lambda: two.policy_file.read_text() == FRONTIER_FIRST, 3.0)


async def test_a_gateway_starts_without_its_redis(a_house, redis_server) -> None:
    redis_server.kill()
    house = await machine(a_house, redis_server)
    assert (await house.chat_raw("Say hello")).headers["x-gateway-backend"] == "local"
    assert "test.yaml" in os.listdir(house.policy_file.parent)
