"""Counters and histograms that cost a request a look into a dictionary; Prometheus is told of them when it asks."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from gateway.telemetry.families import Family

BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)

Labels = tuple[str, ...]


class Counts(dict[Labels, float]):
    """A counter by the values of its labels; one without labels is shown from the beginning.

    Asked in any thread, changed in one.
    """

    def __init__(self, family: Family) -> None:
        super().__init__({} if family.labels else {(): 0.0})
        self._family = family

    def __missing__(self, labels: Labels) -> float:
        return 0.0

    def metric(self) -> Metric:
        return total(self._family, list(self.items()))


class Durations(dict[Labels, list[float]]):
    """A histogram of seconds by the values of its labels: a row counts each bucket, and sums up in its last place."""

    def __init__(self, family: Family) -> None:
        super().__init__()
        self._family = family

    def __missing__(self, labels: Labels) -> list[float]:
        row = self[labels] = [0.0] * (len(BUCKETS_S) + 2)
        return row

    def observe(self, labels: Labels, seconds: float) -> None:
        row = self[labels]
        row[bisect_left(BUCKETS_S, seconds)] += 1
        row[-1] += seconds

    def metric(self) -> Metric:
        metric = HistogramMetricFamily(self._family.name, self._family.meaning, labels=self._family.labels)
        for labels, row in list(self.items()):
            *counts, total_s = row
            ends = [*map(str, BUCKETS_S), "+Inf"]
            metric.add_metric(labels, list(zip(ends, accumulate(counts), strict=True)), total_s)
        return metric


def gauge(family: Family, values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    metric = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in values:
        metric.add_metric(labels, value)
    return metric


def total(family: Family, values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    metric = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in values:
        metric.add_metric(labels, value)
    return metric
