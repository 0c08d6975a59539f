"""What Prometheus reads: every Record counted at once, and what is true of the gateway at the moment of asking."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.core.budgets import Warned
from gateway.core.errors import ClearanceViolation
from gateway.core.ports import Fleet
from gateway.core.records import Ending, Record
from gateway.core.shadow import Shadow
from gateway.core.types import Sensitivity, Tier
from gateway.policy.model import Policy
from gateway.spending import Kept
from gateway.telemetry import families
from gateway.telemetry.counts import Counts, Durations, gauge, total
from gateway.telemetry.families import Family

MOST_WORDS = 100
OTHER = "other"
MOST_POLICIES = 64
"""So many policies' zones are remembered, for requests that end under one that is served no longer."""

_SENSITIVITIES = tuple(level.label for level in Sensitivity)
_TIERS = tuple(tier.label for tier in Tier)
_VIOLATION = ClearanceViolation("").code
_NOWHERE: Mapping[str, str] = {}


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
        self._registry = CollectorRegistry()
        self._now = _Now(policy, fleet, sweep)
        self._registry.register(self._now)
        self._zones: dict[str, Mapping[str, str]] = {}
        self._codes, self._errors = _Words(), _Words()
        self._requests = self._counts(families.REQUESTS)
        self._refusals = self._counts(families.REFUSALS)
        self._turned_away = self._counts(families.TURNED_AWAY)
        self._unknown = self._counts(families.UNKNOWN)
        self._findings = self._counts(families.FINDINGS)
        self._masked = self._counts(families.MASKED)
        self._spilled = self._counts(families.SPILLED)
        self._excluded = self._counts(families.EXCLUDED)
        self._attempts = self._counts(families.ATTEMPTS)
        self._shadows = self._counts(families.SHADOWS)
        self._shadow_cost = self._counts(families.SHADOW_COST)
        self._violations = self._counts(families.VIOLATIONS)
        self._seconds = self._durations(families.SECONDS)
        self._first_byte = self._durations(families.FIRST_BYTE)
        self._tokens = self._counts(families.TOKENS)
        self._cost = self._counts(families.COST)
        self._budgets = self._counts(families.BUDGETS)
        self._uncounted = self._counts(families.UNCOUNTED)
        self._reloads = self._counts(families.RELOADS)
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
        self._reloads[(outcome,)] += 1

    def budget_passed(self, warned: Warned) -> None:
        """A budget is nearly or wholly spent."""
        self._budgets[warned.charge.budget.name, str(warned.percent)] += 1

    def budgets_stand(self, kept: Sequence[Kept]) -> None:
        """How they stand when Prometheus asks next."""
        self._now.kept = kept

    def watch(self, queue: Queue) -> None:
        """Show how many records wait in it, and how many were lost."""
        self._now.queues.append(queue)

    def render(self) -> bytes:
        """The text format, version 0.0.4. Safe to call in any thread."""
        return generate_latest(self._registry)

    def turned_away(self, code: str) -> None:
        """A request that was refused before it was accepted."""
        self._turned_away[(self._codes.bounded(code),)] += 1

    def count(self, record: Record) -> None:
        """Never raises."""
        try:
            self._count(record)
        except Exception:  # as for more tokens than a float can hold; the request has ended well all the same
            self._uncounted[()] += 1

    def _count(self, record: Record) -> None:
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
        ] += 1
        self._seconds.observe((record.backend,), outcome.total_ms / 1000)
        if outcome.ending is Ending.REFUSED:
            self._refusals[(self._codes.bounded(outcome.code),)] += 1
            if outcome.code == _VIOLATION:
                self._violations[()] += 1
        if verdict.unknown:
            self._unknown[()] += 1
        for finding in verdict.findings:
            self._findings[(finding.kind,)] += finding.count
        for kind in record.masked:
            self._masked[(record.backend, kind)] += 1
        if decision.spilled_from:
            self._spilled[(decision.spilled_from,)] += 1
        for backend, exclusion in decision.excluded:
            self._excluded[(backend, exclusion.veto)] += 1
        if record.shadow is not None:
            self._count_shadow(record.shadow)
        self._count_attempts(record)
        self._count_usage(record)

    def _count_shadow(self, shadow: Shadow) -> None:
        self._shadows[(shadow.backend, shadow.zone, shadow.sensitivity, self._errors.bounded(shadow.error))] += 1
        if shadow.error == _VIOLATION:
            self._violations[()] += 1
        if shadow.cost is not None:
            self._shadow_cost[(shadow.backend,)] += shadow.cost / 1_000_000_000

    def _count_attempts(self, record: Record) -> None:
        """What is counted as sent is the class of what was sent: of the masked request, where the route masks."""
        masked = record.masked_classes() if record.maskings else {}
        zones = self._zones.get(record.decision.policy_digest, _NOWHERE)
        for attempt in record.outcome.attempts:
            zone = zones.get(attempt.backend, "")
            sensitivity = _SENSITIVITIES[masked.get(attempt.backend, record.verdict.sensitivity)]
            self._attempts[(attempt.backend, zone, sensitivity, self._errors.bounded(attempt.error))] += 1
            if record.stream and attempt.first_byte_ms is not None:
                self._first_byte.observe((attempt.backend,), attempt.first_byte_ms / 1000)

    def _count_usage(self, record: Record) -> None:
        usage, cost, backend = record.outcome.usage, record.outcome.cost, record.backend
        if usage is not None:
            self._tokens[(backend, "prompt")] += usage.prompt_tokens
            self._tokens[(backend, "completion")] += usage.completion_tokens
            if usage.cached_tokens:
                self._tokens[(backend, "cached")] += usage.cached_tokens
        if cost is not None:
            self._cost[(backend,)] += cost / 1_000_000_000

    def _counts(self, family: Family) -> Counts:
        counts = Counts(family)
        self._now.counted.append(counts)
        return counts

    def _durations(self, family: Family) -> Durations:
        durations = Durations(family)
        self._now.counted.append(durations)
        return durations


