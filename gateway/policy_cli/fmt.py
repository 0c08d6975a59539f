"""`gateway policy fmt`: policy files in the house's layout, written in place."""

import argparse
from pathlib import Path

from gateway.config import policy_text
from gateway.core.errors import ConfigError
from gateway.policy.fmt import formatted


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="policy files")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file would change")
    parser.epilog = "exit code 0: done; 1: with --check, a file would change; 2: a file cannot be used"


def run(given: argparse.Namespace) -> int:
    changed = False
    for path in given.files:
        old = policy_text(path)
        new = formatted(old, str(path)).encode()
        if new == old:
            continue
        changed = True
        print(f"{path}: " + ("would be laid out anew" if given.check else "laid out anew"))
        if not given.check:
            _write(path, new)
    return int(changed and given.check)


def _write(path: Path, text: bytes) -> None:
    try:
        path.write_bytes(text)
    except OSError as error:
        reason = (error.strerror or "it cannot be written").lower()
        raise ConfigError(f"cannot write the policy `{path}`: {reason}; make it writable") from None
