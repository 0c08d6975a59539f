"""The words of `gateway train`: `fit` makes a weights file from outcomes, `evaluate` judges one."""

import argparse
from pathlib import Path

from gateway.training.evaluate import evaluate
from gateway.training.fit import fit


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `fit` and `evaluate`; each sets `func`, which takes the parsed arguments and returns the exit code."""
    fitting = subparsers.add_parser("fit", help="fit a weights file on outcomes, and report on held-out prompts")
    fitting.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of .jsonl or .jsonl.gz files")
    fitting.add_argument("--out", type=Path, required=True, metavar="FILE", help="the weights file to write")
    fitting.set_defaults(func=_fit)
    judging = subparsers.add_parser("evaluate", help="report how weights sort the prompts of a folder")
    judging.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of .jsonl or .jsonl.gz files")
    judging.add_argument("--weights", type=Path, metavar="FILE", help="the weights file (default: the shipped one)")
    judging.set_defaults(func=_evaluate)


def _fit(given: argparse.Namespace) -> int:
    print(fit(given.data, given.out))
    return 0


def _evaluate(given: argparse.Namespace) -> int:
    print(evaluate(given.data, given.weights))
    return 0
