"""The load that servers tell: read with each probe, believed where it can be read, and what follows from it."""

import asyncio

import aiohttp
import pytest
from asked import Message, Receive, Send, Server, backend, until

from gateway.app import SystemClock
from gateway.backends.meters import NAMES, reading
from gateway.backends.probes import probe
from gateway.backends.replicas import Replicas
from gateway.core.capabilities import TELL_THEIR_QUEUE
from gateway.core.load import SaturatedAt
from gateway.core.types import BackendKind, Standing
from gateway.limits.load import Reading
from gateway.simulators.server import serve
from gateway.simulators.tgi import TgiSettings, tgi_app

pytestmark = pytest.mark.slow

A, B = "http://10.0.0.1:8080", "http://10.0.0.2:8080"

VLLM = b"""# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="a } b"} 3.0
vllm:num_requests_waiting{engine="1",model_name="a } b"} 2.0
vllm:num_requests_running{engine="0",model_name="a } b"} 16.0
vllm:request_inference_time_seconds_bucket{engine="0",le="0.3",model_name="a } b"} 1.0
vllm:request_inference_time_seconds_count{engine="0",model_name="a } b"} 40.0
vllm:request_inference_time_seconds_sum{engine="0",model_name="a } b"} 8.1e+01
vllm:num_requests_waiting_by_reason{reason="capacity"} 70.0
"""
SGLANG = b"""sglang:num_running_reqs{model_name="m"} 5.0
sglang:num_queue_reqs{model_name="m"} 2.0
sglang:e2e_request_latency_seconds_sum{model_name="m"} 90.0
sglang:e2e_request_latency_seconds_count{model_name="m"} 10.0
sglang:queue_time_seconds_sum{model_name="m"} 30.0
"""


class WellButSilent(Server):
    """Every page but the meters, which are as the test wants them."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/metrics" and self.status == 200:
            await asyncio.Event().wait()
        self.status = 200 if scope.get("path") != "/metrics" else self.status
        await super().__call__(scope, receive, send)


def replicas(*readings: Reading | None, limit: SaturatedAt | None = None) -> Replicas:
    made = Replicas([A, B][: len(readings)], SystemClock(), limit)
    for replica, each in zip(made.all, readings, strict=True):
        replica.note(each)
    made.look_again()
    return made


def test_each_kind_that_tells_its_queue_has_its_meters_names() -> None:
    assert NAMES.keys() == TELL_THEIR_QUEUE


def test_the_engines_of_one_server_are_added_up_and_labels_do_not_confuse() -> None:
    assert reading(BackendKind.VLLM, VLLM) == Reading(5, 16, 40, 81.0)


def test_what_waited_in_the_queue_is_no_service() -> None:
    assert reading(BackendKind.SGLANG, SGLANG) == Reading(2, 5, 10, 60.0)


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"tgi_queue_size NaN", b"tgi_queue_size 1e999", b"#tgi_queue_size 3", b"xtgi_queue_size 3"]
)
def test_meters_that_cannot_be_read_say_nothing(text: bytes) -> None:
    assert reading(BackendKind.TGI, text) is None


async def test_a_tgi_under_load_says_how_many_wait_and_for_how_long() -> None:
    settings = TgiSettings(batch_size=2, token_ms=20)
    async with (
        serve(tgi_app(settings)) as tgi,
        backend(tgi.url, kind=BackendKind.TGI) as opened,
        aiohttp.ClientSession() as client,
    ):
        replica = opened.replicas.all[0]
        job = {"inputs": "count", "parameters": {"max_new_tokens": 3}}

        async def ask() -> None:
            async with client.post(f"{tgi.url}/generate", json=job) as response:
                assert response.status == 200

        await ask()
        others = [asyncio.create_task(ask()) for _ in range(6)]
        await until(lambda: len(tgi.log) >= 7)
        await probe(opened, replica)
        assert (replica.queued, replica.others) == (4, 6)
        assert replica.wait_s == pytest.approx(4 * replica.load.service_s / 2)
        await asyncio.gather(*others)
        await probe(opened, replica)
        assert (replica.queued, replica.wait_s) == (0, 0.0)


@pytest.mark.parametrize("status", [404, 500])
async def test_a_server_without_meters_is_well_and_its_load_unknown(status: int) -> None:
    server = WellButSilent(b"{}", status=status)
    async with serve(server) as running, backend(running.url, kind=BackendKind.SGLANG) as opened:
        await probe(opened, opened.replicas.all[0])
        assert (opened.state.is_up, opened.replicas.all[0].load) == (True, None)


@pytest.mark.slow
async def test_a_server_too_busy_to_show_its_meters_is_not_taken_for_dead() -> None:
    async with serve(WellButSilent(b"{}")) as running, backend(running.url, kind=BackendKind.TGI) as opened:
        await probe(opened, opened.replicas.all[0])
        assert (opened.state.is_up, opened.replicas.all[0].load) == (True, None)


def test_the_replica_where_fewer_wait_is_asked_though_more_run_there() -> None:
    made = replicas(Reading(4, 8), Reading(0, 30))
    assert {made.enter().replica.url for _ in range(3)} == {B}


def test_those_of_other_gateways_count_like_our_own() -> None:
    made = replicas(Reading(0, 2), Reading(0, 0))
    assert [made.enter().replica.url for _ in range(4)] == [B, B, A, B]


def test_a_backend_is_saturated_while_each_replica_is_and_until_it_is_down_to_half() -> None:
    made = replicas(Reading(9, 4, 1, 2.0), Reading(0, 4), limit=SaturatedAt(queue=8))
    seen = []
    for queue in (0, 7, 8, 5, 4, 7):
        made.all[1].note(Reading(queue, 4))
        made.look_again()
        seen.append(made.state.standing)
    assert seen == [Standing.UP, Standing.UP, Standing.SATURATED, Standing.SATURATED, Standing.UP, Standing.UP]


def test_our_own_requests_saturate_a_backend_before_it_says_so_itself() -> None:
    made = replicas(Reading(1, 4, 10, 20.0), limit=SaturatedAt(queue=3))
    turns = [made.enter() for _ in range(2)]
    assert made.state.is_saturated
    assert made.state.reason == "3 requests wait at each replica, about 1.5 s"
    for turn in turns:
        turn.leave()
    made.look_again()
    assert not made.state.is_saturated


def test_a_replica_that_tells_nothing_is_no_reason_to_go_elsewhere() -> None:
    assert not replicas(Reading(90, 4), None, limit=SaturatedAt(queue=3)).state.is_saturated
    assert replicas(Reading(90, 4), limit=SaturatedAt(queue=3)).state.is_saturated
