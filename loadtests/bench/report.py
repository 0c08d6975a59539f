"""What the figures say: medians and bests, ratios round by round, and the project's limits with a mark each."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from loadtests.bench.bodies import SIZES

Figures = Mapping[str, Sequence[float]]
"""What was measured of one target: a name with its unit, a value a round."""
Measured = Mapping[str, Figures]
"""The figures of every target, by its name."""

_SMALL_KB, _LARGE_KB = SIZES[0] / 1024, SIZES[-1] / 1024


class Limit(NamedTuple):
    """What the project promises of the target `gateway`: at most, or at least, so much. None: not measured."""

    what: str
    bound: float
    unit: str
    value: Callable[[Measured], float | None]
    is_floor: bool = False

    def mark(self, value: float | None) -> str:
        if value is None:
            return "not measured"
        return "pass" if (value >= self.bound if self.is_floor else value <= self.bound) else "FAIL"


def ratio(measured: Measured, figure: str, target: str, to: str) -> float | None:
    """The median of the ratios of each round: what disturbed a round disturbed both."""
    pairs = list(zip(_of(measured, target, figure), _of(measured, to, figure), strict=False))
    return median(mine / other for mine, other in pairs) if pairs else None


def added_ms(measured: Measured, target: str) -> float | None:
    """Median latency at one connection less that of `direct` in the same round."""
    pairs = list(zip(_of(measured, target, "p50 ms at one"), _of(measured, "direct", "p50 ms at one"), strict=False))
    return median(mine - direct for mine, direct in pairs) if pairs else None


def us_a_further_kb(figures: Figures) -> float | None:
    """From the smallest body to the largest, each text unseen."""
    small, large = figures.get("cpu us/request"), figures.get(f"cpu us/request of {SIZES[-1]} B")
    if not small or not large:
        return None
    return (median(large) - median(small)) / (_LARGE_KB - _SMALL_KB)


def _median(figure: str) -> Callable[[Measured], float | None]:
    def of(measured: Measured) -> float | None:
        values = _of(measured, "gateway", figure)
        return median(values) if values else None

    return of


LIMITS = (
    Limit("CPU per request of 1 KB, everything on", 250, "µs", _median("cpu us/request")),
    Limit(
        "throughput per core to LiteLLM proxy's",
        25,
        "times",
        lambda measured: throughput(measured, "gateway", "litellm"),
        is_floor=True,
    ),
    Limit("CPU per stream of 20 chunks", 900, "µs", _median("cpu us/stream")),
    Limit("resident memory, idle", 120, "MB", _median("rss idle, MB")),
    Limit("first request served after", 1, "s", _median("start s")),
    Limit("CPU per further KB of prompt", 30, "µs", lambda measured: us_a_further_kb(measured.get("gateway", {}))),
)


def throughput(measured: Measured, target: str, to: str) -> float | None:
    """How much more a core serves, by CPU time: other work on the machine takes turns away, not CPU per answer."""
    inverse = ratio(measured, "cpu us/request", target, to)
    return None if inverse is None else 1 / inverse


def headline(measured: Measured) -> list[str]:
    """The ratios first: they hold on other machines, the figures do not."""
    rows = [
        ("gateway : relay, CPU per request", ratio(measured, "cpu us/request", "gateway", "relay")),
        ("gateway : relay, CPU per stream", ratio(measured, "cpu us/stream", "gateway", "relay")),
    ]
    for peer, name in (("litellm", "LiteLLM"), ("portkey", "Portkey")):
        rows += [
            (f"gateway : {name}, throughput per core", throughput(measured, "gateway", peer)),
            (f"gateway : {name}, requests/s as they came", ratio(measured, "requests/s", "gateway", peer)),
            (f"gateway : {name}, CPU per stream", ratio(measured, "cpu us/stream", "gateway", peer)),
        ]
    return [f"{what:<44}{value:>9.3g}" for what, value in rows if value is not None]


_COLUMNS: Sequence[tuple[str, Callable[[Measured, str], str]]] = (
    ("requests/s", lambda measured, name: _both(_of(measured, name, "requests/s"), max)),
    ("CPU µs/request", lambda measured, name: _both(_of(measured, name, "cpu us/request"), min)),
    ("added ms at 1", lambda measured, name: _number(added_ms(measured, name))),
    ("streams/s", lambda measured, name: _both(_of(measured, name, "streams/s"), max)),
    ("CPU µs/stream", lambda measured, name: _both(_of(measured, name, "cpu us/stream"), min)),
    ("RSS MB", lambda measured, name: _pair(_of(measured, name, "rss idle, MB"), _of(measured, name, "rss after, MB"))),
    ("start s", lambda measured, name: _number(min(_of(measured, name, "start s"), default=None))),
    ("µs/further KB", lambda measured, name: _number(us_a_further_kb(measured[name]))),
)


def table(measured: Measured) -> list[str]:
    """A row a target: median, and the best round in brackets."""
    rows = [["", *(title for title, _ in _COLUMNS)]]
    rows += [[name, *(cell(measured, name) for _, cell in _COLUMNS)] for name in measured]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        row[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def limits(measured: Measured) -> list[str]:
    lines = []
    for limit in LIMITS:
        value = limit.value(measured)
        bound = f"at {'least' if limit.is_floor else 'most'} {limit.bound:g} {limit.unit}"
        lines.append(f"{limit.what:<42}{bound:>18}{_number(value):>10}  {limit.mark(value)}")
    return lines


def _of(measured: Measured, target: str, figure: str) -> Sequence[float]:
    return measured.get(target, {}).get(figure, ())


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _both(values: Sequence[float], best: Callable[[Sequence[float]], float]) -> str:
    return f"{_number(median(values))} ({_number(best(values))})" if values else "-"


def _pair(idle: Sequence[float], after: Sequence[float]) -> str:
    return f"{idle[-1]:.0f} to {after[-1]:.0f}" if idle and after else "-"
