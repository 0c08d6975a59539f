"""`gateway policy check`: what is wrong with policy files, and what was proved of them, for people, programs and CI."""

import argparse
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.config import beside, policy_text, price_list
from gateway.core.errors import ConfigError
from gateway.policy.load import load
from gateway.policy.model import Policy
from gateway.policy.problems import Place
from gateway.policy.review import review
from gateway.policy.verify import Proof
from gateway.policy_cli import sarif

_TOLD = re.compile(r"(?P<line>[0-9]+):(?P<column>[0-9]+): (?P<sentence>.*)")


class Trouble(NamedTuple):
    """One line of the answer. `code` is `unreadable` for what the grammar refuses, else the review's word."""

    level: str
    code: str
    place: Place
    sentence: str
    path: tuple[str, ...] = ()


class Checked(NamedTuple):
    """The answer about one file."""

    file: str
    policy: Policy | None
    troubles: tuple[Trouble, ...]
    proved: tuple[Proof, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="policy files")
    parser.add_argument("--format", choices=tuple(_FORMATS), default="text", help="of the answer (default text)")
    parser.epilog = "exit code 0: nothing is wrong; 1: something is; 2: a file cannot be opened"


def run(given: argparse.Namespace) -> int:
    checked = [check(path, os.environ) for path in given.files]
    print(_FORMATS[given.format](checked))
    return int(any(each.troubles for each in checked))


def check(path: Path, environment: Mapping[str, str]) -> Checked:
    """Secrets need not be set, so that a file can be checked where they are not known."""
    file = str(path)
    text = policy_text(path)
    try:
        policy = load(text, file, environment, beside(path), price_list)
    except ConfigError as error:
        return Checked(file, None, tuple(_unreadable(line, file) for line in str(error).splitlines()), ())
    try:
        found = review(policy)
    except ConfigError as error:
        return Checked(file, policy, (Trouble("error", "unproved", Place(1, 1), str(error)),), ())
    troubles = (
        Trouble("error" if each.is_error else "warning", each.fault, each.place, each.sentence, each.path)
        for each in found.remarks
    )
    return Checked(file, policy, tuple(troubles), found.proved)


def _unreadable(line: str, file: str) -> Trouble:
    told = _TOLD.fullmatch(line.removeprefix(f"{file}:"))
    if told is None:
        return Trouble("error", "unreadable", Place(1, 1), line)
    return Trouble("error", "unreadable", Place(int(told["line"]), int(told["column"])), told["sentence"])


def _text(checked: Sequence[Checked]) -> str:
    return "\n".join(line for each in checked for line in _lines(each))


def _lines(checked: Checked) -> list[str]:
    lines = []
    for trouble in checked.troubles:
        place = f"{checked.file}:{trouble.place.line}:{trouble.place.column}"
        lines.append(f"{place}: {trouble.level}: {trouble.code}: {trouble.sentence}")
        lines += [f"    {line}" for line in trouble.path]
    if checked.policy is not None:
        backends = len(checked.policy.backends)
        lines += [
            f"{checked.file}: proved: {proof.sentence} ({proof.states:,} kinds of requests, every state of "
            f"{backends} backend{'s' if backends > 1 else ''})"
            for proof in checked.proved
        ]
    return lines


def _json(checked: Sequence[Checked]) -> str:
    return json.dumps({"files": [_row(each) for each in checked]}, indent=2, ensure_ascii=False)


def _row(checked: Checked) -> Mapping[str, object]:
    policy = checked.policy
    return {
        "file": checked.file,
        "policy": None if policy is None else policy.name,
        "digest": None if policy is None else policy.digest,
        "ok": not checked.troubles,
        "troubles": [
            {**trouble._asdict(), "place": trouble.place._asdict(), "path": list(trouble.path)}
            for trouble in checked.troubles
        ],
        "proved": [{"sentence": proof.sentence, "requests": proof.states} for proof in checked.proved],
    }


def _sarif(checked: Sequence[Checked]) -> str:
    results = [
        sarif.result(
            trouble.level, trouble.code, "\n".join((trouble.sentence, *trouble.path)), each.file, trouble.place
        )
        for each in checked
        for trouble in each.troubles
    ]
    return json.dumps(sarif.log("gateway policy check", results), indent=2, ensure_ascii=False)


_FORMATS: Mapping[str, Callable[[Sequence[Checked]], str]] = {"text": _text, "json": _json, "sarif": _sarif}
