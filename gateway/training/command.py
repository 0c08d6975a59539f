"""The verb `train` as the command line asks for it."""

import argparse

from gateway.training import sensitivity
from gateway.training.commands import register


def configure(parser: argparse.ArgumentParser) -> None:
    subparsers = parser.add_subparsers(metavar="WHAT", required=True, dest="what")
    register(subparsers)
    sensitivity.register(subparsers)


def run(given: argparse.Namespace) -> int:
    code: int = given.func(given)
    return code
