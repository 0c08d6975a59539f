"""`gateway policy history`: what a running gateway has served, by whom and why, and what each version changed."""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from gateway.policy_cli import remote


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", type=int, nargs="?", metavar="VERSION", help="show what this one changed")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="list the last N (default 20)")
    parser.add_argument("--text", action="store_true", help="print the whole text of VERSION instead")
    remote.configure(parser)


def run(given: argparse.Namespace) -> int:
    path = f"/history?limit={given.limit}" if given.version is None else f"/history/{given.version}"
    try:
        answer = remote.ask(given.gateway, "GET", path)
    except remote.Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    if given.version is None:
        for row in answer["versions"]:
            print(_line(row))
    elif given.text:
        print(answer["text"], end="")
    else:
        print("\n".join(_changed(answer)))
    return 0


def _line(row: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(row["at"], UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    author = row["author"] or "unknown"
    return f"{row['version']:>5}  {at}  {row['digest'][:12]}  {row['source']:<8}  {author:<12}  {row['note']}".rstrip()


def _changed(row: dict[str, Any]) -> list[str]:
    difference = row["difference"]
    meaning = difference["meaning"] or {"said": [], "routed": []}
    return [
        _line(row),
        *(f"changed: {line}" for line in (*meaning["said"], *meaning["routed"])),
        difference["text"].rstrip("\n"),
    ]