def _amounts(kept: Kept) -> Iterator[tuple[tuple[str, str, str], float]]:
    standing = kept.standing
    amounts = {"limit": standing.limit, "spent": standing.spent, "held": standing.held, "left": standing.free}
    for state, nano in amounts.items():
        yield (kept.budget.name, kept.share, state), nano / 1_000_000_000


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
    """All figures when Prometheus asks: what was counted until then, and what is looked up rather than counted."""

    def __init__(self, policy: Policy, fleet: Fleet, sweep: Sweep) -> None:
        self.policy = policy
        self.fleet = fleet
        self.weights = ""
        self._sweep = sweep
        self.counted: list[Counts | Durations] = []
        self.queues: list[Queue] = []
        self.kept: Sequence[Kept] = ()

    def collect(self) -> Iterator[Metric]:
        for each in self.counted:
            yield each.metric()
        policy, fleet, states = self.policy, self.fleet, self.fleet.states
        yield gauge(families.BUDGET, [row for each in self.kept for row in _amounts(each)])
        yield gauge(families.IN_FLIGHT, [((), self._sweep.in_flight)])
        yield gauge(families.BACKEND_UP, [((name,), state.is_up) for name, state in states.items()])
        yield gauge(families.REPLICA_IN_FLIGHT, fleet.in_flight().items())
        yield gauge(families.BACKEND_SATURATED, [((name,), state.is_saturated) for name, state in states.items()])
        yield gauge(families.PREDICTED_WAIT, [((name,), wait_s) for name, wait_s in fleet.predicted_waits().items()])
        yield gauge(families.REPLICA_QUEUE, fleet.queues().items())
        yield gauge(families.POLICY, [((policy.name, policy.version, policy.digest), 1)])
        yield gauge(families.WEIGHTS, [((self.weights,), 1)])
        yield gauge(families.WAITING, [((queue.name,), queue.waiting) for queue in self.queues])
        yield total(families.DROPPED, [((queue.name,), queue.dropped) for queue in self.queues])
        yield total(families.FAILURES, [((queue.name,), queue.failures) for queue in self.queues])
