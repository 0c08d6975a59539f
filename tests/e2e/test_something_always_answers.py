"""Promise 4: while a cleared backend can answer, the client gets an answer; else one honest error; never silence."""

import asyncio
import json
import os
import signal
import sys
import time

import aiohttp
import openai
import pytest
from house import FRONTIER_FIRST, LOCAL_FIRST, ZONES_AND_BACKENDS, House, events, text_of, until

from gateway.simulators.openai import OpenAISettings
from gateway.simulators.server import serve
from gateway.simulators.tgi import TgiSettings, tgi_app

pytestmark = pytest.mark.slow

BEFORE_THE_FIRST_BYTE = {"fail_status": 500, "overloaded": True, "cut_after_events": 0, "html": True, "cut_body": True}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", list(BEFORE_THE_FIRST_BYTE))
@pytest.mark.parametrize("first", ["local", "frontier"])
async def test_a_failure_before_the_first_byte_falls_back(a_house, first: str, fault: str, stream: bool) -> None:
    if fault == "cut_body" and stream:
        return  # a stream has no declared length to fall short of
    house: House = await a_house(LOCAL_FIRST if first == "local" else FRONTIER_FIRST)
    setattr((house.gpu if first == "local" else house.api).faults, fault, BEFORE_THE_FIRST_BYTE[fault])
    answer = await house.chat("Say hello", stream=stream)
    text = text_of([chunk async for chunk in answer]) if stream else answer.choices[0].message.content
    assert text
    (record,) = await house.records()
    assert [attempt.backend for attempt in record.outcome.attempts] == [
        first,
        "frontier" if first == "local" else "local",
    ]
    assert record.outcome.attempts[0].error


@pytest.mark.parametrize("model", ["local", "frontier"])
@pytest.mark.parametrize("events_before", [1, 4])
async def test_a_cut_stream_ends_in_an_error_event(house: House, model: str, events_before: int) -> None:
    (house.gpu if model == "local" else house.api).faults.cut_after_events = events_before
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Say hello"}]}
    async with house.http.post("/v1/chat/completions", json=body) as got:
        rows = events(await got.read())
    assert got.status == 200
    assert set(rows[-1]["error"]) == {"message", "type", "param", "code"}
    assert "[DONE]" not in rows
    with pytest.raises(openai.APIError):
        async for _ in await house.chat("Say hello", model=model, stream=True):
            pass
    records = await house.records()
    assert {record.outcome.ending.value for record in records} == {"interrupted"}


async def test_a_cut_generation_stream_ends_in_tgis_error_event(house: House) -> None:
    house.gpu.faults.cut_after_events = 2
    async with house.http.post("/generate_stream", json={"inputs": "Once upon a time"}) as got:
        rows = events(await got.read())
    assert set(rows[-1]) == {"error", "error_type"}


async def test_a_retry_stays_with_the_backend_when_the_policy_says_so(a_house) -> None:
    house: House = await a_house(ZONES_AND_BACKENDS + "otherwise: {route: [{to: local, retries: 2}, frontier]}\n")
    house.gpu.faults.fail_status = 500
    await house.chat("Say hello")
    assert len(house.sent_to(house.gpu)) == 3
    assert len(house.sent_to(house.api)) == 1


async def test_a_slow_first_byte_falls_back(a_house) -> None:
    policy = LOCAL_FIRST.replace("[local, frontier]", "[{to: local, first_byte: 200ms, total: 200ms}, frontier]")
    house: House = await a_house(policy, tgi=TgiSettings(prefill_ms=10_000))
    for stream in (True, False):
        raw = await house.chat_raw("Say hello", stream=stream)
        assert raw.headers["x-gateway-backend"] == "frontier"
    assert house.gpu.open_requests == 0


async def test_one_deadline_bounds_the_whole_chain(a_house) -> None:
    policy = "deadline: 400ms\n" + ZONES_AND_BACKENDS + "otherwise: {route: [{to: local, retries: 9}, frontier]}\n"
    house: House = await a_house(policy, tgi=TgiSettings(prefill_ms=10_000), api=OpenAISettings(prefill_ms=10_000))
    began = time.monotonic()
    with pytest.raises(openai.InternalServerError) as caught:
        await house.chat("Say hello")
    assert caught.value.status_code == 504
    assert caught.value.code == "deadline_exceeded"
    assert time.monotonic() - began < 5
    assert house.gateway.sweep.in_flight == 0


async def test_the_client_librarys_own_patience_bounds_the_chain(a_house) -> None:
    house: House = await a_house(tgi=TgiSettings(prefill_ms=10_000), api=OpenAISettings(prefill_ms=10_000))
    headers = {"x-stainless-read-timeout": "0.3"}
    body = {"model": "auto", "messages": [{"role": "user", "content": "Say hello"}]}
    async with house.http.post("/v1/chat/completions", json=body, headers=headers) as got:
        assert got.status == 504


async def test_a_deadline_in_the_stream_is_an_error_event(a_house) -> None:
    policy = "deadline: 500ms\n" + LOCAL_FIRST
    house: House = await a_house(policy, tgi=TgiSettings(token_ms=200))
    with pytest.raises(openai.APIError):
        async for _ in await house.chat("Say hello", stream=True):
            pass
    await until(lambda: house.gpu.open_requests == 0)


async def test_when_everything_is_down_there_is_one_honest_error(house: House) -> None:
    house.gpu.faults.fail_status = 500
    house.api.faults.fail_status = 500
    with pytest.raises(openai.InternalServerError) as caught:
        await house.chat("Say hello")
    assert caught.value.status_code == 503
    assert caught.value.code == "no_backend_available"


