"""What Prometheus reads: every Record counted at once, and what is true of the gateway at the moment of asking."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.core.budgets import Warned
from gateway.core.errors import ClearanceViolation
from gateway.core.ports import Fleet
from gateway.core.shadow import Shadow
from gateway.core.types import Ending, Record, Sensitivity, Tier
from gateway.policy.model import Policy
from gateway.telemetry import families
from gateway.telemetry.families import Family

BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
MOST_WORDS = 100
OTHER = "other"
MOST_POLICIES = 64
"""So many policies' zones are remembered, for requests that end under one that is served no longer."""

_SENSITIVITIES = tuple(level.label for level in Sensitivity)
_TIERS = tuple(tier.label for tier in Tier)
_VIOLATION = ClearanceViolation("").code
_NOWHERE: Mapping[str, str] = {}
_Kind = TypeVar("_Kind", Counter, Histogram)


class Sweep(Protocol):
    """Whoever knows how many requests are in flight."""

    @property
    def in_flight(self) -> int: ...


class Queue(Protocol):
    """Records on their way somewhere."""

    name: str
    dropped: int
    failures: int

    @property
    def waiting(self) -> int: ...


class Metrics:
    """The figures of one gateway, in a registry of its own. `count` costs a few microseconds and never waits."""

    def __init__(self, policy: Policy, fleet: Fleet, sweep: Sweep) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each, which nobody asks for
        self._registry = CollectorRegistry()
        self._zones: dict[str, Mapping[str, str]] = {}
        self._codes, self._errors = _Words(), _Words()
        self._requests = self._counters(families.REQUESTS)
        self._refusals = self._counters(families.REFUSALS)
        self._turned_away = self._counters(families.TURNED_AWAY)
        self._unknown = self._counter(families.UNKNOWN)
        self._findings = self._counters(families.FINDINGS)
        self._masked = self._counters(families.MASKED)
        self._spilled = self._counters(families.SPILLED)
        self._excluded = self._counters(families.EXCLUDED)
        self._attempts = self._counters(families.ATTEMPTS)
        self._shadows = self._counters(families.SHADOWS)
        self._shadow_cost = self._counters(families.SHADOW_COST)
        self._violations = self._counter(families.VIOLATIONS)
        self._seconds = self._histograms(families.SECONDS)
        self._first_byte = self._histograms(families.FIRST_BYTE)
        self._tokens = self._counters(families.TOKENS)
        self._cost = self._counters(families.COST)
        self._budgets = self._counters(families.BUDGETS)
        self.uncounted = self._counter(families.UNCOUNTED)
        self._reloads = self._counters(families.RELOADS)
        self._now = _Now(policy, fleet, sweep)
        self._registry.register(self._now)
        self.serves(policy, fleet, "")

    def serves(self, policy: Policy, fleet: Fleet, weights: str) -> None:
        """What is served from now on; `weights` is the digest of the complexity model's."""
        self._now.policy, self._now.fleet, self._now.weights = policy, fleet, weights
        self._zones.pop(policy.digest, None)
        if len(self._zones) == MOST_POLICIES:
            del self._zones[next(iter(self._zones))]
        self._zones[policy.digest] = {name: spec.zone.name for name, spec in policy.backends.items()}

    def reloaded(self, outcome: str) -> None:
        """A policy was looked at to be served: `served` it is, or `refused`."""
        self._reloads[(outcome,)].inc()

    def budget_passed(self, warned: Warned) -> None:
        """A budget is nearly or wholly spent."""
        self._budgets[warned.charge.budget.name, str(warned.percent)].inc()

    def watch(self, queue: Queue) -> None:
        """Show how many records wait in it, and how many were lost."""
        self._now.queues.append(queue)

    def render(self) -> bytes:
        """The text format, version 0.0.4. Safe to call in any thread."""
        return generate_latest(self._registry)

    def turned_away(self, code: str) -> None:
        """A request that was refused before it was accepted."""
        self._turned_away[(self._codes.bounded(code),)].inc()

    def count(self, record: Record) -> None:
        """Raises OverflowError for figures that no counter can hold."""
        verdict, decision, outcome = record.verdict, record.decision, record.outcome
        sensitivity = _SENSITIVITIES[verdict.sensitivity]
        self._requests[
            (
                record.endpoint,
                record.backend,
                record.zone,
                decision.rule,
                sensitivity,
                _TIERS[verdict.tier],
                outcome.ending,
            )
        ].inc()
        self._seconds[(record.backend,)].observe(outcome.total_ms / 1000)
        if outcome.ending is Ending.REFUSED:
            self._refusals[(self._codes.bounded(outcome.code),)].inc()
            if outcome.code == _VIOLATION:
                self._violations.inc()
        if verdict.unknown:
            self._unknown.inc()
        for finding in verdict.findings:
            self._findings[(finding.kind,)].inc(finding.count)
        for kind in record.masked:
            self._masked[(record.backend, kind)].inc()
        if decision.spilled_from:
            self._spilled[(decision.spilled_from,)].inc()
        for backend, exclusion in decision.excluded:
            self._excluded[(backend, exclusion.veto)].inc()
        if record.shadow is not None:
            self._count_shadow(record.shadow)
        self._count_attempts(record)
        self._count_usage(record)

    def _count_shadow(self, shadow: Shadow) -> None:
        self._shadows[(shadow.backend, shadow.zone, shadow.sensitivity, self._errors.bounded(shadow.error))].inc()
        if shadow.error == _VIOLATION:
            self._violations.inc()
        if shadow.cost is not None:
            self._shadow_cost[(shadow.backend,)].inc(shadow.cost / 1_000_000_000)

    def _count_attempts(self, record: Record) -> None:
        """What is counted as sent is the class of what was sent: of the masked request, where the route masks."""
        masked = _masked_classes(record) if record.maskings else {}
        zones = self._zones.get(record.decision.policy_digest, _NOWHERE)
        for attempt in record.outcome.attempts:
            zone = zones.get(attempt.backend, "")
            sensitivity = _SENSITIVITIES[masked.get(attempt.backend, record.verdict.sensitivity)]
            self._attempts[(attempt.backend, zone, sensitivity, self._errors.bounded(attempt.error))].inc()
            if record.stream and attempt.first_byte_ms is not None:
                self._first_byte[(attempt.backend,)].observe(attempt.first_byte_ms / 1000)

    def _count_usage(self, record: Record) -> None:
        usage, cost, backend = record.outcome.usage, record.outcome.cost, record.backend
        if usage is not None:
            self._tokens[(backend, "prompt")].inc(usage.prompt_tokens)
            self._tokens[(backend, "completion")].inc(usage.completion_tokens)
            if usage.cached_tokens:
                self._tokens[(backend, "cached")].inc(usage.cached_tokens)
        if cost is not None:
            self._cost[(backend,)].inc(cost / 1_000_000_000)

    def _counter(self, family: Family) -> Counter:
        return Counter(family.name, family.meaning, registry=self._registry)

    def _counters(self, family: Family) -> "_Children[Counter]":
        return _Children(Counter(family.name, family.meaning, family.labels, registry=self._registry))

    def _histograms(self, family: Family) -> "_Children[Histogram]":
        return _Children(
            Histogram(family.name, family.meaning, family.labels, registry=self._registry, buckets=BUCKETS_S)
        )


