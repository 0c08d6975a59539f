"""Fixtures for the load tests' own tests: the mock upstream and the relay, as the benchmark starts them."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.bench.meters import cores
from loadtests.bench.running import free_port, running


def _started(folder: Path, module: str, *arguments: str) -> Iterator[str]:
    if shutil.which("taskset") is None:
        pytest.skip("the benchmark needs Linux")
    port = free_port()
    command = [sys.executable, "-m", f"loadtests.bench.{module}", "--port", str(port), *arguments]
    log = folder / f"{module}.log"
    with running(command, {}, port=port, core=cores().upstream, output=log, headers=[], body="{}") as at:
        yield at.url.removesuffix("/v1/chat/completions")


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a mock upstream whose streams take no time."""
    yield from _started(tmp_path_factory.mktemp("upstream"), "upstream", "--pace-ms", "0")


@pytest.fixture(scope="session")
def relay(tmp_path_factory: pytest.TempPathFactory, upstream: str) -> Iterator[str]:
    """The base URL of a relay in front of it."""
    yield from _started(tmp_path_factory.mktemp("relay"), "relay", "--upstream", upstream)
