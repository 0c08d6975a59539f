"""The Dockerfile and the compose files say what the command understands; its build steps run as they are written."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "deploy" / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text().replace("\\\n", "")
COMPOSED = sorted(DOCKER.glob("*.yaml"))


def steps(word: str) -> list[str]:
    return re.findall(rf"^{word} (.*)$", DOCKERFILE, re.MULTILINE)


def composed(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def commands() -> list[list[str]]:
    """What our image is told to run, by the Dockerfile and by each compose file."""
    ours = (each for path in COMPOSED for each in composed(path)["services"].values() if "build" in each)
    return [json.loads(steps("CMD")[-1]), *(each["command"] for each in ours if "command" in each)]


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_a_compose_file_is_what_the_specification_says(path: Path) -> None:
    schema = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text()
    jsonschema.validate(composed(path), json.loads(schema))


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_our_containers_have_a_read_only_root_no_rights_and_time_to_drain(path: Path) -> None:
    ours = {name: each for name, each in composed(path)["services"].items() if each["image"] == "hybrid-gateway"}
    assert all(each["read_only"] and each["cap_drop"] == ["ALL"] for each in ours.values())
    drain = re.search(r"GATEWAY_UNREADY_S=(\d+) GATEWAY_DRAIN_S=(\d+)", DOCKERFILE)
    assert drain is not None
    assert int(ours["gateway"]["stop_grace_period"].rstrip("s")) > int(drain[1]) + int(drain[2])


def test_the_image_runs_as_nobody_in_particular_and_copies_what_is_there() -> None:
    assert steps("USER") == ["10001:10001"]
    sources = [word for line in steps("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert [each for each in sources if not (ROOT / each).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("words", commands(), ids=shlex.join)
def test_what_a_container_is_told_to_run_is_understood(words: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", *words, "--help"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.slow
def test_the_build_steps_make_a_wheel_that_serves(tmp_path: Path) -> None:
    """The build stage's own lines, with its folders moved into a scratch one; hashes are checked by pip."""
    for name in ("requirements", "policies", "gateway"):
        shutil.copytree(
            ROOT / name, tmp_path / "src" / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "static")
        )
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "src" / name)
    stage = DOCKERFILE.split("\nFROM ")[1]
    for line in re.findall(r"^RUN (.*)$", stage, re.MULTILINE):
        here = line.replace("/opt/", f"{tmp_path}/opt/").replace("/wheels", f"{tmp_path}/wheels")
        here = re.sub(r"^python ", f"{sys.executable} ", here)
        subprocess.run(["sh", "-c", here], cwd=tmp_path / "src", check=True, timeout=240, env=os.environ)
    gateway = tmp_path / "opt" / "gateway" / "bin" / "gateway"
    ran = subprocess.run([gateway, "serve", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--policy" in ran.stdout
    assert list((tmp_path / "opt").glob("gateway/lib/python3.*/site-packages/gateway/dashboard/static/index.html"))
