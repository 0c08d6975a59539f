"""The verb `cost`: what traffic cost, and what it would cost elsewhere."""

import argparse

from gateway.cost_cli import plan, report

VERBS = {
    "report": (report, "what recorded traffic cost, what machines made of their hours, and when they pay"),
    "plan": (plan, "what so many tokens a month would cost: at the API, on managed endpoints, self-hosted, routed"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(metavar="WHAT", required=True, dest="what")
    for name, (verb, summary) in VERBS.items():
        verb.configure(verbs.add_parser(name, help=summary, description=summary))


def run(given: argparse.Namespace) -> int:
    code: int = VERBS[given.what][0].run(given)
    return code