async def test_openais_own_400_is_told_as_it_is(house: House) -> None:
    body = {"model": "frontier", "messages": [{"role": "user", "content": "Say hello"}], "temperature": "hot"}
    async with house.http.post("/v1/chat/completions", json=body) as got:
        assert got.status == 400
        assert await got.read() == house.api.log[-1].answer
    assert house.sent_to(house.gpu) == []


async def test_an_exhausted_quota_falls_back_and_is_not_retried(a_house) -> None:
    house: House = await a_house(ZONES_AND_BACKENDS + "otherwise: {route: [{to: frontier, retries: 3}, local]}\n")
    house.api.faults.insufficient_quota = True
    raw = await house.chat_raw("Say hello")
    assert raw.headers["x-gateway-backend"] == "local"
    assert len(house.sent_to(house.api)) == 1


async def test_a_backend_that_asks_to_wait_is_left_alone_while_another_can_answer(a_house) -> None:
    policy = ZONES_AND_BACKENDS + "otherwise: {route: [{to: frontier, retries: 3}, local]}\n"
    house: House = await a_house(policy, api=OpenAISettings(requests_per_minute=1))
    answers = [await house.chat_raw("Say hello") for _ in range(2)]
    assert [raw.headers["x-gateway-backend"] for raw in answers] == ["frontier", "local"]
    assert len(house.sent_to(house.api)) == 2  # the second was told to come back in a second


async def test_the_last_route_is_tried_again_after_the_time_it_asked_for(a_house) -> None:
    house: House = await a_house(ZONES_AND_BACKENDS + "otherwise: {route: [{to: frontier, retries: 1}]}\n")
    house.api.faults.overloaded_first = 1
    assert (await house.chat("Say hello")).choices[0].message.content
    (record,) = await house.records()
    assert [attempt.error for attempt in record.outcome.attempts] == ["overloaded", ""]


async def test_a_second_replica_takes_over(a_house) -> None:
    async with serve(tgi_app(TgiSettings())) as second:
        policy = ZONES_AND_BACKENDS.replace('["${TGI_URL}"]', f'["${{TGI_URL}}", "{second.url}"]')
        house: House = await a_house(policy + "otherwise: {route: [{to: local, retries: 1}]}\n")
        house.gpu.faults.fail_status = 500
        for _ in range(4):
            assert (await house.chat("Say hello")).choices[0].message.content
        assert any(entry.method == "POST" for entry in second.log)


async def test_the_least_busy_replica_is_asked(a_house) -> None:
    slow = TgiSettings(prefill_ms=400)
    async with serve(tgi_app(slow)) as second:
        policy = ZONES_AND_BACKENDS.replace('["${TGI_URL}"]', f'["${{TGI_URL}}", "{second.url}"]')
        house: House = await a_house(policy + "otherwise: {route: [local]}\n", tgi=slow)
        await asyncio.gather(*(house.chat("Say hello") for _ in range(10)))
        counts = [sum(entry.method == "POST" for entry in log) for log in (house.gpu.log, second.log)]
        assert counts == [5, 5]


async def test_the_decision_is_in_the_headers_and_in_the_record(house: House) -> None:
    raw = await house.chat_raw("Say hello to jo@northwind-gears.eu", model="gpt-4-turbo")
    (record,) = await house.records()
    assert raw.headers["x-request-id"] == record.id
    assert raw.headers["x-gateway-decision-id"] == record.decision_id
    assert raw.headers["x-gateway-backend"] == record.backend == "local"
    assert raw.headers["x-gateway-rule"] == record.decision.rule == "otherwise"
    assert raw.headers["x-gateway-sensitivity"] == record.verdict.sensitivity.label
    assert raw.headers["x-gateway-complexity"] == record.verdict.tier.label
    usage = raw.parse().usage
    nano = (usage.prompt_tokens + usage.completion_tokens) * 200
    assert record.outcome.cost == nano
    assert float(raw.headers["x-gateway-cost-usd"]) == pytest.approx(nano / 1e9, abs=1e-12)


@pytest.mark.slow
async def test_sigterm_turns_unready_finishes_streams_and_exits(tmp_path) -> None:
    async with serve(tgi_app(TgiSettings(token_ms=60))) as gpu:
        policy = tmp_path / "policy.yaml"
        policy.write_text(ZONES_AND_BACKENDS + "otherwise: {route: [local]}\n")
        known = {
            **os.environ,
            "TGI_URL": gpu.url,
            "OPENAI_BASE_URL": "http://127.0.0.1:9",
            "OPENAI_API_KEY": "invented",
        }
        command = ["-m", "gateway", "serve", "--policy", str(policy), "--port", "0"]
        command += ["--journal", str(tmp_path / "j.sqlite"), "--unready-s", "0.5"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=known, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            said = (await process.stderr.readline()).decode()
            async with aiohttp.ClientSession(said.split()[-1]) as http:
                body = {"model": "local", "stream": True, "messages": [{"role": "user", "content": "Say hello"}]}
                async with http.post("/v1/chat/completions", json=body) as got:
                    first = await got.content.readany()
                    process.send_signal(signal.SIGTERM)
                    await _until_unready(http)
                    rest = await got.content.read()
            out, _ = await asyncio.wait_for(process.communicate(), 15)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert events(first + rest)[-1] == "[DONE]"
        assert process.returncode == 0
        lines = [json.loads(line) for line in out.splitlines()]
        assert [line["ending"] for line in lines] == ["completed"]


async def _until_unready(http: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(5):
        while True:
            async with http.get("/health") as got:
                if got.status == 503:
                    return
            await asyncio.sleep(0.02)
