"""The whole house on loopback: two simulated backends, the real gateway in front, the official client at the door."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import openai

from gateway.app import Gateway, asgi
from gateway.config import Settings
from gateway.control.origin import Origin
from gateway.core.records import Record
from gateway.policy.load import load
from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import Simulator, serve
from gateway.simulators.tgi import TgiSettings, tgi_app

ZONES_AND_BACKENDS = """
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: test, version: 1}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal}
backends:
  local:
    zone: on_prem
    kind: tgi
    urls: ["${TGI_URL}"]
    model: meta-llama/Llama-3.3-70B-Instruct
    price: {input_usd_per_million: 0.20, output_usd_per_million: 0.20}
  frontier:
    zone: openai
    kind: openai
    urls: ["${OPENAI_BASE_URL}"]
    model: {chat: gpt-5.5, completions: gpt-5.5, embeddings: text-embedding-3-small}
    api_key: ${OPENAI_API_KEY}
    price: {input_usd_per_million: 5, output_usd_per_million: 30}
models: {gpt-4-turbo: auto, gpt-5.5: auto, text-embedding-3-small: auto}
unknown_routes: frontier
"""

LOCAL_FIRST = ZONES_AND_BACKENDS + "otherwise: {route: [local, frontier]}\n"
FRONTIER_FIRST = ZONES_AND_BACKENDS + "otherwise: {route: [frontier, local]}\n"
EVERYTHING_TO_OPENAI = (
    ZONES_AND_BACKENDS
    + """
rules:
  - {name: private, when: {sensitivity: {at_least: confidential}}, route: [local, frontier]}
  - {name: hard, when: {complexity: hard}, route: [{to: frontier, retries: 2}, local]}
otherwise: {route: [{to: local, retries: 1}, {to: frontier, retries: 1}]}
"""
)


@dataclass
class House:
    """A running gateway with its backends; everything a test wants to ask it."""

    gateway: Gateway
    url: str
    gpu: Simulator
    api: Simulator
    client: openai.AsyncOpenAI
    http: aiohttp.ClientSession
    journal: Path
    policy_file: Path

    async def chat(self, text: str, **more: Any) -> Any:
        """One chat through the official client; `model="auto"` unless said otherwise."""
        request = {"model": "auto", "messages": [{"role": "user", "content": text}], **more}
        return await self.client.chat.completions.create(**request)

    async def chat_raw(self, text: str, **more: Any) -> Any:
        request = {"model": "auto", "messages": [{"role": "user", "content": text}], **more}
        return await self.client.chat.completions.with_raw_response.create(**request)

    def sent_to(self, simulator: Simulator) -> list[bytes]:
        """Bodies of what content-carrying requests brought to a backend (probes are GETs)."""
        return [entry.body for entry in simulator.log if entry.method == "POST"]

    async def records(self) -> list[Record]:
        """What has been recorded so far, read from the journal on disk."""
        await self.gateway.recorder.flushed()
        return self.gateway.journal.read(since=0, limit=10_000)


@contextlib.asynccontextmanager
async def open_house(
    policy: str = LOCAL_FIRST,
    tgi: TgiSettings | None = None,
    api: OpenAISettings | None = None,
    *,
    settings: dict[str, object] | None = None,
    environment: dict[str, str] | None = None,
    variables: dict[str, str] | None = None,
    is_watched: bool = False,
) -> AsyncIterator[House]:
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="house-")))
        gpu_sim = await stack.enter_async_context(serve(tgi_app(tgi or TgiSettings())))
        api_sim = await stack.enter_async_context(serve(openai_app(api or OpenAISettings())))
        known = {
            "TGI_URL": gpu_sim.url,
            "OPENAI_BASE_URL": api_sim.url,
            "OPENAI_API_KEY": "invented",
            **(environment or {}),
        }
        journal = folder / "journal.sqlite"
        chosen = Settings.read(variables or {}, {"journal": journal, "log": "none", **(settings or {})})
        policy_file = folder / "test.yaml"
        policy_file.write_text(policy)
        origin = Origin(policy_file, known, chosen.weights) if is_watched else None
        gateway = Gateway(load(policy.encode(), "test.yaml", known), chosen, origin)
        running = await stack.enter_async_context(serve(asgi(gateway)))
        client = await stack.enter_async_context(
            openai.AsyncOpenAI(base_url=running.url + "/v1", api_key="any", max_retries=0)
        )
        http = await stack.enter_async_context(aiohttp.ClientSession(base_url=running.url, auto_decompress=False))
        yield House(gateway, running.url, gpu_sim, api_sim, client, http, journal, policy_file)


async def until(claim: Callable[[], bool], within_s: float = 1.0) -> None:
    """Look again at every turn of the loop until it is so; fails when time is up."""
    async with asyncio.timeout(within_s):
        while not claim():
            await asyncio.sleep(0.005)


def events(raw: bytes) -> list[Any]:
    """The data of an event stream, JSON parsed; `[DONE]` stays text."""
    rows = [line[5:].strip() for line in raw.decode().splitlines() if line.startswith("data:")]
    return [row if row == "[DONE]" else json.loads(row) for row in rows]


def text_of(chunks: Iterable[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
