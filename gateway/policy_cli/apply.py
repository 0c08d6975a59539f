"""`gateway policy apply`: a running gateway serves a policy, or says what that would change."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gateway.config import policy_text
from gateway.policy_cli import remote


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a policy file")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be")
    parser.add_argument("--replaces", default="", metavar="DIGEST", help="refuse unless this policy is served now")
    remote.configure_change(parser)


def run(given: argparse.Namespace) -> int:
    text = policy_text(given.file).decode("utf-8", "replace")
    body = {"text": text, "author": given.author, "note": given.note, "replaces": given.replaces}
    return changed(given.gateway, "?dry_run" if given.dry_run else "", body)


def changed(gateway: str, path: str, body: object) -> int:
    try:
        answer = remote.ask(gateway, "POST", path, body)
    except remote.Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    for line in _lines(answer):
        print(line)
    return 0


def _lines(answer: dict[str, Any]) -> list[str]:
    policy, changes = answer["policy"], answer["changes"] or {}
    verb = "is served from now on" if answer["outcome"] == "served" else "can be served"
    told = [*changes.get("said", ()), *changes.get("routed", ())]
    return [
        f"policy `{policy['name']}` ({policy['digest'][:12]}) {verb}",
        *(f"proved: {sentence}" for sentence in answer["proved"]),
        *(f"changed: {line}" for line in told),
    ]
