"""`make bench`: the gateway beside a plain relay, and beside LiteLLM proxy and Portkey where they are installed."""

import argparse
import datetime
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from loadtests.bench import report, wrk
from loadtests.bench.measure import Bench, Plan
from loadtests.bench.meters import cores
from loadtests.bench.running import StartFailed
from loadtests.bench.targets import TARGETS, Target


def main() -> int:
    """Exit code 0: measured, whatever the marks say; 1: a target did not answer well; 2: it could not be begun."""
    given = _arguments()
    problem = wrk.missing()
    if problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    targets = _chosen(given.targets)
    machine = _machine()
    os.sched_setaffinity(0, {cores().load})
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        plan = Plan(given.seconds, given.rounds, given.pace_ms, cores(), Path(folder))
        bench = Bench(plan, targets, lambda line: print(f"bench: {line}", file=sys.stderr, flush=True))
        try:
            bench.run()
        except (StartFailed, wrk.LoadFailed) as failure:
            print(f"bench: {failure}", file=sys.stderr)
            return 1
    _print(machine, targets, bench.figures)
    if given.json:
        given.json.write_text(json.dumps(_document(machine, given, bench.figures), indent=1) + "\n", encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=2, help="of one run of whole answers (default 2)")
    parser.add_argument("--rounds", type=int, default=3, help="every target once in each (default 3)")
    parser.add_argument(
        "--pace-ms", type=float, default=5.0, help="between the chunks of a stream (default 5; 0: none)"
    )
    parser.add_argument(
        "--targets", metavar="NAME,…", help=f"of {', '.join(each.name for each in TARGETS)} (default: all installed)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round there")
    given = parser.parse_args()
    known = {target.name: target for target in TARGETS}
    for name in given.targets.split(",") if given.targets else ():
        if name not in known:
            parser.error(f"there is no target `{name}`; use some of {', '.join(f'`{each}`' for each in known)}")
        if not known[name].is_installed:
            parser.error(f"`{name}` is not installed; run `make bench-peers`")
    if given.seconds < 1 or given.rounds < 1:
        parser.error("`--seconds` and `--rounds` must be at least 1")
    return given


def _chosen(names: str | None) -> list[Target]:
    wanted = names.split(",") if names else [target.name for target in TARGETS if target.is_installed]
    return [target for target in TARGETS if target.name in wanted]


def _machine() -> dict[str, str]:
    model = next(
        (line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "cpu": f"{os.cpu_count()} x {model}",
        "python": f"{platform.python_implementation()} {platform.python_version()} ({platform.python_compiler()})",
        "load average before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "cores": "target {}, mock upstream {}, wrk {}".format(*cores()),
    }


def _print(machine: dict[str, str], targets: Sequence[Target], figures: dict[str, report.Figures]) -> None:
    print(*report.headline(figures), "", *report.table(figures), "", sep="\n")
    print(*(f"{target.name:<15}{target.what}" for target in targets), "", sep="\n")
    print(*(f"{name:<22}{value}" for name, value in machine.items()), "", sep="\n")
    if "gateway" in figures:
        print(*report.limits(figures), sep="\n")
    absent = [target.name for target in TARGETS if not target.is_installed]
    if absent:
        print(f"\nnot installed: {', '.join(absent)}; `make bench-peers` installs them")


def _document(
    machine: dict[str, str], given: argparse.Namespace, figures: dict[str, report.Figures]
) -> dict[str, object]:
    return {
        "machine": machine,
        "plan": {"seconds": given.seconds, "rounds": given.rounds, "pace_ms": given.pace_ms},
        "figures": figures,
        "limits": [
            {"what": limit.what, "bound": limit.bound, "unit": limit.unit, "value": value, "mark": limit.mark(value)}
            for limit, value in ((limit, limit.value(figures)) for limit in report.LIMITS)
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
