"""Another policy while running: whole or not at all, for the next request, with nothing torn from under the last."""

import asyncio
import os
from pathlib import Path

import pytest
from house import FRONTIER_FIRST, LOCAL_FIRST, ZONES_AND_BACKENDS, House, text_of, until

from gateway.classify.weights import dump, load, shipped_weights
from gateway.control.reload import Reload
from gateway.simulators.tgi import TgiSettings

pytestmark = pytest.mark.slow

SLOWLY = TgiSettings(token_ms=5)
LEAKY = "invariants: [{never: {sensitivity: public, reaches: {zone: openai}}}]\n"


@pytest.fixture
async def watched(a_house) -> House:
    """Local first; its policy file is watched."""
    return await a_house(LOCAL_FIRST, SLOWLY, is_watched=True)


def reload_of(house: House) -> Reload:
    assert house.gateway.control
    return house.gateway.control.reload


def replaced(path: Path, text: str | bytes) -> None:
    """As editors and deployments do it: the new file takes the old one's place at once."""
    beside = path.with_suffix(".new")
    beside.write_bytes(text.encode() if isinstance(text, str) else text)
    os.replace(beside, path)


async def backend_of(house: House) -> str:
    return (await house.chat_raw("Say hello", max_tokens=2)).headers["x-gateway-backend"]


async def figure(house: House, line: str) -> float:
    rows = (await (await house.http.get("/metrics")).text()).splitlines()
    return next((float(row.split()[-1]) for row in rows if row.startswith(line)), 0.0)


async def test_a_changed_file_decides_the_next_request_within_a_second(watched: House) -> None:
    assert await backend_of(watched) == "local"
    replaced(watched.policy_file, FRONTIER_FIRST)
    await until(lambda: watched.gateway.policy.rules[-1].routes[0].backend == "frontier", 1.0)
    assert await backend_of(watched) == "frontier"
    first, second = await watched.records()
    assert first.decision.policy_digest != second.decision.policy_digest == watched.gateway.policy.digest
    assert await figure(watched, 'gateway_policy_reloads_total{outcome="served"}') == 1
    assert await figure(watched, f'gateway_policy_info{{digest="{watched.gateway.policy.digest}"') == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LOCAL_FIRST.replace("[local, frontier]", "[lokal]"), "did you mean `local`?"),
        (LOCAL_FIRST + LEAKY, "broken: no request that is public goes to zone `openai`"),
        (b"\xff\xfe", "UTF-8"),
        (None, "no such file"),
    ],
)
async def test_a_bad_file_changes_nothing_and_says_so(watched: House, capsys, text, reason: str) -> None:
    before = watched.gateway.policy.digest
    if text is None:
        watched.policy_file.unlink()
    else:
        replaced(watched.policy_file, text)
    await reload_of(watched).now()
    detail = (await (await watched.http.get("/readyz")).json())["policy"]
    assert (detail["digest"], await backend_of(watched)) == (before, "local")
    assert reason in detail["refused"]["reason"]
    assert await figure(watched, 'gateway_policy_reloads_total{outcome="refused"}') == 1
    assert f"gateway: what is served stays as it is: {detail['refused']['reason']}" in capsys.readouterr().err


async def test_a_changed_lexicon_is_served_as_a_changed_policy_is(watched: House) -> None:
    lexicon = watched.policy_file.with_name("customers.txt")
    lexicon.write_text("Acme\n")
    names = "classify: {sensitivity: {lexicons: [{name: customer, file: customers.txt, class: restricted}]}}\n"
    replaced(watched.policy_file, FRONTIER_FIRST + names)
    await until(lambda: watched.gateway.policy.files == ("customers.txt",), 1.0)
    assert (await watched.chat_raw("Write to Northwind Gears")).headers["x-gateway-backend"] == "frontier"
    replaced(lexicon, "Acme\nNorthwind Gears\n")
    await until(lambda: len(watched.gateway.policy.labelling.lexicons[0].entries) == 2, 1.0)
    assert (await watched.chat_raw("Write to Northwind Gears")).headers["x-gateway-backend"] == "local"
    before = watched.gateway.policy
    await reload_of(watched).now()
    assert watched.gateway.policy is before


async def test_a_file_that_was_put_right_is_no_longer_told_of(watched: House) -> None:
    watched.policy_file.write_text("{")
    await reload_of(watched).now()
    watched.policy_file.write_text(LOCAL_FIRST)
    await reload_of(watched).now()
    assert (await (await watched.http.get("/readyz")).json())["policy"]["refused"] is None


