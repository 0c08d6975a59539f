"""The verb `train` as the command line asks for it."""

import argparse

from gateway.training.commands import register


def configure(parser: argparse.ArgumentParser) -> None:
    register(parser.add_subparsers(metavar="WHAT", required=True, dest="what"))


def run(given: argparse.Namespace) -> int:
    code: int = given.func(given)
    return code