def _masked_classes(record: Record) -> dict[str, Sensitivity]:
    """By backend: the class of what went there, where something was masked on the way."""
    classes = {masking.kinds: masking.verdict.sensitivity for masking in record.maskings}
    return {route.backend: classes[route.mask] for route in record.decision.routes if route.mask in classes}


class _Children(dict[tuple[str, ...], _Kind], Generic[_Kind]):
    """A metric's children by their label values: the library's own look-up takes a lock and a copy each time."""

    def __init__(self, metric: _Kind) -> None:
        self._metric: _Kind = metric

    def __missing__(self, values: tuple[str, ...]) -> _Kind:
        child: _Kind = self._metric.labels(*values)
        self[values] = child
        return child


class _Words:
    """Error codes may be a backend's own words: after the first `MOST_WORDS`, every new one is "other"."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def bounded(self, word: str) -> str:
        if word in self._known:
            return word
        if len(self._known) == MOST_WORDS:
            return OTHER
        self._known.add(word)
        return word


class _Now(Collector):
    """What is looked up when Prometheus asks, rather than counted."""

    def __init__(self, policy: Policy, fleet: Fleet, sweep: Sweep) -> None:
        self.policy = policy
        self.fleet = fleet
        self.weights = ""
        self._sweep = sweep
        self.queues: list[Queue] = []

    def collect(self) -> Iterator[Metric]:
        policy, fleet, states = self.policy, self.fleet, self.fleet.states
        yield _gauge(families.IN_FLIGHT, [((), self._sweep.in_flight)])
        yield _gauge(families.BACKEND_UP, [((name,), state.is_up) for name, state in states.items()])
        yield _gauge(families.REPLICA_IN_FLIGHT, fleet.in_flight().items())
        yield _gauge(families.BACKEND_SATURATED, [((name,), state.is_saturated) for name, state in states.items()])
        yield _gauge(families.PREDICTED_WAIT, [((name,), wait_s) for name, wait_s in fleet.predicted_waits().items()])
        yield _gauge(families.REPLICA_QUEUE, fleet.queues().items())
        yield _gauge(families.POLICY, [((policy.name, policy.version, policy.digest), 1)])
        yield _gauge(families.WEIGHTS, [((self.weights,), 1)])
        yield _gauge(families.WAITING, [((queue.name,), queue.waiting) for queue in self.queues])
        yield _total(families.DROPPED, [((queue.name,), queue.dropped) for queue in self.queues])
        yield _total(families.FAILURES, [((queue.name,), queue.failures) for queue in self.queues])


def _gauge(family: Family, values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    metric = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in values:
        metric.add_metric(labels, value)
    return metric


def _total(family: Family, values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    metric = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in values:
        metric.add_metric(labels, value)
    return metric
