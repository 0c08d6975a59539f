"""The verb `doctor`: a configuration against the world, a line for each thing looked at, and what to mend."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from gateway import flags
from gateway.app import SystemClock
from gateway.config import Settings
from gateway.doctor import backends, machine, policies, redis
from gateway.doctor.result import Grade, Result

_MARKS: Mapping[Grade, str] = {Grade.OK: "ok", Grade.WARNING: "look", Grade.TROUBLE: "MEND"}


def configure(parser: argparse.ArgumentParser) -> None:
    flags.configure(parser)
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.epilog = (
        "takes the flags and variables of `gateway serve`, and looks from where it runs; spends nothing and changes "
        "nothing; exit code 0: nothing is to be mended; 1: something is; 2: a flag or variable cannot be understood"
    )


def run(given: argparse.Namespace) -> int:
    settings = Settings.read(os.environ, vars(given))
    found = looked_at(given.policy, settings, os.environ)
    (_as_json if given.json else _as_text)(found, sys.stdout)
    return int(any(result.grade is Grade.TROUBLE for result in found))


def looked_at(policy: Path, settings: Settings, environment: Mapping[str, str]) -> list[Result]:
    """All results: the policy first, then the backends it names, the stores, the machine. Blocking, for seconds."""
    read, found = policies.read(policy, environment)
    found.append(policies.weights(settings.weights))
    if read is not None:
        found += asyncio.run(backends.results(read.backends, SystemClock()))
    return [*found, *redis.results(settings), *machine.results(settings)]


def _as_text(found: Sequence[Result], out: TextIO) -> None:
    for result in found:
        print(f"{_MARKS[result.grade]:4}  {result.about}: {result.sentence}", file=out)
        if result.remedy:
            print(f"      -> {result.remedy}", file=out)
    counts = {grade: sum(result.grade is grade for result in found) for grade in Grade}
    print(
        f"{counts[Grade.OK]} ok, {counts[Grade.WARNING]} to look at, {counts[Grade.TROUBLE]} to mend",
        file=out,
    )


def _as_json(found: Sequence[Result], out: TextIO) -> None:
    is_well = all(result.grade is not Grade.TROUBLE for result in found)
    rows = [result._asdict() for result in found]
    print(json.dumps({"ok": is_well, "results": rows}, indent=2, ensure_ascii=False), file=out)
