"""The command `gateway`: a table of verbs, of which only the one that is asked for is imported."""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, cast

from gateway.core.errors import ConfigError


class Verb(NamedTuple):
    """Where a verb lives (a module with `configure(parser)` and `run(given) -> exit code`) and what it does."""

    module: str
    summary: str


VERBS = {
    "cost": Verb("gateway.cost_cli.command", "tell what traffic cost, when machines pay, and what a month would cost"),
    "serve": Verb("gateway.serve", "run the gateway"),
    "demo": Verb(
        "gateway.demo.command", "see it route everyday traffic between two simulated backends: no GPU, no key"
    ),
    "doctor": Verb("gateway.doctor.command", "check a configuration against the world, and say what to mend"),
    "keys": Verb("gateway.keys", "issue keys to callers of the policy, narrow them, replace them, revoke them"),
    "policy": Verb("gateway.policy_cli.command", "check a policy file and prove what it promises"),
    "scan": Verb("gateway.scan", "tell what is sensitive in a text or in rows of JSON, without the text itself"),
    "simulate": Verb("gateway.simulators.command", "run a stand-in for a TGI server or for OpenAI"),
    "train": Verb("gateway.training.command", "fit and judge the classifiers"),
    "usage": Verb("gateway.usage", "write recorded requests as rows for a spreadsheet, delete old ones"),
}


class Command(Protocol):
    """What a verb's module offers."""

    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Exit code 0: done; 1: the verb says no; 2: it could not be understood, and why is on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="gateway",
        description="A drop-in LLM endpoint that routes each request to your own GPUs or to OpenAI, by policy.",
    )
    parsers = parser.add_subparsers(metavar="VERB", required=True, dest="verb")
    rooms = {
        name: parsers.add_parser(name, help=verb.summary, description=verb.summary) for name, verb in VERBS.items()
    }
    asked = words[0] if words else ""
    if asked in VERBS:
        command = cast(Command, importlib.import_module(VERBS[asked].module))
        command.configure(rooms[asked])
        rooms[asked].set_defaults(run=command.run)
    given = parser.parse_args(words)
    try:
        code: int = given.run(given)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return code
