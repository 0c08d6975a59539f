"""`gateway policy backtest`: recorded requests decided again by another policy, beside what was decided then."""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from gateway.config import load_policy
from gateway.core.errors import ConfigError
from gateway.core.records import Record
from gateway.policy.backtest import Backtest, share
from gateway.policy_cli.backtest_report import report
from gateway.stores.journal_scan import JournalScan

_SINCE = re.compile(r"([0-9]{1,5})([mhdw])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_BAR, _TOLD_EVERY = 30, 10_000


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="NEW", help="the policy to decide by")
    parser.add_argument("--journal", type=Path, required=True, metavar="FILE", help="of the gateway that recorded")
    parser.add_argument("--since", default="7d", metavar="AGE", help="such as `30m`, `24h`, `7d` or `all` (default 7d)")
    parser.add_argument(
        "--max-cost-increase", type=_percent, metavar="PERCENT", help="exit with 1 where it would have cost more"
    )
    parser.add_argument(
        "--no-new-egress", action="store_true", help="exit with 1 where a request may reach an outer zone it could not"
    )
    parser.epilog = "exit code 0: within the limits given; 1: beyond one; 2: a file cannot be used"


def run(given: argparse.Namespace) -> int:
    policy = load_policy(given.file, os.environ)
    since = _since(given.since, time.time())
    scan = JournalScan(given.journal, since)
    if not scan.count:
        raise ConfigError(
            f"the journal `{given.journal}` has no record since {_moment(since)}; give a longer `--since`"
        )
    backtest = Backtest(policy)
    for record in _with_progress(scan, scan.count):
        backtest.add(record)
    print(f"policy `{policy.name}` ({policy.digest[:12]}) on what was asked since {_moment(since)}")
    print("\n".join(report(backtest)))
    beyond = list(_beyond(backtest, given))
    for line in beyond:
        print(f"beyond the limit: {line}")
    return int(bool(beyond))


def _beyond(backtest: Backtest, given: argparse.Namespace) -> Iterator[str]:
    """Which of the limits are exceeded. A cost is taken at its most, so that passing means something."""
    increase = share(backtest.old_cost, backtest.new_cost.most)
    if given.max_cost_increase is not None and increase > given.max_cost_increase:
        yield f"up to {increase:+.1f} % of cost, {given.max_cost_increase:g} % is allowed"
    if given.no_new_egress and backtest.first_egress is not None:
        example = backtest.first_egress.decision_id
        yield f"{backtest.new_egress:,} requests may reach a zone that they could not, such as {example}"


def _with_progress(records: Iterable[Record], total: int) -> Iterator[Record]:
    """On a terminal, a bar."""
    is_shown = sys.stderr.isatty()
    for number, record in enumerate(records):
        if is_shown and number % _TOLD_EVERY == 0:
            done = number * _BAR // total
            print(f"\r[{'#' * done}{'.' * (_BAR - done)}] {number:,} of {total:,}", end="", file=sys.stderr, flush=True)
        yield record
    if is_shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _since(age: str, now: float) -> float:
    if age == "all":
        return 0.0
    found = _SINCE.fullmatch(age)
    if found is None:
        raise ConfigError(f"`--since` must be an age such as `30m`, `24h`, `7d` or `all`, not `{age}`")
    return now - int(found[1]) * _SECONDS[found[2]]


def _percent(said: str) -> float:
    return float(said.removesuffix("%"))


def _moment(at: float) -> str:
    return "the beginning" if not at else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
