"""The verb `demo`: two simulated backends, the real gateway, and everyday traffic through the official client."""

import argparse
import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import openai

from gateway.app import Gateway, asgi
from gateway.config import Settings, shipped_policy
from gateway.control.origin import Origin
from gateway.core.errors import ConfigError
from gateway.demo.screen import Screen
from gateway.demo.traffic import Example, traffic
from gateway.demo.visit import ask
from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import Simulator, serve
from gateway.simulators.tgi import TgiSettings, tgi_app

BUSY_FROM, BUSY_UNTIL, BUSY_EVERY = 20, 26, 60
"""Requests 20 to 25 of every 60 meet an overloaded TGI, so that fallback is seen too."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, metavar="N", help="end after N requests (default: until Ctrl-C)")
    parser.add_argument("--per-second", type=float, default=3.0, metavar="R", help="requests a second (default 3)")
    parser.add_argument("--port", type=int, default=0, help="port of the gateway (default: a free one)")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="another policy than policies/default.yaml")
    parser.add_argument("--seed", type=int, default=2270, help="another seed, another stream of requests")


def run(given: argparse.Namespace) -> int:
    if given.per_second <= 0:
        raise ConfigError("`--per-second` must be above 0")
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
        asyncio.run(_demo(given, Path(folder)))
    return 0


async def _demo(given: argparse.Namespace, folder: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        gpu = await stack.enter_async_context(serve(tgi_app(TgiSettings(prefill_ms=40, token_ms=2))))
        api = await stack.enter_async_context(serve(openai_app(OpenAISettings(prefill_ms=80, token_ms=3))))
        environment = {"TGI_URL": gpu.url, "OPENAI_BASE_URL": api.url, "OPENAI_API_KEY": "a-key-for-the-simulator"}
        origin = Origin(given.policy or _copied(shipped_policy("default"), folder), environment, None)
        policy = origin.read().policy
        settings = Settings.read({}, {"journal": folder / "journal.sqlite", "log": "none"})
        gateway = await stack.enter_async_context(serve(asgi(Gateway(policy, settings, origin)), port=given.port))
        client = await stack.enter_async_context(
            openai.AsyncOpenAI(base_url=gateway.url + "/v1", api_key="any", max_retries=0)
        )
        screen = Screen(sys.stdout, policy)
        screen.opening(gateway.url)
        stop = _on_signals()
        examples = islice(traffic(given.seed), given.requests)
        await _drive(client, gpu, screen, examples, 1 / given.per_second, stop)
        screen.closing()


def _copied(policy: Path, folder: Path) -> Path:
    """The dashboard may change the file that is served: not the one that was shipped."""
    return Path(shutil.copy(policy, folder / "policy.yaml"))


async def _drive(
    client: openai.AsyncOpenAI,
    gpu: Simulator,
    screen: Screen,
    examples: Iterable[Example],
    every_s: float,
    stop: asyncio.Event,
) -> None:
    """Send one example every `every_s` seconds, whether or not the last is done, until told to stop."""
    async with asyncio.TaskGroup() as visits:
        for number, example in enumerate(examples):
            gpu.faults.overloaded = BUSY_FROM <= number % BUSY_EVERY < BUSY_UNTIL
            visits.create_task(_visit(client, screen, example))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_s)
            if stop.is_set():
                return


async def _visit(client: openai.AsyncOpenAI, screen: Screen, example: Example) -> None:
    screen.row(await ask(client, example))


def _on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
