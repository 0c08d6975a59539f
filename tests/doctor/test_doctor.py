"""`gateway doctor`: what is wrong with the world is told with its remedy, nothing is spent, and no secret is shown."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from redis_servers import RedisServer

from gateway.config import Settings
from gateway.doctor.clocks import compared, stamp_of
from gateway.doctor.command import looked_at
from gateway.doctor.result import Grade, Result
from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import serve
from gateway.simulators.tgi import TgiSettings, tgi_app

pytestmark = pytest.mark.slow

POLICY = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: looked-at, version: 1}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal}
backends:
  local: {zone: on_prem, kind: tgi, urls: ["${TGI_URL}"], model: llama, api_key: "${TGI_KEY}", context_tokens: 4096}
  frontier: {zone: openai, kind: openai, urls: ["${OPENAI_BASE_URL}"], model: gpt-5.5, api_key: "${OPENAI_API_KEY}"}
otherwise: {route: [local]}
invariants:
  - never: {sensitivity: {at_least: confidential}, reaches: {zone: openai}}
"""
KEY, TGI_KEY, PASSWORD = "invented-openai-key", "invented-tgi-key", "invented-password"
NOWHERE = "http://127.0.0.1:9"


def known(**named: str) -> dict[str, str]:
    return {
        "TGI_URL": NOWHERE,
        "TGI_KEY": TGI_KEY,
        "OPENAI_BASE_URL": NOWHERE,
        "OPENAI_API_KEY": KEY,
        **named,
    }


async def seen(folder: Path, environment: dict[str, str], text: str = POLICY, **given: object) -> list[Result]:
    policy = folder / "policy.yaml"
    policy.write_text(text)
    settings = Settings.read({}, {"journal": folder / "journal.sqlite", "port": 0, **given})
    return await asyncio.to_thread(looked_at, policy, settings, environment)


def said(results: list[Result], about: str, grade: Grade = Grade.TROUBLE) -> str:
    """All that is said of this with this grade, remedies too."""
    return "\n".join(
        f"{each.sentence} -> {each.remedy}" for each in results if about in each.about and each.grade is grade
    )


async def test_where_all_is_well_nothing_is_to_be_mended_and_nothing_was_generated(tmp_path: Path) -> None:
    async with (
        serve(tgi_app(TgiSettings(api_key=TGI_KEY, model_id="llama"))) as tgi,
        serve(openai_app(OpenAISettings(api_key=KEY))) as api,
    ):
        results = await seen(tmp_path, known(TGI_URL=tgi.url, OPENAI_BASE_URL=api.url))
        assert [each for each in results if each.grade is not Grade.OK] == []
        assert "takes the key" in said(results, "`frontier`", Grade.OK)
        assert "128 requests at once" in said(results, "`local`", Grade.OK)
        assert {entry.path for entry in tgi.log if entry.method == "POST"} == {"/tokenize"}
        assert [entry.path for entry in api.log if entry.method == "POST"] == []
        assert (tgi.bill, api.bill) == ({}, {})


async def test_a_backend_that_is_not_there_is_told_with_where_it_was_looked_for(tmp_path: Path) -> None:
    results = await seen(tmp_path, known())
    assert "no connection: connection refused -> see that it runs" in said(results, "`local` at `127.0.0.1:9`")


async def test_a_key_that_is_refused_is_told_though_health_needs_none(tmp_path: Path) -> None:
    async with (
        serve(tgi_app(TgiSettings(api_key="another"))) as tgi,
        serve(openai_app(OpenAISettings(api_key="another"))) as api,
    ):
        results = await seen(tmp_path, known(TGI_URL=tgi.url, OPENAI_BASE_URL=api.url))
    for name in ("`local`", "`frontier`"):
        assert "refused the gateway's key (401) -> see that the variable in `api_key`" in said(results, name)


async def test_a_tgi_that_takes_less_than_the_policy_says_or_serves_another_model_is_told(tmp_path: Path) -> None:
    settings = TgiSettings(api_key=TGI_KEY, max_total_tokens=2048, max_input_tokens=1024, model_id="mistral")
    async with serve(tgi_app(settings)) as tgi:
        results = await seen(tmp_path, known(TGI_URL=tgi.url))
    assert "it takes 2,048 tokens, the policy says 4,096 -> lower `context_tokens`" in said(results, "`local`")
    assert "it serves `mistral`, the policy says `llama`" in said(results, "`local`", Grade.WARNING)


async def test_a_server_that_is_up_but_not_well_is_told(tmp_path: Path) -> None:
    async with serve(tgi_app(TgiSettings(api_key=TGI_KEY))) as tgi:
        tgi.faults.unhealthy = True
        results = await seen(tmp_path, known(TGI_URL=tgi.url))
    assert "its health check answered 503 -> it runs, but is not well" in said(results, "`local`")


async def test_a_model_that_a_service_does_not_list_is_told(tmp_path: Path) -> None:
    async with serve(openai_app(OpenAISettings(api_key=KEY))) as api:
        text = POLICY.replace("gpt-5.5", "gpt-from-next-year")
        results = await seen(tmp_path, known(OPENAI_BASE_URL=api.url), text)
    assert "does not list the model `gpt-from-next-year`" in said(results, "`frontier`", Grade.WARNING)


