"""TGI's Prometheus metrics, by the names its router v3.3.7 gives them."""

import bisect
from collections import Counter

DURATIONS = tuple(0.0001 * 1.5**step for step in range(1, 36))


class Histogram:
    """Cumulative buckets, a sum and a count."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def record(self, value: float) -> None:
        self._counts[bisect.bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, label: str) -> list[str]:
        lead, own = (f"{label},", f"{{{label}}}") if label else ("", "")
        total = 0
        rows = []
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            rows.append(f'{name}_bucket{{{lead}le="{bound}"}} {total}')
        return [*rows, f"{name}_sum{own} {self._sum}", f"{name}_count{own} {total}"]


class Meters:
    """The state of one server in numbers. Gauges are plain attributes."""

    def __init__(self, max_input_tokens: int, max_total_tokens: int, max_batch_total_tokens: int) -> None:
        self.queue_size = 0
        self.batch_size = 0
        self.batch_max_tokens = 0
        self.is_healthy = True
        self._max_batch_total_tokens = max_batch_total_tokens
        self._counters: Counter[tuple[str, str]] = Counter()
        self._histograms: dict[tuple[str, str], Histogram] = {}
        self._bounds = {
            "tgi_request_input_length": _hundredths(max_input_tokens),
            "tgi_request_generated_tokens": _hundredths(max_total_tokens),
            "tgi_request_max_new_tokens": _hundredths(max_total_tokens),
            "tgi_request_skipped_tokens": (0.0, 1.0, 2.0, 4.0),
            "tgi_batch_next_size": tuple(float(size) for size in range(1, 1025)),
        }

    def count(self, name: str, label: str = "", times: int = 1) -> None:
        self._counters[name, label] += times

    def infer(self, method: str, calls: int, each_s: float) -> None:
        """Calls of the model servers; their parts share the time."""
        label = f'method="{method}"'
        self.count("tgi_batch_inference_count", label, calls)
        self.count("tgi_batch_inference_success", label, calls)
        for name in ("inference", "forward", "decode", "filter"):
            self.record(f"tgi_batch_{name}_duration", each_s, label)

    def fail(self, reason: str) -> None:
        self.count("tgi_request_failure", f'err="{reason}"')

    def failures(self, reason: str) -> int:
        return self._counters["tgi_request_failure", f'err="{reason}"']

    def record(self, name: str, value: float, label: str = "") -> None:
        histogram = self._histograms.get((name, label))
        if histogram is None:
            histogram = self._histograms[name, label] = Histogram(self._bounds.get(name, DURATIONS))
        histogram.record(value)

    def exposition(self) -> str:
        """The text Prometheus scrapes; like TGI's, without what never happened."""
        rows: list[str] = []
        kinds = [
            (name, "counter", label, [f"{name}{_braced(label)} {n}"]) for (name, label), n in self._counters.items()
        ]
        kinds += [(name, "gauge", "", [f"{name} {value}"]) for name, value in self._gauges().items()]
        kinds += [
            (name, "histogram", label, each.lines(name, label)) for (name, label), each in self._histograms.items()
        ]
        told: set[str] = set()
        for name, kind, _, lines in sorted(kinds):
            if name not in told:
                rows += ["", f"# TYPE {name} {kind}"] if rows else [f"# TYPE {name} {kind}"]
                told.add(name)
            rows += lines
        return "\n".join(rows) + "\n\n"

    def _gauges(self) -> dict[str, int]:
        return {
            "tgi_queue_size": self.queue_size,
            "tgi_batch_current_size": self.batch_size,
            "tgi_batch_current_max_tokens": self.batch_max_tokens,
            "tgi_batch_max_total_tokens": self._max_batch_total_tokens,
        }


def _hundredths(limit: int) -> tuple[float, ...]:
    return tuple(limit / 100 * (step + 1) for step in range(100))


def _braced(label: str) -> str:
    return f"{{{label}}}" if label else ""
