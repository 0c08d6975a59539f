"""`gateway policy diff`: what two policies say differently, and which requests they send different ways."""

import argparse
import os
from pathlib import Path

from gateway.config import load_policy
from gateway.policy.changes import changes


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", type=Path, metavar="OLD", help="a policy file")
    parser.add_argument("new", type=Path, metavar="NEW", help="another")
    parser.epilog = "exit code 0: they mean the same; 1: they do not; 2: a file cannot be used"


def run(given: argparse.Namespace) -> int:
    old, new = (load_policy(path, os.environ) for path in (given.old, given.new))
    said, routed = changes(old, new)
    if not (said or routed):
        print("they mean the same")
        return 0
    for heading, lines in (("what is said", said), ("what is decided, while no backend is down", routed)):
        print(f"{heading}:" if lines else f"{heading}: the same")
        for line in lines:
            print(f"  {line}")
    return 1
