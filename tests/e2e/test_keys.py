"""Keys that are issued beside the policy: they let in, narrow, run out, and are taken back while the gateway runs."""

import asyncio
import json
from pathlib import Path

import openai
import pytest
from house import FRONTIER_FIRST, House

from gateway.cli import main

pytestmark = pytest.mark.slow

CALLERS = 'callers: {billing: {key: "${BILLING_KEY}", team: finance}}\n'
SOON_S = 2.0
"""How soon a change is promised to count."""


@pytest.fixture
def issued(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`issued("create", "--caller", ...)`: what the command prints, its file given."""

    def run(verb: str, *words: str) -> str:
        assert main(["keys", verb, "--keys", str(tmp_path / "keys.sqlite"), *words]) == 0
        return capsys.readouterr().out.strip()

    return run


@pytest.fixture
async def house_with_keys(a_house, tmp_path: Path):
    async def build(policy: str = FRONTIER_FIRST + CALLERS) -> House:
        keys = {"keys": str(tmp_path / "keys.sqlite")}
        return await a_house(policy, settings=keys, environment={"BILLING_KEY": "of-the-policy"})

    return build


async def says(house: House, key: str, **more: object) -> str:
    """Which backend answers, or the code of the refusal."""
    client = house.client.with_options(api_key=key)
    request = {"model": "auto", "messages": [{"role": "user", "content": "Good morning"}], **more}
    try:
        answer = await client.chat.completions.with_raw_response.create(**request)
    except openai.APIStatusError as error:
        return str(error.code)
    return str(answer.headers["x-gateway-backend"])


async def comes_to(house: House, key: str, said: str) -> None:
    async with asyncio.timeout(SOON_S):
        while await says(house, key) != said:
            await asyncio.sleep(0.01)


def only(issued) -> str:
    """The id of the one key there is."""
    return str(json.loads(issued("list", "--json"))["id"])


async def test_an_issued_key_lets_in_as_its_caller_beside_the_policys_own(issued, house_with_keys) -> None:
    key = issued("create", "--caller", "billing")
    house = await house_with_keys()
    assert [await says(house, each) for each in (key, "of-the-policy", "any")] == [
        "frontier",
        "frontier",
        "invalid_api_key",
    ]
    assert {(record.caller.id, record.caller.team) for record in await house.records()} == {("billing", "finance")}


async def test_a_key_that_is_revoked_counts_no_more_within_two_seconds(issued, house_with_keys) -> None:
    key = issued("create", "--caller", "billing")
    house = await house_with_keys()
    assert await says(house, key) == "frontier"
    issued("revoke", only(issued))
    await comes_to(house, key, "invalid_api_key")


async def test_a_key_that_is_rotated_is_followed_by_another_with_the_same_scopes(issued, house_with_keys) -> None:
    old = issued("create", "--caller", "billing", "--zone", "on_prem")
    house = await house_with_keys()
    new = issued("rotate", only(issued), "--keep", "1h")
    await comes_to(house, new, "local")
    assert await says(house, old) == "local"


async def test_a_zone_scope_strikes_routes_out_even_of_a_model_that_is_asked_for_by_name(
    issued, house_with_keys
) -> None:
    key = issued("create", "--caller", "billing", "--zone", "on_prem")
    house = await house_with_keys()
    assert await says(house, key) == "local"
    assert await says(house, key, model="frontier") == "zone_not_allowed"
    assert house.sent_to(house.api) == []


async def test_a_zone_scope_never_lets_through_what_the_zone_is_not_cleared_for(issued, house_with_keys) -> None:
    key = issued("create", "--caller", "billing", "--zone", "openai")
    house = await house_with_keys()
    private = [{"role": "user", "content": "My card is 4111 1111 1111 1111, explain the charge"}]
    assert await says(house, key, messages=private) == "zone_not_allowed"
    assert house.sent_to(house.api) == house.sent_to(house.gpu) == []


async def test_scopes_of_models_and_endpoints_refuse_everything_else(issued, house_with_keys) -> None:
    models = issued("create", "--caller", "billing", "--model", "gpt-5.5")
    endpoints = issued("create", "--caller", "billing", "--endpoint", "embeddings")
    house = await house_with_keys()
    assert await says(house, models, model="gpt-5.5") == "frontier"
    assert await says(house, models) == "model_not_allowed"
    assert await says(house, endpoints) == "endpoint_not_allowed"
    with pytest.raises(openai.PermissionDeniedError, match="this model"):
        await house.client.with_options(api_key=models).files.list()


async def test_a_key_that_has_run_out_or_whose_caller_the_policy_does_not_list_lets_nobody_in(
    issued, house_with_keys
) -> None:
    expired = issued("create", "--caller", "billing", "--expires", "0m")
    stranger = issued("create", "--caller", "nobody")
    house = await house_with_keys()
    assert [await says(house, each) for each in (expired, stranger)] == ["invalid_api_key"] * 2


async def test_an_open_policy_is_closed_where_keys_are_issued(issued, house_with_keys) -> None:
    key = issued("create", "--caller", "anonymous")
    house = await house_with_keys(FRONTIER_FIRST)
    assert [await says(house, each) for each in (key, "any")] == ["frontier", "invalid_api_key"]


def test_no_key_is_in_the_file_or_in_the_list(issued, tmp_path: Path) -> None:
    key = issued("create", "--caller", "billing")
    kept = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert key.encode() not in kept
    assert key not in issued("list") + issued("list", "--json")
    assert (tmp_path / "keys.sqlite").stat().st_mode & 0o077 == 0


def test_a_revoked_key_is_not_brought_back_by_rotating_it(issued, tmp_path: Path, capsys) -> None:
    issued("create", "--caller", "billing")
    issued("revoke", only(issued))
    assert main(["keys", "rotate", "--keys", str(tmp_path / "keys.sqlite"), only(issued)]) == 2
    assert "counts no more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "reason"),
    [("no/such/folder.sqlite", "create its folder and make it writable"), ("other.txt", "it is not an sqlite file")],
)
def test_a_file_that_cannot_hold_keys_is_told_with_its_remedy(tmp_path: Path, capsys, file: str, reason: str) -> None:
    (tmp_path / "other.txt").write_text("something that somebody else wrote down and wants to keep" * 20)
    assert main(["keys", "create", "--keys", str(tmp_path / file), "--caller", "billing"]) == 2
    assert reason in capsys.readouterr().err.lower()
    assert (tmp_path / "other.txt").read_text().startswith("something")
