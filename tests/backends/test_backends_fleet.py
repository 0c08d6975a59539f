"""The fleet: opened and closed without a trace, Inference Endpoints found and woken, the rest watched."""

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator

import pytest
from asked import ROUTE, envelope, until
from hub import Hub

from gateway.app import SystemClock
from gateway.backends.fleet import FOLLOW_S, Fleet
from gateway.core.types import BackendKind, BackendSpec, Endpoint, Sensitivity
from gateway.policy.load import load
from gateway.simulators.openai import openai_app
from gateway.simulators.server import serve
from gateway.simulators.tgi import tgi_app

POLICY = """
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: test, version: 1}
zones:
  rented: {clearance: confidential}
backends:
  cold: {zone: rented, kind: tgi, inference_endpoint: acme/llama, model: m, api_key: "${HF_TOKEN}"}
otherwise: {route: [cold]}
"""


@contextlib.asynccontextmanager
async def started(hub: Hub, *wanted: str) -> AsyncIterator[Fleet]:
    """The fleet of a policy with an endpoint; `wanted` by requests before the first look."""
    async with serve(hub) as running:
        specs = load(POLICY.encode(), "test.yaml", {"HF_TOKEN": "hf_" + "invented"}).backends
        fleet = Fleet(specs, SystemClock(), running.url)
        for name in wanted:
            fleet.wanted(name)
        await fleet.start()
        try:
            yield fleet
        finally:
            await fleet.aclose()


async def test_an_endpoint_that_runs_is_asked() -> None:
    async with serve(tgi_app()) as tgi, started(Hub(url=tgi.url)) as fleet:
        await until(lambda: fleet.states["cold"].is_up, 5)
        reply = await fleet["cold"].send(envelope(), ROUTE, Sensitivity.CONFIDENTIAL)
        assert reply.status == 200
        assert fleet.in_flight() == {("cold", tgi.url.removeprefix("http://")): 0}
        assert dict(tgi.log[-1].headers)[b"authorization"] == b"Bearer hf_invented"


async def test_an_endpoint_nobody_wants_sleeps_on() -> None:
    hub = Hub("scaledToZero")
    async with started(hub) as fleet:
        await until(lambda: "scaledToZero" in fleet.states["cold"].reason, 5)
        assert hub.asked == [("GET", "/endpoint/acme/llama")]
        (row,) = fleet.readiness()
        assert (row["backend"], row["zone"], row["replica"], row["up"]) == ("cold", "rented", "", False)


async def test_an_endpoint_that_a_request_wanted_is_woken() -> None:
    hub = Hub("scaledToZero")
    async with started(hub, "cold") as fleet:
        await until(lambda: "waking up" in fleet.states["cold"].reason, 5)
        assert hub.asked == [("GET", "/endpoint/acme/llama"), ("POST", "/endpoint/acme/llama/resume")]


@pytest.mark.parametrize("state", ["paused", "failed", "initializing"])
async def test_an_endpoint_that_somebody_stopped_is_left_alone(state: str) -> None:
    hub = Hub(state)
    async with started(hub, "cold") as fleet:
        await until(lambda: state in fleet.states["cold"].reason, 5)
        assert hub.asked == [("GET", "/endpoint/acme/llama")]


async def test_a_hub_that_fails_is_a_reason_and_no_end() -> None:
    hub = Hub()
    hub.status, hub.body = 500, b"<html>"
    async with started(hub) as fleet:
        await until(lambda: "the Hub answered 500" in fleet.states["cold"].reason, 5)


@pytest.mark.slow
async def test_an_endpoint_that_was_woken_is_found_again() -> None:
    async with serve(tgi_app()) as tgi:
        hub = Hub("scaledToZero", tgi.url)
        async with started(hub, "cold") as fleet:
            await until(lambda: hub.state == "initializing", 5)
            hub.state = "running"
            await until(lambda: fleet.states["cold"].is_up, FOLLOW_S + 5)


def specs(**urls: str) -> dict[str, BackendSpec]:
    (zone,) = load(POLICY.encode(), "test.yaml", {"HF_TOKEN": "x"}).zones.values()
    models = {"": "m", "chat": "m"}
    return {kind: BackendSpec(kind, BackendKind(kind), zone, (url,), models) for kind, url in urls.items()}


async def test_start_and_end_leave_no_tasks_and_no_sockets() -> None:
    async with serve(tgi_app()) as tgi, serve(openai_app()) as api:
        gc.collect()
        tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            fleet = Fleet(specs(tgi=tgi.url, openai=api.url, vllm="http://127.0.0.1:9"), SystemClock())
            await fleet.start()
            assert {name: state.is_up for name, state in fleet.states.items()} == {
                "tgi": True,
                "openai": True,
                "vllm": False,
            }
            await fleet["tgi"].send(envelope(), ROUTE, Sensitivity.PUBLIC)
            await fleet.aclose()
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        await until(lambda: len(os.listdir("/proc/self/fd")) <= files)


async def test_what_a_tgi_says_of_itself_is_known_after_the_start() -> None:
    async with serve(tgi_app()) as tgi:
        fleet = Fleet(specs(tgi=tgi.url), SystemClock())
        assert fleet.info() == {}
        await fleet.start()
        assert fleet.info()["max_total_tokens"] == fleet.states["tgi"].context_tokens
        await fleet.aclose()


async def test_a_fleet_that_never_started_can_be_closed() -> None:
    await Fleet(specs(tgi="http://127.0.0.1:9"), SystemClock()).aclose()


async def test_a_request_on_its_way_is_counted_until_its_end() -> None:
    async with serve(openai_app()) as api:
        fleet = Fleet(specs(openai=api.url), SystemClock())
        await fleet.start()
        reply = await fleet["openai"].send(
            envelope(Endpoint.CHAT, stream=True, model="gpt-5.5"), ROUTE, Sensitivity.PUBLIC
        )
        assert sum(fleet.in_flight().values()) == 1
        await reply.aclose()
        assert sum(fleet.in_flight().values()) == 0
        await fleet.aclose()
