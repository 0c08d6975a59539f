"""`make bench-peers`: LiteLLM proxy and Portkey beside the gateway, pinned, each in a folder of its own."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from loadtests.bench.targets import NODE, PEERS

_LISTS = Path(__file__).parent / "peers"
_NPM = NODE.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
"""npm and node come with the wheel in the development environment, so none need be on the machine."""


def litellm(folder: Path) -> None:
    """A virtual environment of its own: what it pins is not what the gateway pins."""
    venv.create(folder, with_pip=True, clear=True)
    install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(_LISTS / "litellm.txt")]
    subprocess.run([folder / "bin" / "python", *install], check=True)


def portkey(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_LISTS / "portkey" / name, folder / name)
    path = f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"
    install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([NODE, _NPM, *install], cwd=folder, check=True, env={**os.environ, "PATH": path})


def main() -> int:
    for install in (portkey, litellm):
        print(f"installing {install.__name__} into {PEERS.name}/{install.__name__}", flush=True)
        try:
            install(PEERS / install.__name__)
        except subprocess.CalledProcessError as failure:
            print(f"bench-peers: {install.__name__} could not be installed: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
