"""The verb `policy`: a table of what can be asked of a policy file."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

from gateway.policy_cli import apply, backtest, check, diff, explain, fmt, history, prose, rollback, schema, trial


class Verb(NamedTuple):
    """How a verb is asked (its arguments), how it answers (its exit code), and what it does."""

    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    summary: str


VERBS = {
    "check": Verb(check.configure, check.run, "find what is wrong with policies and prove their invariants"),
    "test": Verb(trial.configure, trial.run, "run the tests of policies, and see whether they would notice a change"),
    "diff": Verb(diff.configure, diff.run, "show what two policies say differently, and which requests that reroutes"),
    "explain": Verb(explain.configure, explain.run, "say why a request goes where it goes, and what would change that"),
    "backtest": Verb(backtest.configure, backtest.run, "decide recorded requests again by another policy, and compare"),
    "prose": Verb(prose.configure, prose.run, "say in plain English what a policy means, for whoever signs for it"),
    "apply": Verb(apply.configure, apply.run, "have a running gateway serve a policy, or say what that would change"),
    "history": Verb(history.configure, history.run, "list what a running gateway has served, or show one of it"),
    "rollback": Verb(rollback.configure, rollback.run, "have a running gateway serve what it served before"),
    "fmt": Verb(fmt.configure, fmt.run, "lay policy files out: sections in order, comments with them"),
    "schema": Verb(schema.configure, schema.run, "print the JSON Schema of policy files, for editors"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    parsers = parser.add_subparsers(metavar="WHAT", required=True, dest="what")
    for name, verb in VERBS.items():
        verb.configure(parsers.add_parser(name, help=verb.summary, description=verb.summary))


def run(given: argparse.Namespace) -> int:
    return VERBS[given.what].run(given)
