"""The words of `gateway train`: `fit` makes a weights file, `evaluate` judges one, `score` applies one."""

import argparse
from pathlib import Path

from gateway.classify.weights import Weights, read, shipped_weights
from gateway.core.errors import ConfigError
from gateway.training.evaluate import compare, evaluate
from gateway.training.fit import fit
from gateway.training.own import Prices, fit_own
from gateway.training.score import score_file
from gateway.training.table import table
from gateway.training.threshold import Unit, find_threshold

_FOLDER = "folder of .jsonl or .jsonl.gz files"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the words; each sets `func`, which takes the parsed arguments and returns the exit code."""
    _register_fit(subparsers.add_parser("fit", help="fit a weights file on outcomes, and report on held-out prompts"))
    judging = subparsers.add_parser("evaluate", help="report how weights sort the prompts of a folder")
    judging.add_argument("--data", type=Path, required=True, metavar="DIR", help=_FOLDER)
    judging.add_argument("--weights", type=Path, metavar="FILE", help="the weights file (default: the shipped one)")
    judging.add_argument("--against", type=Path, metavar="FILE", help="compare with these weights on the same prompts")
    judging.set_defaults(func=_evaluate)
    finding = subparsers.add_parser("calibrate", help="find the score that gives a share of calls or keeps a quality")
    finding.add_argument("--in", type=Path, required=True, metavar="FILE", dest="source", help="a sample, as for fit")
    finding.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="the threshold to write")
    finding.add_argument("--weights", type=Path, metavar="FILE", help="the weights file (default: the shipped one)")
    unit = finding.add_mutually_exclusive_group(required=True)
    unit.add_argument("--share", type=float, metavar="X", help="this share of requests to the strong model")
    unit.add_argument("--keep", type=float, metavar="X", help="keep this share of the strong model's quality")
    unit.add_argument("--loss", type=float, metavar="X", help="lose this much of the mean score at most")
    finding.set_defaults(func=_calibrate)
    listing = subparsers.add_parser("complexity-table", help="report the complexity model's figures on a folder")
    listing.add_argument("--data", type=Path, required=True, metavar="DIR", help=_FOLDER)
    listing.set_defaults(func=_table)
    scoring = subparsers.add_parser("score", help="score a file of prompts as serving would, a JSON line for each")
    scoring.add_argument("--in", type=Path, required=True, metavar="FILE", dest="source", help="JSON lines of prompts")
    scoring.add_argument("--out", type=Path, required=True, metavar="FILE", help="the JSON lines to write")
    scoring.add_argument("--weights", type=Path, metavar="FILE", help="the weights file (default: the shipped one)")
    scoring.add_argument("--explain", action="store_true", help="add the five features that weighed most, in words")
    scoring.set_defaults(func=_score)


def _register_fit(fitting: argparse.ArgumentParser) -> None:
    source = fitting.add_mutually_exclusive_group(required=True)
    source.add_argument("--outcomes", type=Path, metavar="FILE", help="your own outcomes (.jsonl or .jsonl.gz)")
    source.add_argument("--data", type=Path, metavar="DIR", help=f"from nothing, on benchmarks: {_FOLDER}")
    fitting.add_argument("--out", type=Path, required=True, metavar="FILE", help="the weights file to write")
    fitting.add_argument(
        "--leave-out", nargs="+", default=(), metavar="SOURCE", help="with --data: sources to report on, not to fit on"
    )
    own = fitting.add_argument_group("with --outcomes")
    own.add_argument("--prior", type=Path, metavar="FILE", help="the weights to start from (default: the shipped ones)")
    own.add_argument("--plot", type=Path, metavar="FILE.png", help="write a reliability plot")
    own.add_argument("--usd", type=float, nargs=2, metavar=("WEAK", "STRONG"), help="dollars an average request costs")
    fitting.set_defaults(func=_fit)


def _fit(given: argparse.Namespace) -> int:
    if given.outcomes is None:
        if given.prior or given.plot or given.usd:
            raise ConfigError("`--prior`, `--plot` and `--usd` go with `--outcomes`; leave them out with `--data`")
        print(fit(given.data, given.out, given.leave_out))
    else:
        if given.leave_out:
            raise ConfigError("`--leave-out` goes with `--data`; leave it out with `--outcomes`")
        prices = Prices(*given.usd) if given.usd else None
        print(fit_own(given.outcomes, _weights(given.prior), given.out, given.plot, prices))
    return 0


def _evaluate(given: argparse.Namespace) -> int:
    if given.against is None:
        print(evaluate(given.data, given.weights))
    else:
        print(compare(given.data, given.weights, given.against))
    return 0


def _calibrate(given: argparse.Namespace) -> int:
    units: tuple[Unit, ...] = ("share", "keep", "loss")
    unit = next(each for each in units if getattr(given, each) is not None)
    found = find_threshold(given.source, _weights(given.weights), unit, getattr(given, unit), given.out)
    print(f"hard_from: {found.score:.4f}  # {unit} {found.amount:g}: {found.share:.0%} of {found.prompts} prompts")
    return 0


def _table(given: argparse.Namespace) -> int:
    print(table(given.data))
    return 0


def _score(given: argparse.Namespace) -> int:
    count = score_file(given.source, given.out, _weights(given.weights), given.explain)
    print(f"wrote {given.out}: {count} rows")
    return 0


def _weights(path: Path | None) -> Weights:
    return shipped_weights() if path is None else read(path)
