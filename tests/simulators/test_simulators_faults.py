"""Faults: each is what a client would meet, can be set while running, and goes away again."""

import asyncio
import json
import time

import aiohttp
import pytest
import uvloop
from asking import CHAT, HELLO, Asking, events

from gateway.simulators.faults import Faults
from gateway.simulators.openai import openai_app
from gateway.simulators.server import serve
from gateway.simulators.tgi import TgiSettings, tgi_app


async def raw(port: int, body: dict[str, object]) -> tuple[bytes, Exception | None]:
    """Everything a bare socket receives, and how the connection ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = json.dumps({"model": "tgi", "messages": HELLO, **body}).encode()
    writer.write(
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n"
        f"content-length: {len(data)}\r\n\r\n".encode()
        + data
    )
    received, failure = b"", None
    try:
        while piece := await reader.read(65536):
            received += piece
    except ConnectionError as error:
        failure = error
    finally:
        writer.close()
    return received, failure


@pytest.mark.parametrize("events_before", [1, 3])
async def test_a_stream_can_end_in_a_reset(either: Asking, events_before: int) -> None:
    either.simulator.faults.cut_after_events = events_before
    received, failure = await raw(either.simulator.port, {"stream": True})
    assert isinstance(failure, ConnectionResetError)
    assert received.count(b"data: ") == events_before
    with pytest.raises(aiohttp.ClientError):
        await either.chat(stream=True)


async def test_a_stream_can_end_inside_the_answer_without_a_reset(either: Asking) -> None:
    either.simulator.faults.cut_after_events, either.simulator.faults.cut_with = 3, "eof"
    received, failure = await raw(either.simulator.port, {"stream": True})
    assert failure is None
    assert received.count(b"data: ") == 3
    assert not received.endswith(b"0\r\n\r\n")
    with pytest.raises(aiohttp.ClientPayloadError):
        await either.chat(stream=True)


async def test_a_stream_can_end_early_and_in_good_order(either: Asking) -> None:
    either.simulator.faults.cut_after_events, either.simulator.faults.cut_with = 3, "end"
    rows = (await either.chat(stream=True)).events
    assert len(rows) == 3
    assert "[DONE]" not in rows


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("how", ["reset", "eof"])
async def test_a_cut_after_no_event_is_before_the_first_byte(either: Asking, how: str, stream: bool) -> None:
    either.simulator.faults.cut_after_events, either.simulator.faults.cut_with = 0, how
    received, failure = await raw(either.simulator.port, {"stream": stream})
    assert received == b""
    assert isinstance(failure, ConnectionResetError) == (how == "reset")


async def test_a_whole_answer_counts_as_one_event(either: Asking) -> None:
    either.simulator.faults.cut_after_events = 1
    assert (await either.chat()).status == 200


async def test_a_body_can_be_shorter_than_promised(either: Asking) -> None:
    either.simulator.faults.cut_body = True
    received, failure = await raw(either.simulator.port, {})
    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(next(line for line in head.splitlines() if line.startswith(b"content-length")).split(b":")[1])
    assert failure is None
    assert promised > len(body)
    with pytest.raises(aiohttp.ClientPayloadError):
        await either.chat()


async def test_a_hanging_service_accepts_and_never_answers(either: Asking) -> None:
    either.simulator.faults.hang = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await either.chat()
    either.simulator.faults.hang = False
    assert (await either.chat()).status == 200


async def test_what_stands_in_front_answers_with_a_page(either: Asking) -> None:
    either.simulator.faults.html = True
    for stream in (False, True):
        got = await either.chat(stream=stream)
        assert got.status in {502, 520}
        assert got.headers["content-type"].startswith("text/html")
        assert b"<html" in got.body


async def test_a_status_can_be_forced_with_any_body(either: Asking) -> None:
    either.simulator.faults.fail_status = 500
    assert (await either.chat()).json["error"]
    either.simulator.faults.fail_body = '{"strange": true}'
    got = await either.chat(stream=True)
    assert (got.status, got.json) == (500, {"strange": True})


async def test_overload_can_last_for_so_many_requests(either: Asking) -> None:
    either.simulator.faults.overloaded_first = 2
    statuses = [(await either.chat()).status for _ in range(4)]
    assert [status == 200 for status in statuses] == [False, False, True, True]


async def test_overload_can_come_every_so_often(either: Asking) -> None:
    either.simulator.faults.overloaded_every = 3
    statuses = [(await either.chat()).status for _ in range(6)]
    assert [status == 200 for status in statuses] == [True, True, False, True, True, False]


async def test_faults_leave_get_routes_alone(either: Asking) -> None:
    faults = either.simulator.faults
    faults.hang = faults.html = faults.overloaded = True
    faults.cut_after_events, faults.fail_status = 0, 500
    assert (await either.get("/v1/models")).status == 200


async def test_faults_can_be_set_from_outside(either: Asking) -> None:
    got = await either.send("PUT", "/_simulator/faults", b'{"fail_status": 503, "token_ms": 2}')
    assert got.json["fail_status"] == 503
    assert (await either.chat()).status == 503
    await either.send("PUT", "/_simulator/faults", b'{"fail_status": null}')
    assert (await either.chat()).status == 200
    assert either.simulator.faults == Faults(token_ms=2)


@pytest.mark.parametrize("wrong", [b'{"hangs": true}', b'{"hang": "yes"}', b"[]", b"{"])
async def test_a_wrong_fault_is_refused_and_changes_nothing(either: Asking, wrong: bytes) -> None:
    got = await either.send("PUT", "/_simulator/faults", wrong)
    assert got.status == 400
    assert got.json["error"]
    assert either.simulator.faults == Faults()


async def test_a_misspelt_fault_is_an_error_in_process_too(either: Asking) -> None:
    with pytest.raises(AttributeError, match="no fault `hangs`"):
        either.simulator.faults.hangs = True


async def test_the_times_are_those_that_were_set(either: Asking) -> None:
    either.simulator.faults.prefill_ms, either.simulator.faults.token_ms = 100, 10
    began = time.monotonic()
    await either.chat(max_tokens=10)
    assert 0.19 < time.monotonic() - began < 1


async def test_tokens_come_one_by_one(either: Asking) -> None:
    either.simulator.faults.token_ms = 30
    body = {"model": "tgi", "messages": HELLO, "stream": True, "max_tokens": 5}
    async with either.http.post(either.simulator.url + CHAT, json=body) as got:
        arrivals = [time.monotonic() async for line in got.content if line.startswith(b"data: ")]
    assert arrivals[-1] - arrivals[0] > 0.1


async def test_jitter_keeps_within_its_share(either: Asking) -> None:
    either.simulator.faults.prefill_ms, either.simulator.faults.jitter = 100, 0.5
    began = time.monotonic()
    await either.chat(max_tokens=2)
    assert 0.05 < time.monotonic() - began < 0.5


async def test_the_check_of_a_sick_server_is_slow_and_says_no(tgi: Asking) -> None:
    tgi.simulator.faults.unhealthy, tgi.simulator.faults.slow_health_ms = True, 100
    began = time.monotonic()
    got = await tgi.get("/health")
    assert time.monotonic() - began >= 0.1
    assert (got.status, got.json) == (503, {"error": "unhealthy", "error_type": "healthcheck"})
    assert (await tgi.chat()).status == 200


async def test_a_stream_of_tgi_fails_in_a_200(tgi: Asking) -> None:
    tgi.simulator.faults.error_event_first = True
    got = await tgi.chat(stream=True)
    error, done = got.events
    assert got.status == 200
    assert error["error"]["message"].startswith("Request failed during generation: ")
    assert done == "[DONE]"
    whole = await tgi.chat()
    assert (whole.status, whole.json["error_type"]) == (424, "generation")


async def test_a_stream_of_openai_can_fail_in_a_200(account: Asking) -> None:
    account.simulator.faults.error_event_first = True
    got = await account.chat(stream=True)
    assert got.status == 200
    assert [set(row["error"]) for row in got.events] == [{"message", "type", "param", "code"}]
    assert (await account.chat()).status == 500


async def test_overload_of_openai_says_when_to_come_back(account: Asking) -> None:
    account.simulator.faults.overloaded = True
    got = await account.chat(stream=True)
    assert (got.status, got.json["error"]["code"]) == (503, "server_is_overloaded")
    assert got.headers["retry-after"] == "1"


async def test_a_spent_quota_is_a_429_of_its_own(account: Asking) -> None:
    account.simulator.faults.insufficient_quota = True
    got = await account.chat()
    assert (got.status, got.json["error"]["code"]) == (429, "insufficient_quota")
    assert "retry-after" not in got.headers


@pytest.mark.parametrize("build", [tgi_app, openai_app])
def test_cuts_and_leavings_work_under_uvloop_too(build) -> None:
    async def visit() -> None:
        async with serve(build()) as running:
            running.faults.cut_after_events = 2
            received, failure = await raw(running.port, {"stream": True})
            assert received.count(b"data: ") == 2
            assert isinstance(failure, ConnectionResetError)
            running.faults.cut_with = "eof"
            _, failure = await raw(running.port, {"stream": True})
            assert failure is None
            running.faults.cut_after_events, running.faults.prefill_ms = None, 60_000
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(raw(running.port, {}), 0.1)
        assert running.open_requests == 0

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(visit())


async def test_a_silent_stream_of_tgi_says_that_it_lives(http: aiohttp.ClientSession) -> None:
    async with serve(tgi_app(TgiSettings(prefill_ms=220, keep_alive_s=0.05))) as running:
        got = await Asking(running, http).chat(stream=True, max_tokens=2)
    assert got.body.startswith(b": \n\n: \n\n")
    assert len(events(got.body)) == 3
