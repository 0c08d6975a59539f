"""`make bench-dashboard`: what each screen asks of a journal of a million records, and whether looking slows requests.

In rounds: requests one after the other while nobody looks, then while ten dashboards are open; a ratio is the median of
those of the rounds. Loopback only; ends what it starts.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from statistics import median

import aiohttp

from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import serve
from loadtests.bench.running import free_port, running
from loadtests.dashboard.records import MONTH_S, fill

_KEY = "an-invented-key"
_POLICY = Path(__file__).parents[1] / "bench" / "policy.yaml"
_BODY = '{"model": "auto", "max_tokens": 4, "messages": [{"role": "user", "content": "Say hello"}]}'
_DAY_S, _WEEK_S = 86_400, 7 * 86_400


def screens(now: float) -> dict[str, str]:
    """By name: what is asked. The decisions are those that take longest: rare ones, and none at all."""
    week, month = f"since={now - _WEEK_S}&until={now}", f"since={now - MONTH_S}&until={now}"
    return {
        "overview, a day": "overview",
        "overview, a week": f"overview?{week}",
        "overview, the month": f"overview?{month}",
        "costs, the month": f"costs?{month}",
        "timeline, a week": f"timeline?{week}",
        "timeline, the month": f"timeline?{month}",
        "quality, the month": f"quality?{month}",
        "decisions": "decisions",
        "decisions, restricted and interrupted by one rule": (
            "decisions?sensitivity=restricted&ending=interrupted&rule=rule-3"
        ),
        "decisions of one caller": "decisions?caller=caller-7",
        "decisions of a caller that never asked": "decisions?caller=nobody",
        "backends": "backends",
        "budgets": "budgets",
        "proofs": "proofs",
    }


async def measure(given: argparse.Namespace, folder: Path) -> None:
    now, journal = time.time(), given.journal or folder / "journal.sqlite"
    print(f"filling the journal with {given.records:,} records", flush=True)
    fill(journal, given.records, now)
    async with (
        serve(openai_app(OpenAISettings())) as upstream,
        _gateway(upstream.url, journal, folder) as url,
        aiohttp.ClientSession(url, headers={"authorization": f"Bearer {_KEY}"}) as client,
    ):
        for name, path in screens(now).items():
            took = [await _timed(client, "GET", f"/admin/{path}") for _ in range(given.asks)]
            print(f"| {name} | {median(took):.0f} | {_quantile(took, 0.95):.0f} |", flush=True)
        await _beside(client, url, given)


async def _beside(client: aiohttp.ClientSession, url: str, given: argparse.Namespace) -> None:
    ratios: list[tuple[float, float]] = []
    noise: list[float] = []
    for _ in range(given.rounds):
        before = [await _chat(client) for _ in range(given.requests)]
        alone = [await _chat(client) for _ in range(given.requests)]
        noise.append(_quantile(before, 0.99) / _quantile(alone, 0.99))
        async with _watched(url):
            beside = [await _chat(client) for _ in range(given.requests)]
        ratios.append((median(beside) / median(alone), _quantile(beside, 0.99) / _quantile(alone, 0.99)))
        print(f"a round: p50 × {ratios[-1][0]:.2f}, p99 × {ratios[-1][1]:.2f}", flush=True)
    print(f"ten dashboards open : none, p50 {median(each for each, _ in ratios):.2f}", end=", ")
    print(f"p99 {median(each for _, each in ratios):.2f}")
    print(f"none : none, p99 {min(noise):.2f} to {max(noise):.2f}: what the machine alone does")


@contextlib.asynccontextmanager
async def _gateway(upstream: str, journal: Path, folder: Path) -> AsyncIterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "gateway", "serve", "--policy", str(_POLICY), "--journal", str(journal)]
    environment = {"BENCH_KEY": _KEY, "BENCH_UPSTREAM": upstream, "OPENAI_API_KEY": "invented"}
    started = running(
        [*command, "--port", str(port), "--log", "none"],
        environment,
        port=port,
        core=0,
        output=folder / "gateway.log",
        headers=[f"Authorization: Bearer {_KEY}"],
        body=_BODY,
    )
    at_the_end: Callable[..., object] = started.__exit__
    await asyncio.to_thread(started.__enter__)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await asyncio.to_thread(at_the_end, None, None, None)


@contextlib.asynccontextmanager
async def _watched(url: str) -> AsyncIterator[None]:
    """Dashboards in a process of their own, so that they take no time of the client that measures."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.dashboard.watch", url, stdout=subprocess.PIPE, env=dict(os.environ)
    )
    try:
        assert child.stdout is not None
        await child.stdout.readline()  # they are open
        yield
    finally:
        child.terminate()
        await child.wait()


async def _chat(client: aiohttp.ClientSession) -> float:
    return await _timed(client, "POST", "/v1/chat/completions", _BODY)


async def _timed(client: aiohttp.ClientSession, method: str, path: str, body: str | None = None) -> float:
    """Milliseconds."""
    headers = {"content-type": "application/json"} if body else {}
    began = time.perf_counter()
    async with client.request(method, path, data=body, headers=headers) as answer:
        answer.raise_for_status()
        await answer.read()
    return (time.perf_counter() - began) * 1_000


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m loadtests.dashboard")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--journal", type=Path, help="where to keep it, so that it need not be filled again")
    parser.add_argument("--asks", type=int, default=20, help="of each screen")
    parser.add_argument("--requests", type=int, default=3_000, help="of each half of a round")
    parser.add_argument("--rounds", type=int, default=3)
    with tempfile.TemporaryDirectory(prefix="bench-dashboard-") as temporary:
        asyncio.run(measure(parser.parse_args(), Path(temporary)))
