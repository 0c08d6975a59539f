"""Recorded requests decided again under another policy, from their stored signals, and what that would have changed."""

from collections import Counter
from typing import NamedTuple

from gateway.core.money import NanoUSD, Price
from gateway.core.records import Ending, Record
from gateway.core.types import Caller, Decision, Envelope, Masking, Route, Sensitivity, Verdict
from gateway.core.usage import Usage
from gateway.policy.belief import relabelled
from gateway.policy.evaluate import decide, refusal
from gateway.policy.model import Policy

REFUSED = ""
SPREAD = 2
"""An answer of another model is taken to be as long as the recorded one; at worst half or twice as long."""


class Way(NamedTuple):
    """What happened to a request and what would have: backend ("": refused) and rule, before and after."""

    sensitivity: str
    old_backend: str
    old_rule: str
    new_backend: str
    new_rule: str


class Cost(NamedTuple):
    """Nano-dollars, between what they are at least and at most."""

    least: int
    likely: int
    most: int


class Replay(NamedTuple):
    """One record decided again. `backend` is the one that would have answered; `cost` None: it cannot be known."""

    decision: Decision
    verdict: Verdict
    backend: str
    cost: Cost | None


def envelope_of(record: Record, policy: Policy, everyone: dict[str, Caller]) -> Envelope:
    """What deciding has to know of the request; its content is not kept and not needed."""
    return Envelope(
        id=record.id,
        caller=everyone.get(record.caller.id, record.caller),
        endpoint=record.endpoint,
        method="",
        path="",
        model=record.model,
        stream=record.stream,
        needs=frozenset(record.needs),
        prompt_tokens=record.prompt_tokens,
        max_tokens=record.max_tokens,
        received_at=record.at,
        draws=record.draws,
        deadline_s=policy.deadline_s,
        body=b"",
        document=None,
    )


