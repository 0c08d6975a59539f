"""Inference Endpoints: found where the Hub says they are, woken when wanted, and never a reason to fall over."""

import subprocess
import sys
from typing import Any

import pytest
from hub import Hub

from gateway.backends.inference_endpoint import InferenceEndpoint, Sighting
from gateway.simulators.server import serve

TOKEN = "hf_" + "invented"


async def looked_up(hub: Hub) -> Sighting:
    async with serve(hub) as running:
        return await InferenceEndpoint("acme/llama", TOKEN, running.url).look()


async def test_an_endpoint_that_runs_is_where_the_hub_says() -> None:
    hub = Hub()
    assert await looked_up(hub) == Sighting("http://10.0.0.1:8080")
    assert hub.asked == [("GET", "/endpoint/acme/llama")]
    assert hub.keys == {f"Bearer {TOKEN}".encode()}


async def test_without_a_token_none_is_sent() -> None:
    hub = Hub()
    async with serve(hub) as running:
        assert (await InferenceEndpoint("acme/llama", None, running.url).look()).url is not None
    assert hub.keys == set()


@pytest.mark.parametrize("state", ["pending", "initializing", "updating", "updateFailed", "paused", "failed"])
async def test_an_endpoint_that_does_not_run_says_why_and_is_not_asleep(state: str) -> None:
    assert await looked_up(Hub(state)) == Sighting(None, f"its Inference Endpoint is {state}")


async def test_an_endpoint_scaled_to_zero_is_asleep_and_can_be_woken() -> None:
    hub = Hub("scaledToZero")
    async with serve(hub) as running:
        endpoint = InferenceEndpoint("acme/llama", TOKEN, running.url)
        assert (await endpoint.look()).is_asleep
        assert await endpoint.resume() == Sighting(None, "its Inference Endpoint was scaled to zero and is waking up")
        assert await endpoint.look() == Sighting(None, "its Inference Endpoint is initializing")
    assert hub.asked[1] == ("POST", "/endpoint/acme/llama/resume")


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_a_hub_that_refuses_is_told_by_its_status(status: int) -> None:
    hub = Hub()
    hub.status, hub.body = status, b'{"error": "the words of the Hub"}'
    async with serve(hub) as running:
        endpoint = InferenceEndpoint("acme/llama", TOKEN, running.url)
        reason = f"the Hub answered {status}"
        assert await endpoint.look() == Sighting(None, f"its Inference Endpoint could not be looked up: {reason}")
        woken = await endpoint.resume()
        assert woken == Sighting(None, f"its Inference Endpoint could not be woken: {reason}", is_asleep=True)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"null", b'"x"', b"{}", b'{"status":null}', b"\xff\xfe", b"[" * 9999]
)
async def test_garbage_is_no_endpoint(body: bytes) -> None:
    hub = Hub()
    hub.body = body
    sighting = await looked_up(hub)
    assert sighting.url is None
    assert sighting.reason.startswith("its Inference Endpoint could not be looked up: ")


@pytest.mark.parametrize("state", [None, 7, {"a": 1}, "", "x y", "x" * 41])
async def test_a_state_nobody_knows_is_not_repeated(state: Any) -> None:
    assert await looked_up(Hub(state)) == Sighting(
        None, "its Inference Endpoint is in a state that the Hub has no name for"
    )


NO_ADDRESSES = [
    None, "", "llama", "file:///etc/passwd", "http://", 7, ["http://x"], "http://[x", "http://x:99999", "http://x:y",
    "http://a b", "http://x/ y", "http://x\r\ny: z", "http://\u00fc", "http://user:secret@x", "http://x/?a=b",
]  # fmt: skip


@pytest.mark.parametrize("url", NO_ADDRESSES)
async def test_an_address_that_is_none_is_not_used(url: Any) -> None:
    assert (await looked_up(Hub(url=url))).url is None


async def test_a_hub_that_is_not_there_is_told_by_the_kind_of_trouble() -> None:
    sighting = await InferenceEndpoint("acme/llama", TOKEN, "http://127.0.0.1:9").look()
    assert sighting == Sighting(None, "its Inference Endpoint could not be looked up: ConnectError")


def test_the_hubs_library_is_loaded_only_when_it_is_asked() -> None:
    program = "import sys, gateway.app; sys.exit('huggingface_hub' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 0


@pytest.mark.slow
async def test_a_hub_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    hub = Hub()
    hub.is_silent = True
    assert await looked_up(hub) == Sighting(None, "its Inference Endpoint could not be looked up: ReadTimeout")
