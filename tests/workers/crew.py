"""A real `gateway serve --workers N` with simulated backends, asked over loopback."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway.simulators.openai import openai_app
from gateway.simulators.server import Simulator, serve
from gateway.simulators.tgi import TgiSettings, tgi_app

POLICY = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: house, version: 0}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal}
backends:
  local: {zone: on_prem, kind: tgi, urls: ["${TGI_URL}"], model: llama}
  frontier: {zone: openai, kind: openai, urls: ["${OPENAI_BASE_URL}"], model: gpt-5.5, api_key: "${OPENAI_API_KEY}"}
rules:
  - {name: v0, when: {endpoint: chat}, route: [local]}
otherwise: {route: [local]}
"""


def numbered(number: int) -> str:
    """The policy's version of this number: the rule says which, and even ones go to `local`, odd ones to `frontier`."""
    backend = ("local", "frontier")[number % 2]
    return POLICY.replace("version: 0", f"version: {number}").replace(
        "{name: v0, when: {endpoint: chat}, route: [local]}",
        f"{{name: v{number}, when: {{endpoint: chat}}, route: [{backend}]}}",
    )


def broken(number: int) -> str:
    return POLICY.replace("otherwise: {route: [local]}", f"otherwise: {{route: [lokal{number}]}}")


def replaced(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text)
    os.replace(beside, path)


@dataclass
class Crew:
    """The running gateway: its supervisor, its address, its files."""

    supervisor: asyncio.subprocess.Process
    url: str
    http: aiohttp.ClientSession
    gpu: Simulator
    api: Simulator
    folder: Path
    start: Callable[[], Awaitable[asyncio.subprocess.Process]]

    async def restart(self) -> None:
        """Another gateway over the same files, once the one before is gone."""
        await self.supervisor.wait()
        self.supervisor = await self.start()
        await _up(self, 2)

    @property
    def policy(self) -> Path:
        return self.folder / "policy.yaml"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.sqlite"

    def signal(self, number: int) -> None:
        self.supervisor.send_signal(number)

    async def json(self, method: str, path: str, **named: Any) -> Any:
        """Over a connection of its own, so that any worker may answer."""
        async with self.http.request(method, path, headers={"connection": "close"}, **named) as answer:
            return json.loads(await answer.text())

    async def chat(self) -> tuple[int, str, str]:
        """Status, rule and backend of one chat."""
        body = {"model": "auto", "messages": [{"role": "user", "content": "Say hello"}], "max_tokens": 3}
        async with self.http.post("/v1/chat/completions", json=body) as answer:
            await answer.read()
            told = answer.headers
            return answer.status, told.get("x-gateway-rule", ""), told.get("x-gateway-backend", "")

    async def workers(self) -> list[dict[str, Any]]:
        return (await self.json("GET", "/readyz"))["workers"]

    async def all_say(self, claim: Callable[[dict[str, Any]], bool], within_s: float = 1.0) -> float:
        """How long it took until it was so of every worker; fails when time is up."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(within_s):
            while not all("pid" in worker and claim(worker) for worker in await self.workers()):
                await asyncio.sleep(0.01)
        return loop.time() - began


@contextlib.asynccontextmanager
async def crew(
    folder: Path, workers: int = 2, policy: Callable[[str], str] = str, **environment: str
) -> AsyncIterator[Crew]:
    async with contextlib.AsyncExitStack() as stack:
        gpu = await stack.enter_async_context(serve(tgi_app(TgiSettings(token_ms=1))))
        api = await stack.enter_async_context(serve(openai_app()))
        (folder / "policy.yaml").write_text(policy(POLICY))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        said = stack.enter_context((folder / "stderr").open("wb"))

        async def start() -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "serve", "--policy", str(folder / "policy.yaml")),
                *("--port", str(port), "--workers", str(workers)),
                *("--journal", str(folder / "journal.sqlite"), "--log", "none"),
                env=os.environ
                | {"TGI_URL": gpu.url, "OPENAI_BASE_URL": api.url, "OPENAI_API_KEY": "invented"}
                | environment,
                stderr=said,
            )

        url = f"http://127.0.0.1:{port}"
        http = await stack.enter_async_context(aiohttp.ClientSession(base_url=url))
        running = Crew(await start(), url, http, gpu, api, folder, start)
        try:
            await _up(running, workers)
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                running.supervisor.send_signal(signal.SIGTERM)
            await asyncio.wait_for(running.supervisor.wait(), 30)


async def _up(running: Crew, workers: int) -> None:
    async with asyncio.timeout(30):
        while running.supervisor.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):
                seen = await running.workers()
                if len(seen) == workers and all(worker.get("ready") for worker in seen):
                    return
            await asyncio.sleep(0.05)
    raise AssertionError((running.folder / "stderr").read_text())