@pytest.mark.slow
async def test_a_file_that_is_still_being_written_is_not_served(watched: House) -> None:
    whole = FRONTIER_FIRST + "rules:\n- {name: all, when: {stream: true}, route: [local]}\n"
    with watched.policy_file.open("w") as file:
        for line in whole.splitlines(keepends=True):
            file.write(line)
            file.flush()
            await asyncio.sleep(0.02)
    await until(lambda: watched.gateway.policy.rules[0].name == "all")
    assert await figure(watched, 'gateway_policy_reloads_total{outcome="served"}') == 1


async def test_a_stream_ends_under_the_policy_that_began_it(watched: House) -> None:
    stream = await watched.chat("Count to twenty", stream=True)
    chunks = [await anext(stream)]
    replaced(watched.policy_file, ZONES_AND_BACKENDS.replace("local:", "gpu:") + "otherwise: {route: [frontier]}\n")
    await reload_of(watched).now()
    assert list(watched.gateway.policy.backends) == ["gpu", "frontier"]
    chunks += [chunk async for chunk in stream]
    assert len(text_of(chunks).split()) > 1
    (record,) = await watched.records()
    assert (record.backend, record.outcome.ending.value) == ("local", "completed")
    sent = 'gateway_attempts_total{backend="local",error="",sensitivity="public",zone="on_prem"}'
    assert await figure(watched, sent) == 1


async def test_an_unchanged_backend_keeps_its_connections_and_its_breaker(watched: House) -> None:
    kept, frontier = watched.gateway.fleet["local"], watched.gateway.fleet["frontier"]
    replaced(watched.policy_file, FRONTIER_FIRST.replace("input_usd_per_million: 5,", "input_usd_per_million: 6,"))
    await reload_of(watched).now()
    assert watched.gateway.fleet["local"] is kept
    assert watched.gateway.fleet["frontier"] is not frontier


async def test_what_no_policy_names_any_longer_is_closed_after_its_last_request(watched: House) -> None:
    tasks = {task.get_name() for task in asyncio.all_tasks()}
    stream = await watched.chat("Count to twenty", stream=True)
    replaced(watched.policy_file, ZONES_AND_BACKENDS.replace("local:", "gpu:") + "otherwise: {route: [gpu]}\n")
    await reload_of(watched).now()
    assert {"probe local", "probe gpu"} <= {task.get_name() for task in asyncio.all_tasks()}
    assert [chunk async for chunk in stream]
    await until(lambda: "probe local" not in {task.get_name() for task in asyncio.all_tasks()})
    assert "probe local" in tasks


async def test_a_new_backend_is_looked_at_before_it_is_served(watched: House) -> None:
    text = LOCAL_FIRST.replace('urls: ["${TGI_URL}"]', 'urls: ["http://127.0.0.1:9"]')
    replaced(watched.policy_file, text)
    await reload_of(watched).now()
    assert not watched.gateway.fleet.states["local"].is_up
    assert await backend_of(watched) == "frontier"


async def test_other_weights_are_taken_as_a_policy_is_and_bad_ones_are_not(a_house, tmp_path) -> None:
    path, none = tmp_path / "own.weights", [0.0] * len(shipped_weights().counters)
    path.write_bytes(dump([0.0] * len(shipped_weights().buckets), none, 1.0, none))
    house: House = await a_house(LOCAL_FIRST, is_watched=True, settings={"weights": path})
    other = dump([0.0] * len(shipped_weights().buckets), none, -1.0, none)
    for content in (other, other[:-1]):
        await house.chat("Say hello")
        replaced(path, content)
        await reload_of(house).now()
    await house.chat("Say hello")
    digests = [record.verdict.weights for record in await house.records()]
    assert digests[0] != digests[1] == digests[2] == load(other).digest[:16]
    assert (await (await house.http.get("/readyz")).json())["weights"] == {"digest": load(other).digest}
    refused = reload_of(house).refused
    assert refused
    assert "checksum does not match" in refused.reason


async def test_a_client_that_is_slow_to_send_is_served_by_the_policy_it_met(watched: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(watched.url.rsplit(":", 1)[1]))
    body = b'{"model": "auto", "messages": [{"role": "user", "content": "Say hello"}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % len(body) + body[:10])
    old = watched.gateway.policy.digest
    await until(lambda: watched.gateway.succession.pipeline.in_flight == 1)
    replaced(watched.policy_file, ZONES_AND_BACKENDS.replace("local:", "gpu:") + "otherwise: {route: [gpu]}\n")
    await reload_of(watched).now()
    writer.write(body[10:])
    assert b"200 OK" in await reader.readline()
    await reader.read()
    writer.close()
    (record,) = await watched.records()
    assert (record.decision.policy_digest, record.backend) == (old, "local")
