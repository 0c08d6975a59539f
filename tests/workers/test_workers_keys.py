"""A key that is revoked counts no more on any worker of one address, though none is told."""

import asyncio
import json
from pathlib import Path

import pytest
from crew import Crew, crew

from gateway.cli import main

SOON_S = 2.0
ASKS = 12
"""On connections of their own, which the kernel gives to either worker."""


async def statuses(running: Crew, key: str) -> set[int]:
    headers = {"authorization": f"Bearer {key}", "connection": "close"}
    found = set()
    for _ in range(ASKS):
        async with running.http.get("/v1/models", headers=headers) as answer:
            found.add(answer.status)
    return found


@pytest.mark.slow
async def test_a_revoked_key_counts_no_more_on_either_of_two_workers(tmp_path: Path, capsys) -> None:
    file = str(tmp_path / "keys.sqlite")
    assert main(["keys", "create", "--keys", file, "--caller", "anonymous"]) == 0
    key = capsys.readouterr().out.strip()
    assert main(["keys", "list", "--keys", file, "--json"]) == 0
    name = json.loads(capsys.readouterr().out)["id"]
    async with crew(tmp_path, GATEWAY_KEYS=file) as running:
        assert await statuses(running, key) == {200}
        assert main(["keys", "revoke", "--keys", file, name]) == 0
        async with asyncio.timeout(SOON_S):
            while await statuses(running, key) != {401}:
                await asyncio.sleep(0.01)
