"""`gateway policy test`: a policy's own cases, how many reach each rule, and which changes nobody would notice."""

import argparse
import os
from pathlib import Path

from gateway.asking import trials
from gateway.config import load_policy
from gateway.policy.model import Policy
from gateway.policy.trial import Tried, coverage, noticed


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="policy files")
    parser.add_argument(
        "--min-score", type=float, default=0.0, metavar="PERCENT", help="of changes that must be noticed (default 0)"
    )
    parser.epilog = "exit code 0: every case holds; 1: one does not, or the score is too low; 2: a file cannot be used"


def run(given: argparse.Namespace) -> int:
    return int(any([not _file(path, given.min_score) for path in given.files]))  # noqa: C419 - every file is told


def _file(path: Path, least: float) -> bool:
    policy = load_policy(path, os.environ)
    cases = trials(policy)
    failed = [trial for trial in cases if trial.mistakes]
    for trial in failed:
        place = f"{path}:{trial.case.place.line}:{trial.case.place.column}"
        for mistake in trial.mistakes:
            print(f"{place}: failed: {trial.case.name}: {mistake}")
    print(f"{path}: {len(cases) - len(failed)} of {len(cases)} cases hold")
    print("  cases a rule: " + ", ".join(f"`{name}` {count}" for name, count in coverage(policy, cases).items()))
    return _score(policy, cases, least) and not failed


def _score(policy: Policy, cases: list[Tried], least: float) -> bool:
    seen = noticed(policy, cases)
    print(f"  changes noticed: {seen.mutants - len(seen.survivors)} of {seen.mutants} ({seen.score:.0f} %)")
    for mutant in seen.survivors:
        print(f"    not noticed: {mutant.change}")
    return seen.score >= least
