"""`gateway policy prose`: a policy in plain English, for sign-off."""

import argparse
import os
from pathlib import Path

from gateway.config import load_policy
from gateway.policy.prose import prose


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a policy file")


def run(given: argparse.Namespace) -> int:
    print(prose(load_policy(given.file, os.environ)), end="")
    return 0
