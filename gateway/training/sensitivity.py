"""`gateway train sensitivity`: fits the weights of the tagger of names and addresses on a folder of annotated texts."""

import argparse
from pathlib import Path

from gateway.classify.names_weights import load
from gateway.training import sensitivity_names
from gateway.training.sensitivity_rows import read_rows
from gateway.training.sensitivity_table import table


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the words; each sets `func`, which takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser("sensitivity", help="fit the weights that find names and addresses")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of annotated .jsonl(.gz) files")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the weights file to write")
    parser.set_defaults(func=_train)
    judging = subparsers.add_parser("sensitivity-table", help="report what the sensitivity detectors find, by source")
    judging.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder of annotated .jsonl(.gz) files"
    )
    judging.set_defaults(func=_table)


def _train(given: argparse.Namespace) -> int:
    print(train(given.data, given.out))
    return 0


def _table(given: argparse.Namespace) -> int:
    print(table(given.data))
    return 0


def train(folder: Path, out: Path) -> str:
    """Write the weights file and say what is in it. Raises `ConfigError` where the folder does not do."""
    sample = sensitivity_names.sample_of(read_rows(folder))
    content = sensitivity_names.fit(sample)
    tagger = load(content)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    words = sum(len(words.labels) for words in sample.words.values())
    return f"wrote {out}: {len(content)} bytes, fitted on {words} words; {len(tagger.known)} hashes of public figures"
