"""The verb `usage`: recorded requests, as rows for a spreadsheet, or deleted once they are old."""

import argparse
import csv
import sys
import time
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from gateway.core.errors import ConfigError, JournalUnavailable
from gateway.core.money import dollars
from gateway.core.records import Record
from gateway.cost_cli.since import since
from gateway.stores.journal_scan import JournalScan
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.telemetry.pruning import AT_ONCE, PAUSE_S

COLUMNS = (
    "at", "id", "decision_id", "caller", "team", "endpoint", "model", "stream", "sensitivity", "tier", "rule",
    "backend", "zone", "ending", "status", "code", "attempts", "masked", "prompt_tokens", "completion_tokens",
    "cached_tokens", "cost_usd", "charged_usd", "total_ms", "policy",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(metavar="WHAT", required=True, dest="what")
    export = verbs.add_parser("export", help="write them as CSV", description="Recorded requests as CSV, one a row.")
    export.add_argument("--journal", type=Path, required=True, metavar="FILE", help="of the gateway that recorded")
    export.add_argument("--since", default="30d", metavar="AGE", help="such as `24h`, `7d` or `30d` (default 30d)")
    export.add_argument("--csv", type=Path, metavar="FILE", help="where to (default: standard output)")
    prune = verbs.add_parser("prune", help="delete old ones", description="Delete old requests; their sums stay.")
    prune.add_argument("--journal", type=Path, required=True, metavar="FILE", help="of the gateway that recorded")
    prune.add_argument("--keep", required=True, metavar="AGE", help="delete what is older, such as `30d`")


def run(given: argparse.Namespace) -> int:
    return _export(given) if given.what == "export" else _prune(given)


def _prune(given: argparse.Namespace) -> int:
    """A few at a time, with a pause between, so that a gateway that is at work writes in between."""
    before = since(given.keep, time.time(), "--keep")
    JournalScan(given.journal, before)  # a file that is no journal is not made one
    count = 0
    try:
        with closing(SqliteJournal(given.journal)) as journal:
            while (gone := journal.prune(before, AT_ONCE)) == AT_ONCE:
                count += gone
                time.sleep(PAUSE_S)
    except JournalUnavailable as trouble:
        raise ConfigError(str(trouble)) from None
    print(f"{count + gone:,} requests deleted from {given.journal}", file=sys.stderr)
    return 0


def _export(given: argparse.Namespace) -> int:
    scan = JournalScan(given.journal, since(given.since, time.time()))
    with nullcontext(sys.stdout) if given.csv is None else given.csv.open("w", newline="", encoding="utf-8") as out:
        write(scan, out)
    if given.csv is not None:
        print(f"{scan.count:,} requests in {given.csv}", file=sys.stderr)
    return 0


def write(records: JournalScan | list[Record], out: IO[str]) -> None:
    """No cell begins as a spreadsheet's formula does: names come from a policy, codes from a backend."""
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for record in records:
        rows.writerow([_plain(cell) for cell in _row(record)])


def _row(record: Record) -> tuple[object, ...]:
    verdict, outcome, usage = record.verdict, record.outcome, record.outcome.usage
    charged = [attempt.charged for attempt in outcome.attempts if attempt.charged is not None]
    return (
        datetime.fromtimestamp(record.at, UTC).isoformat(timespec="milliseconds"),
        record.id,
        record.decision_id,
        record.caller.id,
        record.caller.team,
        record.endpoint.value,
        record.model,
        "yes" if record.stream else "no",
        verdict.sensitivity.label,
        verdict.tier.label,
        record.decision.rule,
        record.backend,
        record.zone,
        outcome.ending.value,
        outcome.status,
        outcome.code,
        len(outcome.attempts),
        " ".join(record.masked),
        "" if usage is None else usage.prompt_tokens,
        "" if usage is None else usage.completion_tokens,
        "" if usage is None else usage.cached_tokens,
        "" if outcome.cost is None else dollars(outcome.cost),
        dollars(sum(charged[1:], charged[0])) if charged else "",
        round(outcome.total_ms, 1),
        record.decision.policy_digest,
    )


def _plain(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
