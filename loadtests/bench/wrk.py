"""The load generator wrk, run once: many connections, each asking again as soon as it has its answer."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_SCRIPT = Path(__file__).with_name("requests.lua")
_MARKS_A_RUN = 1_000_000


class LoadFailed(Exception):
    """wrk did not report, or some answers were no answers."""


class Load(NamedTuple):
    """What one run of wrk reports. `answers` are complete ones with status 2xx or 3xx, or the run has failed."""

    answers: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds


class Wrk:
    """Starts runs one after the other and gives each its own range of marks."""

    def __init__(self, core: int) -> None:
        self._core = core
        self._runs = 0

    def run(self, url: str, bodies: Path, headers: Sequence[str], *, connections: int, seconds: int) -> Load:
        """Raises LoadFailed."""
        self._runs += 1
        command = ["taskset", "-c", str(self._core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=30s"]
        script = ["-s", str(_SCRIPT), url, "--", str(bodies), str(self._runs * _MARKS_A_RUN), *headers]
        done = subprocess.run([*command, *script], capture_output=True, text=True, timeout=seconds + 60, check=False)
        found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        if not found:
            raise LoadFailed(f"wrk did not report: {(done.stdout + done.stderr).strip()[-400:]}")
        said = json.loads(found[0].removeprefix("RESULT "))
        if said["errors"] or not said["answers"]:
            raise LoadFailed(f"{said['errors']} of {said['answers']} answers from {url} were errors")
        return Load(
            answers=said["answers"],
            seconds=said["microseconds"] / 1e6,
            bytes=said["bytes"],
            p50_ms=said["p50_us"] / 1e3,
            p99_ms=said["p99_us"] / 1e3,
        )


def missing() -> str | None:
    """What to do where wrk cannot be run, or None."""
    if shutil.which("wrk") is None:
        return "`wrk` is not installed; on Debian and Ubuntu: `apt-get install wrk`"
    if shutil.which("taskset") is None:
        return "`taskset` is not installed; on Debian and Ubuntu: `apt-get install util-linux`"
    return None
