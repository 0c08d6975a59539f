"""OpenAI's Node client works against the gateway with nothing but the base URL changed."""

import asyncio
import json
from asyncio.subprocess import PIPE
from typing import Any

import pytest
from house import House
from node_project import NODE, PROJECT, NotInstalled, install

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def project() -> None:
    """The Node project with its client installed; from the network at most once."""
    try:
        install()
    except NotInstalled as why:
        pytest.fail(f"OpenAI's Node client is not installed: {why}; this test needs it once from the npm registry")


async def visit(house: House, backend: str, script: str = "visit.mjs") -> Any:
    """What the Node client saw."""
    node = await asyncio.create_subprocess_exec(
        NODE, PROJECT / script, house.url + "/v1", backend, stdout=PIPE, stderr=PIPE
    )
    out, complaint = await asyncio.wait_for(node.communicate(), 60)
    assert node.returncode == 0, complaint.decode()
    return json.loads(out)


@pytest.mark.parametrize("backend", ["local", "frontier"])
async def test_openai_node_does_everything_it_does_with_openai(house: House, project: None, backend: str) -> None:
    seen = await visit(house, backend)
    assert seen["whole"] == seen["streamed"] != ""
    assert seen["finish"] == "stop"
    assert seen["usage"]["total_tokens"] > 0
    assert seen["tool"] == seen["streamedTool"] == "get_weather"
    assert seen["toolFinish"] == seen["streamedToolFinish"] == "tool_calls"
    assert seen["afterTool"]
    assert set(seen["structured"]) == {"name", "gears"}
    assert seen["completion"] == seen["streamedCompletion"] != ""
    assert seen["dimensions"] == 1536
    assert "auto" in seen["models"]
    assert seen["refusal"] == {"kind": "NotFoundError", "status": 404, "code": "model_not_found", "hasRequestID": True}
    assert house.sent_to(house.gpu if backend == "local" else house.api)


@pytest.mark.parametrize("backend", ["local", "frontier"])
async def test_openai_node_hears_of_a_stream_that_breaks_off(house: House, project: None, backend: str) -> None:
    simulator = house.gpu if backend == "local" else house.api
    simulator.faults.cut_after_events = 5
    seen = await visit(house, backend, "broken.mjs")
    assert seen["pieces"] >= 1
    assert seen["code"] == "stream_interrupted"
