"""Two hundred requests at once against money for twenty, one way after the other: how many reach the provider.

`make bench-budget`. The provider is the simulator, and its own count is what is printed. Each row has its own gateway,
its own ledger and its own budget; a redis-server is started for the row that needs one, where there is one.
"""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from gateway.app import Gateway, asgi
from gateway.config import Settings
from gateway.core.money import NANO
from gateway.policy.load import load
from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import Simulator, serve

AT_ONCE, PAID_FOR, LEAST = 200, 20, 18
TOKENS = 200
"""Of each answer: the simulator says as many as it may."""
REDIS_PATIENCE_S = 10.0
BODY: Mapping[str, Any] = {
    "model": "auto",
    "messages": [{"role": "user", "content": "Tell me of the tides, for as long as you may."}],
    "max_tokens": TOKENS,
}
_KEY = "invented-key"
_POLICY = """
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {{name: burst, version: 1}}
zones: {{cloud: {{clearance: restricted}}}}
backends:
  one: {{zone: cloud, kind: openai, urls: ["${{ONE}}"], model: gpt-5.5, price: {price}, max_output_tokens: {tokens}}}
  two: {{zone: cloud, kind: openai, urls: ["${{TWO}}"], model: gpt-5.5, price: {price}, max_output_tokens: {tokens}}}
callers: {{ann: {{key: "${{KEY}}", team: red}}}}
budgets: {{{budgets}}}
otherwise: {{route: [{route}]}}
"""
_PRICE = "{input_usd_per_million: 5, output_usd_per_million: 30}"
_WINDOW = "window: month, wait: 60s"


class Variant(NamedTuple):
    """One way to send the burst. `faults` are those of the first provider; `limits`: how many requests each pays for,
    by the scope of its budget."""

    name: str
    body: Mapping[str, Any] = BODY
    faults: Mapping[str, Any] = {}
    route: str = "one"
    limits: Mapping[str, int] = {"{}": PAID_FOR}
    gateways: int = 1
    ledger: str = ""  # "redis": the one that was named


class Row(NamedTuple):
    """What became of a burst."""

    name: str
    billed: int
    answered: int
    refused: int

    @property
    def is_right(self) -> bool:
        return LEAST <= self.billed <= PAID_FOR and self.answered == self.billed


VARIANTS = (
    Variant("plain"),
    Variant("streaming", {**BODY, "stream": True}),
    Variant("no max_tokens", {key: value for key, value in BODY.items() if key != "max_tokens"}),
    Variant("provider takes 500 ms", faults={"prefill_ms": 500.0}),
    Variant("retries on", faults={"overloaded_every": 5}, route="{to: one, retries: 2}"),
    Variant("fallback from a failing one", faults={"fail_status": 500}, route="one, two"),
    Variant("caller, team and zone", limits={"{caller: ann}": 40, "{team: red}": PAID_FOR, "{zone: cloud}": 40}),
    Variant("two gateways, SQLite", gateways=2),
    Variant("two gateways, Redis", gateways=2, ledger="redis"),
)


async def run(variant: Variant, redis_url: str = "") -> Row:
    """One burst against fresh gateways, to the last answer."""
    async with contextlib.AsyncExitStack() as stack:
        limits = {"{}": PAID_FOR * 10}
        cost = await _cost(variant._replace(faults={}, limits=limits, gateways=1, ledger="", route="one"))
        providers = [await stack.enter_async_context(_provider()) for _ in range(2)]
        for name, value in variant.faults.items():
            setattr(providers[0].faults, name, value)
        doors = [
            await stack.enter_async_context(door)
            for door in _gateways(stack, variant, cost, [each.url for each in providers], redis_url)
        ]
        asks = (_ask(doors[number % len(doors)], variant.body) for number in range(AT_ONCE))
        statuses = await asyncio.gather(*asks)
        billed = sum(bill.requests for each in providers for bill in each.bill.values())
        answered = statuses.count(200)
        return Row(variant.name, billed, answered, len(statuses) - answered)


async def _cost(variant: Variant) -> int:
    """Nano-dollars of one such request, by the provider's bill."""
    async with contextlib.AsyncExitStack() as stack:
        provider = await stack.enter_async_context(_provider())
        (opened,) = _gateways(stack, variant, NANO, [provider.url] * 2, "")
        await _ask(await stack.enter_async_context(opened), variant.body)
        (bill,) = provider.bill.values()
        return bill.prompt_tokens * 5_000 + bill.completion_tokens * 30_000


def _provider() -> contextlib.AbstractAsyncContextManager[Simulator]:
    return serve(openai_app(OpenAISettings(shortest=TOKENS, longest=TOKENS)))


def _gateways(
    stack: contextlib.AsyncExitStack,
    variant: Variant,
    cost: int,
    urls: list[str],
    redis_url: str,
) -> Iterator[contextlib.AbstractAsyncContextManager[aiohttp.ClientSession]]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="burst-")))
    budgets = ", ".join(
        f"b{number}: {{limit_usd: {cost * requests / NANO:.9f}, {_WINDOW}, scope: {scope}}}"
        for number, (scope, requests) in enumerate(variant.limits.items())
    )
    text = _POLICY.format(price=_PRICE, tokens=TOKENS, budgets=budgets, route=variant.route)
    ledger = redis_url if variant.ledger == "redis" else str(folder / "ledger.sqlite")
    for number in range(variant.gateways):
        known = {"ONE": urls[0], "TWO": urls[1], "KEY": _KEY}
        settings = Settings.read({}, {"journal": folder / f"{number}.sqlite", "ledger": ledger, "log": "none"})
        yield _door(Gateway(load(text.encode(), "burst.yaml", known), settings))


@contextlib.asynccontextmanager
async def _door(gateway: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    headers = {"authorization": f"Bearer {_KEY}"}
    async with serve(asgi(gateway)) as running, aiohttp.ClientSession(running.url, connector=connector) as session:
        session.headers.update(headers)
        yield session


async def _ask(door: aiohttp.ClientSession, body: Mapping[str, Any]) -> int:
    async with door.post("/v1/chat/completions", json=body) as answer:
        await answer.read()
        return answer.status


def table(rows: list[Row]) -> str:
    lines = [
        f"{AT_ONCE} requests at once, money for {PAID_FOR}: {LEAST} to {PAID_FOR} are to be answered and billed",
        "",
        "| | billed by the provider | answered | refused | |",
        "|---|---:|---:|---:|---|",
    ]
    for row in rows:
        word = "right" if row.is_right else "WRONG"
        lines.append(f"| {row.name} | {row.billed} | {row.answered} | {row.refused} | {word} |")
    return "\n".join(lines)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """The address of a redis-server of our own; empty where there is none to start."""
    program = shutil.which("redis-server")
    if program is None:
        yield ""
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="burst-redis-") as folder:
        where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", folder]
        process = subprocess.Popen(
            [program, *where, "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + REDIS_PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


async def _main(redis_url: str) -> int:
    wanted = [each for each in VARIANTS if redis_url or each.ledger != "redis"]
    rows = [await run(each, redis_url) for each in wanted]
    print(table(rows))
    if len(wanted) < len(VARIANTS):
        print("\nthere is no redis-server here; Debian's package `redis-server` adds its row")
    return 0 if all(row.is_right for row in rows) else 1


if __name__ == "__main__":
    with redis() as url:
        sys.exit(asyncio.run(_main(url)))
