"""Raw requests to a running simulator, and what its streams say."""

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.simulators.server import Simulator

HELLO = [{"role": "user", "content": "Say hello"}]
CHAT = "/v1/chat/completions"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
BICYCLE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "gears": {"type": "integer", "minimum": 1}},
    "required": ["name", "gears"],
    "additionalProperties": False,
}


@dataclass
class Got:
    """A whole answer."""

    status: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def events(self) -> list[Any]:
        return events(self.body)


@dataclass
class Asking:
    """One simulator and a client."""

    simulator: Simulator
    http: aiohttp.ClientSession

    async def post(self, path: str, body: Any = None, **headers: str) -> Got:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.send("POST", path, data, **{"content-type": "application/json", **headers})

    async def send(self, method: str, path: str, data: bytes | None = None, **headers: str) -> Got:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        source = io.BytesIO(data) if data else data  # the client warns of large plain bytes
        async with self.http.request(method, self.simulator.url + path, data=source, headers=sent) as got:
            return Got(got.status, await got.read(), got.headers)

    async def get(self, path: str) -> Got:
        return await self.send("GET", path)

    async def chat(self, **fields: Any) -> Got:
        return await self.post(CHAT, {"model": "tgi", "messages": HELLO, **fields})

    async def meter(self, name: str) -> float:
        """A metric's value, 0 where it never moved; with its labels in the name."""
        lines = (await self.get("/metrics")).text.splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name + " ")), 0.0)


def events(raw: bytes) -> list[Any]:
    """The data of an event stream, JSON parsed; `[DONE]` stays text."""
    rows = [line[6:] for line in raw.decode().splitlines() if line.startswith("data: ")]
    return [row if row == "[DONE]" else json.loads(row) for row in rows]


def said(chunks: list[Any]) -> str:
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])


async def until(claim: Callable[[], bool], within_s: float = 1.0) -> None:
    """Look again at every turn of the loop until it is so; fails when time is up."""
    async with asyncio.timeout(within_s):
        while not claim():
            await asyncio.sleep(0.005)