class Backtest:
    """Replays records one by one and keeps the sums; holds no record."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._everyone = {caller.id: caller for caller in policy.everyone}
        self._highest = max(zone.clearance for zone in policy.zones.values())
        self.records = 0
        self.of_this_policy = 0
        self.reproduced = 0
        self.rerouted = 0
        self.new_egress = 0
        self.unknown_costs = 0
        self.first_egress: Record | None = None
        self.old_cost = 0
        self.new_cost = Cost(0, 0, 0)
        self.old_backends: Counter[str] = Counter()
        self.new_backends: Counter[str] = Counter()
        self.old_zones: Counter[tuple[Sensitivity, str]] = Counter()
        self.new_zones: Counter[tuple[Sensitivity, str]] = Counter()
        self.old_refusals: Counter[str] = Counter()
        self.new_refusals: Counter[str] = Counter()
        self.ways: dict[Way, tuple[int, int, str]] = {}
        self.waits: dict[str, tuple[int, float]] = {}

    def add(self, record: Record) -> None:
        replay = self.replay(record)
        old, new = record.decision, replay.decision
        self.records += 1
        if old.policy_digest == self._policy.digest:
            self.of_this_policy += 1
            self.reproduced += new == old
        self._count(record, replay)
        if (new.routes, new.shadow) != (old.routes, old.shadow):
            self.rerouted += 1
            self._compare(record, replay)

    def replay(self, record: Record) -> Replay:
        policy, verdict, maskings = self._policy, record.verdict, record.maskings
        envelope = envelope_of(record, policy, self._everyone)
        if record.decision.policy_digest != policy.digest:
            labelling, caller = policy.labelling, envelope.caller
            verdict = relabelled(verdict, labelling, caller)
            maskings = tuple(Masking(each.kinds, relabelled(each.verdict, labelling, caller)) for each in maskings)
        decision = decide(policy, envelope, verdict, record.states, maskings)
        backend = _answering(decision, record)
        return Replay(decision, verdict, backend, self._cost(record, backend))

    def mean_wait_ms(self, backends: Counter[str]) -> float | None:
        """If each had taken as long as its backend took on average; None where nothing is known of any."""
        known = [(count, self.waits[name]) for name, count in backends.items() if name in self.waits]
        total = sum(count for count, _ in known)
        return sum(count * waited / number for count, (number, waited) in known) / total if total else None

    def _count(self, record: Record, replay: Replay) -> None:
        answered, verdict = record.backend, record.verdict
        self.old_backends[answered] += 1
        self.new_backends[replay.backend] += 1
        self.old_zones[verdict.sensitivity, record.zone] += 1
        zone = self._policy.backends[replay.backend].zone.name if replay.backend else REFUSED
        self.new_zones[replay.verdict.sensitivity, zone] += 1
        if not answered:
            self.old_refusals[record.outcome.code] += 1
        else:
            number, waited = self.waits.get(answered, (0, 0.0))
            self.waits[answered] = (number + 1, waited + record.outcome.total_ms)
        if not replay.backend:
            self.new_refusals[self._refusal(record, replay)] += 1
        copied, copy = record.shadow, self._copy_cost(record, replay)
        is_known = copied is None or copied.cost is not None or bool(copied.error)
        if replay.cost is None or copy is None or not is_known or (answered and record.outcome.cost is None):
            self.unknown_costs += 1
            return
        self.old_cost += (record.outcome.cost or 0) + (0 if copied is None else copied.cost or 0)
        self.new_cost = Cost(*map(sum, zip(self.new_cost, replay.cost, copy, strict=True)))

    def _refusal(self, record: Record, replay: Replay) -> str:
        if replay.decision.routes:  # every backend it may go to failed, as it did then
            return record.outcome.code
        return refusal(replay.decision, envelope_of(record, self._policy, self._everyone)).code

    def _compare(self, record: Record, replay: Replay) -> None:
        if self._is_new_egress(record, replay.decision):
            self.new_egress += 1
            self.first_egress = self.first_egress or record
        way = Way(
            replay.verdict.sensitivity.label, record.backend, record.decision.rule, replay.backend, replay.decision.rule
        )
        count, extra, example = self.ways.get(way, (0, 0, record.decision_id))
        difference = 0 if replay.cost is None else replay.cost.likely - (record.outcome.cost or 0)
        self.ways[way] = (count + 1, extra + difference, example)

    def _is_new_egress(self, record: Record, decision: Decision) -> bool:
        """Whether it may reach a zone that it could not before, other than those of the highest clearance."""
        policy = self._policy
        before = {
            policy.backends[each.backend].zone for each in _hops(record.decision) if each.backend in policy.backends
        }
        after = {policy.backends[each.backend].zone for each in _hops(decision)}
        return any(zone.clearance < self._highest for zone in after - before)

    def _cost(self, record: Record, backend: str) -> Cost | None:
        if not backend:
            return Cost(0, 0, 0)
        price, usage = self._policy.backends[backend].price_for(record.endpoint), record.outcome.usage
        if price is None or usage is None:
            return None
        if backend == record.backend:
            cost = usage.cost(price)
            return Cost(cost, cost, cost)
        return _estimated(price, usage)

    def _copy_cost(self, record: Record, replay: Replay) -> Cost | None:
        """Of a copy to the same backend what it did cost; of another one as of any other answer."""
        shadow, usage, copied = replay.decision.shadow, record.outcome.usage, record.shadow
        if shadow is None or record.outcome.ending is not Ending.COMPLETED:
            return Cost(0, 0, 0)
        if copied is not None and copied.backend == shadow.backend:
            known = copied.cost if copied.cost is not None or not copied.error else 0
            return None if known is None else Cost(known, known, known)
        price = self._policy.backends[shadow.backend].price_for(record.endpoint)
        return None if price is None or usage is None else _estimated(price, usage)


def _estimated(price: Price, usage: Usage) -> Cost:
    """Of an answer that was not given."""
    return Cost(
        price.cost(usage.prompt_tokens, usage.completion_tokens // SPREAD, usage.prompt_tokens),
        price.cost(usage.prompt_tokens, usage.completion_tokens),
        price.cost(usage.prompt_tokens, usage.completion_tokens * SPREAD),
    )


def _hops(decision: Decision) -> tuple[Route, ...]:
    return decision.routes if decision.shadow is None else (*decision.routes, decision.shadow)


def _answering(decision: Decision, record: Record) -> str:
    """The first backend in the new order that did not fail this very request; the same where the order is the same."""
    if decision.routes == record.decision.routes:
        return record.backend
    failed = {attempt.backend for attempt in record.outcome.attempts if attempt.error} - {record.backend}
    return next((route.backend for route in decision.routes if route.backend not in failed), REFUSED)


def share(old: NanoUSD | int, new: int) -> float:
    """How much more the new is, in percent; infinite where the old is nothing."""
    if old:
        return 100.0 * (new - old) / old
    return float("inf") if new > 0 else 0.0
