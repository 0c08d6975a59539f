"""How thoroughly hypothesis looks: `make check` is for every commit and has two minutes, `make test` has its time.

On a CI server the examples follow from the code alone, so that a red run is about the change that it tests; wherever
else the tests run they look further each time.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from redis_servers import RedisServer

IS_CI = "CI" in os.environ
settings.register_profile("check", max_examples=5, deadline=None, derandomize=IS_CI)
settings.register_profile("test", max_examples=100, deadline=None, derandomize=IS_CI)
settings.load_profile("test")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests that leave it running; each has books of its own name there."""
    server = RedisServer(Path(tmp_path_factory.mktemp("redis")))
    server.start()
    yield server.url
    server.kill()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One to be killed and paused; it is started already."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()
