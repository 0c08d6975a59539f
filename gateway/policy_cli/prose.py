"""`gateway policy prose`: a policy in plain English, for sign-off."""

import argparse
import os
from pathlib import Path

from gateway.config import policy_text
from gateway.policy.load import load
from gateway.policy.prose import prose


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a policy file")


def run(given: argparse.Namespace) -> int:
    print(prose(load(policy_text(given.file), str(given.file), os.environ)), end="")
    return 0
