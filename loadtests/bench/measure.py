"""The runs: every target in turn within a round, several rounds, so that what disturbs one disturbs all."""

import contextlib
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from loadtests.bench import bodies
from loadtests.bench.meters import Cores, cpu_s, rss_mb
from loadtests.bench.report import Figures
from loadtests.bench.running import Running, free_port, running
from loadtests.bench.targets import Site, Target
from loadtests.bench.wrk import Load, Wrk

STARTS = 3
_SETTLE_S = 0.5


class Plan(NamedTuple):
    """How long and how often. `pace_ms` lies between two chunks of the mock's streams."""

    seconds: int
    rounds: int
    pace_ms: float
    cores: Cores
    folder: Path


class Bench:
    """One mock upstream, the targets in front of it, and one load generator."""

    def __init__(self, plan: Plan, targets: Sequence[Target], say: Callable[[str], None]) -> None:
        self._plan = plan
        self._targets = targets
        self._say = say
        self._wrk = Wrk(plan.cores.load)
        self._figures: dict[str, dict[str, list[float]]] = {target.name: defaultdict(list) for target in targets}

    @property
    def figures(self) -> dict[str, Figures]:
        return {name: dict(figures) for name, figures in self._figures.items()}

    def run(self) -> None:
        """Raises StartFailed and LoadFailed."""
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(self._upstream())
            up = {target.name: stack.enter_context(self._started(target, upstream)) for target in self._targets}
            for target in self._targets:
                self._say(f"warming up {target.name}")
                self._load(target, up[target.name], stream=False, seconds=1)
                self._load(target, up[target.name], stream=True, seconds=1)
            for number in range(1, self._plan.rounds + 1):
                for target in self._targets:
                    self._say(f"round {number} of {self._plan.rounds}: {target.name}")
                    self._round(target, up[target.name])
            for target in self._targets:
                self._figures[target.name]["rss after, MB"].append(rss_mb(up[target.name].session))

    def _round(self, target: Target, at: Running) -> None:
        figures, plan = self._figures[target.name], self._plan
        seconds = plan.seconds * 2 if target.is_slow else plan.seconds
        load, cpu = self._load(target, at, stream=False, seconds=seconds)
        figures["requests/s"].append(load.per_second)
        figures["cpu us/request"].append(cpu)
        figures["p99 ms"].append(load.p99_ms)
        load, _ = self._load(target, at, stream=False, seconds=max(1, plan.seconds // 2), connections=1)
        figures["p50 ms at one"].append(load.p50_ms)
        load, cpu = self._load(target, at, stream=True, seconds=seconds + 1)
        figures["streams/s"].append(load.per_second)
        figures["cpu us/stream"].append(cpu)
        for size in bodies.SIZES[1:]:
            load, cpu = self._load(target, at, stream=False, seconds=max(1, plan.seconds // 2), size=size)
            figures[f"cpu us/request of {size} B"].append(cpu)

    def _load(
        self,
        target: Target,
        at: Running,
        *,
        stream: bool,
        seconds: int,
        connections: int = 0,
        size: int = bodies.SIZES[0],
    ) -> tuple[Load, float]:
        """One run of wrk, and the CPU microseconds that each answer took of the target."""
        before = cpu_s(at.session)
        load = self._wrk.run(
            at.url,
            self._bodies(target, size, stream=stream),
            at.headers,
            connections=connections or (target.stream_connections if stream else target.connections),
            seconds=seconds,
        )
        return load, (cpu_s(at.session) - before) * 1e6 / load.answers

    def _bodies(self, target: Target, size: int, *, stream: bool) -> Path:
        path = self._plan.folder / f"{target.model}-{size}-{'stream' if stream else 'whole'}.txt"
        if not path.exists():
            bodies.write(path, target.model, size, stream=stream)
        return path

    @contextlib.contextmanager
    def _upstream(self) -> Iterator[Running]:
        port = free_port()
        with running(
            [
                sys.executable,
                "-m",
                "loadtests.bench.upstream",
                "--port",
                str(port),
                "--pace-ms",
                str(self._plan.pace_ms),
            ],
            {},
            port=port,
            core=self._plan.cores.upstream,
            output=self._plan.folder / "upstream.log",
            headers=[],
            body="{}",
        ) as at:
            yield at

    @contextlib.contextmanager
    def _started(self, target: Target, upstream: Running) -> Iterator[Running]:
        if target.command is None:
            self._figures[target.name]["rss idle, MB"].append(rss_mb(upstream.session))
            yield upstream
            return
        self._say(f"starting {target.name}")
        figures = self._figures[target.name]
        for _ in range(0 if target.is_slow else STARTS - 1):
            with self._once(target, upstream) as at:
                figures["start s"].append(at.start_s)
        with self._once(target, upstream) as at:
            figures["start s"].append(at.start_s)
            time.sleep(_SETTLE_S)
            figures["rss idle, MB"].append(rss_mb(at.session))
            yield at

    def _once(self, target: Target, upstream: Running) -> contextlib.AbstractContextManager[Running]:
        assert target.command is not None
        folder = self._plan.folder / target.name
        folder.mkdir(exist_ok=True)
        site = Site(free_port(), upstream.url.removesuffix("/v1/chat/completions"), folder)
        first = self._bodies(target, bodies.SIZES[0], stream=False).read_text().partition("\n")[0]
        return running(
            target.command(site),
            target.environment(site),
            port=site.port,
            core=self._plan.cores.target,
            output=folder / "output.log",
            headers=target.headers(site),
            body=first,
        )
