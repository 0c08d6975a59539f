"""`gateway cost report`: dollars by backend, the price of a token on one's own machines, and when those pay."""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.config import load_policy
from gateway.core.errors import ConfigError, JournalUnavailable
from gateway.core.money import NanoUSD, dollars
from gateway.core.types import Endpoint
from gateway.cost_cli.since import since
from gateway.limits.economics import Load, Machines, advice, machines
from gateway.policy.model import Policy
from gateway.stores.journal_view import JournalView, Row


class Costs(msgspec.Struct, frozen=True):
    """Of one period. `paid`: answers with a known price; `baseline`: the same tokens at the policy's baseline, None
    where it names none with a price. `unpriced`: answers that are in neither."""

    since: float
    until: float
    policy: str
    loads: dict[str, Load]
    machines: tuple[Machines, ...]
    paid: NanoUSD
    hours: NanoUSD
    baseline: NanoUSD | None
    unpriced: int

    @property
    def saved(self) -> NanoUSD | None:
        return None if self.baseline is None else NanoUSD(self.baseline - self.paid - self.hours)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="whose prices and baseline count")
    parser.add_argument("--journal", type=Path, required=True, metavar="FILE", help="of the gateway that recorded")
    parser.add_argument("--since", default="7d", metavar="AGE", help="such as `24h`, `7d` or `30d` (default 7d)")
    parser.add_argument("--json", action="store_true", help="for programs: amounts in nano-dollars")


def run(given: argparse.Namespace) -> int:
    policy = load_policy(given.policy, os.environ)
    until = time.time()
    try:
        rows = JournalView(given.journal).sums(since(given.since, until), until)["answered"]
    except JournalUnavailable as trouble:
        raise ConfigError(f"{trouble}; give the journal of a gateway, which it has opened once") from None
    found = costs(policy, rows, since(given.since, until), until)
    print(msgspec.json.encode(found).decode() if given.json else "\n".join(_told(found)))
    return 0


def costs(policy: Policy, rows: Sequence[Row], first: float, last: float) -> Costs:
    """`rows`: the journal's sums of what was answered in that time."""
    loads = {name: _load(rows, name) for name in policy.backends}
    spec = policy.backends.get(policy.baseline or "")
    price = None if spec is None else spec.price_for(Endpoint.CHAT)
    owned = tuple(
        machines(name, backend.price.gpu_hour, loads[name], last - first, price)
        for name, backend in policy.backends.items()
        if backend.price is not None and backend.price.gpu_hour
    )
    priced = {name: _load([row for row in rows if row["priced"]], name) for name in policy.backends}
    return Costs(
        since=first,
        until=last,
        policy=policy.name,
        loads=loads,
        machines=owned,
        paid=NanoUSD(sum(load.paid for load in loads.values())),
        hours=NanoUSD(sum(each.cost for each in owned)),
        baseline=None if price is None else NanoUSD(sum(load.at(price) for load in priced.values())),
        unpriced=sum(
            int(row["requests"]) - int(row["priced"])
            for row in rows
            if row["backend"] in policy.backends and row["ending"] == "completed"
        ),
    )


def _load(rows: Sequence[Row], backend: str) -> Load:
    mine = [row for row in rows if row["backend"] == backend]

    def total(name: str) -> int:
        return sum(int(row[name]) for row in mine)

    return Load(
        requests=total("requests"),
        prompt_tokens=total("prompt_tokens"),
        completion_tokens=total("completion_tokens"),
        cached_tokens=total("cached_tokens"),
        busy_s=total("total_ms") / 1000,
        paid=NanoUSD(total("cost_nano")),
    )


def _told(found: Costs) -> Iterator[str]:
    yield f"{_moment(found.since)} to {_moment(found.until)} UTC, prices of policy `{found.policy}`"
    yield ""
    yield f"{'backend':<16}{'requests':>12}{'prompt tokens':>16}{'completion':>14}{'paid USD':>16}"
    for name, load in found.loads.items():
        row = (load.requests, load.prompt_tokens, load.completion_tokens)
        yield f"{name:<16}{row[0]:>12,}{row[1]:>16,}{row[2]:>14,}{dollars(load.paid):>16}"
    for each in found.machines:
        yield ""
        yield from _of_machines(each)
    yield ""
    yield f"paid for tokens {dollars(found.paid)} USD, for machines {dollars(found.hours)} USD"
    if found.baseline is not None and found.saved is not None:
        word = "less" if found.saved >= 0 else "more"
        amount = dollars(NanoUSD(abs(found.saved)))
        yield f"all at the baseline {dollars(found.baseline)} USD: {amount} USD {word} was spent"
    if found.unpriced:
        yield f"{found.unpriced:,} answers have no known price and are in none of these sums"


def _of_machines(each: Machines) -> Iterator[str]:
    busy = f"{each.mean_in_flight:.2f} requests in flight in the mean"
    yield f"{each.backend}: {dollars(each.cost)} USD for its hours, {busy}"
    if each.per_million is not None:
        yield f"  {dollars(each.per_million)} USD per million tokens, at {each.made_a_day:,} tokens a day"
    if each.elsewhere_per_million is not None and each.break_even_tokens_a_day is not None:
        yield (
            f"  the API asks {dollars(each.elsewhere_per_million)} USD per million for this mix; "
            f"they break even at {each.break_even_tokens_a_day:,} tokens a day"
        )
    yield f"  {advice(each)}"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