async def _an_hour_ago(scope: Any, receive: Any, send: Any) -> None:
    """A server whose clock stopped in 2020."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(b"content-length", b"11"), (b"date", b"Wed, 01 Jan 2020 00:00:00 GMT")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"data":[]}'})


async def test_a_clock_that_is_far_off_is_told(tmp_path: Path) -> None:
    async with serve(_an_hour_ago) as api:
        results = await seen(tmp_path, known(OPENAI_BASE_URL=api.url))
    assert "s behind ours -> have both machines follow a time server" in said(results, "`frontier`")


def test_clocks_that_differ_by_what_a_header_cannot_tell_agree() -> None:
    assert stamp_of("Wed, 01 Jan 2020 00:00:00 GMT") == 1577836800.0
    assert stamp_of("yesterday") is None
    assert [compared("it", theirs, 100.0, 101.0).grade for theirs in (96.0, 100.5, 106.0, 94.0, 110.0, 400.0, 1.0)] == [
        *(Grade.OK,) * 3,
        *(Grade.WARNING,) * 2,
        *(Grade.TROUBLE,) * 2,
    ]


async def test_a_policy_that_breaks_its_promise_or_lacks_a_secret_is_told_and_its_backends_are_asked_all_the_same(
    tmp_path: Path,
) -> None:
    text = (
        POLICY.replace("otherwise: {route: [local]}", "otherwise: {route: [local]}")
        .replace("openai: {clearance: internal}", "openai: {clearance: restricted}")
        .replace("route: [local]", "route: [frontier]")
    )
    environment = known()
    del environment["OPENAI_API_KEY"]
    results = await seen(tmp_path, environment, text)
    assert "policy check" in said(results, "policy `looked-at`")
    assert "`OPENAI_API_KEY`" in said(results, "policy") or "OPENAI_API_KEY" in said(results, "policy")
    assert "connection refused" in said(results, "`local`")


async def test_a_policy_that_cannot_be_read_is_told_with_its_line_and_the_machine_is_looked_at(tmp_path: Path) -> None:
    results = await seen(tmp_path, known(), POLICY.replace("clearance: internal", "clearence: internal"))
    assert "policy.yaml:6" in said(results, "policy")
    assert said(results, "journal", Grade.OK)


async def test_folders_and_files_that_cannot_be_used_are_told_and_none_is_made(tmp_path: Path) -> None:
    (tmp_path / "no.sqlite").write_text("nothing that SQLite would read")
    results = await seen(tmp_path, known(), journal=tmp_path / "gone" / "j.sqlite", ledger=str(tmp_path / "no.sqlite"))
    assert "there is no folder" in said(results, "journal")
    assert "it is no SQLite file" in said(results, "ledger")
    assert set(os.listdir(tmp_path)) == {"policy.yaml", "no.sqlite"}


async def test_weights_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("not weights")
    assert said(await seen(tmp_path, known(), weights=tmp_path / "w"), "weights")


async def test_a_redis_that_keeps_what_it_is_told_is_well(tmp_path: Path, redis_url: str) -> None:
    results = await seen(tmp_path, known(), ledger=redis_url, history=redis_url)
    for name in ("ledger in Redis", "history in Redis"):
        assert "scripts may write there" in said(results, name, Grade.OK)
        assert "its clock and ours agree" in said(results, name, Grade.OK)
        assert said(results, name) == said(results, name, Grade.WARNING) == ""


async def test_a_redis_that_is_gone_or_forgets_is_told_and_its_password_is_not(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    url = redis_server.url.replace("redis://", f"redis://nobody:{PASSWORD}@")
    refused = await seen(tmp_path, known(), ledger=url)
    redis_server.kill()
    gone = await seen(tmp_path, known(), ledger=url)
    redis_server.start(forgets=True)
    forgetful = await seen(tmp_path, known(), ledger=redis_server.url)
    assert "it refused the password" in said(refused, "ledger in Redis")
    assert "no connection -> see that it runs" in said(gone, "ledger in Redis")
    assert "`--appendonly yes`" in said(forgetful, "ledger in Redis", Grade.WARNING)
    assert PASSWORD not in repr([*refused, *gone])


async def test_a_store_that_there_is_not_is_told(tmp_path: Path) -> None:
    results = await seen(tmp_path, known(), ledger="postgresql://127.0.0.1/gateway")
    assert "cannot be a `postgresql://` address" in said(results, "ledger")


@pytest.mark.slow
def test_the_command_ends_with_1_says_it_in_json_and_shows_no_secret(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    command = f"ulimit -n 256; exec {sys.executable} -m gateway doctor --policy policy.yaml --port 0"
    ran = [
        subprocess.run(
            ["sh", "-c", command + flag],
            cwd=tmp_path,
            env=os.environ | known(),
            capture_output=True,
            text=True,
            check=False,
        )
        for flag in ("", " --json")
    ]
    assert [each.returncode for each in ran] == [1, 1]
    assert "MEND  backend `local` at `127.0.0.1:9`" in ran[0].stdout
    report = json.loads(ran[1].stdout)
    assert report["ok"] is False
    few = next(row for row in report["results"] if row["about"] == "open files")
    assert (few["grade"], "ulimit -n 65536" in few["remedy"]) == ("warning", True)
    shown = "".join(each.stdout + each.stderr for each in ran)
    assert not [secret for secret in (KEY, TGI_KEY) if secret in shown]
    assert {each.name for each in tmp_path.iterdir()} == {"policy.yaml"}
