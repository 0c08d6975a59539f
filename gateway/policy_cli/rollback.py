"""`gateway policy rollback`: a running gateway serves what it served before, one step back."""

import argparse

from gateway.policy_cli import remote
from gateway.policy_cli.apply import changed


def configure(parser: argparse.ArgumentParser) -> None:
    remote.configure_change(parser)


def run(given: argparse.Namespace) -> int:
    return changed(given.gateway, "/rollback", {"author": given.author, "note": given.note})
