"""What the page is told of a recorded decision, of the backends and of the budgets: plain rows, made from the nouns."""

from collections.abc import Iterable, Mapping

import msgspec

from gateway.core.budgets import CalendarWindow
from gateway.core.records import Record
from gateway.core.types import Decision
from gateway.policy.backtest import Backtest, envelope_of
from gateway.policy.belief import relabelled
from gateway.policy.evaluate import refusal
from gateway.policy.explain import Asked, explained
from gateway.policy.model import Policy
from gateway.policy.space import Witness
from gateway.spending import Kept

Told = Mapping[str, object]


def row(record: Record) -> dict[str, object]:
    """One line of the list."""
    verdict, outcome, usage = record.verdict, record.outcome, record.outcome.usage
    return {
        "id": record.decision_id,
        "request": record.id,
        "at": record.at,
        "caller": record.caller.id,
        "team": record.caller.team,
        "endpoint": record.endpoint,
        "model": record.model,
        "stream": record.stream,
        "sensitivity": verdict.sensitivity.label,
        "tier": verdict.tier.label,
        "task": verdict.task,
        "rule": record.decision.rule,
        "backend": record.backend,
        "zone": record.zone,
        "ending": outcome.ending,
        "status": outcome.status,
        "code": outcome.code,
        "masked": record.masked,
        "attempts": len(outcome.attempts),
        "prompt_tokens": None if usage is None else usage.prompt_tokens,
        "completion_tokens": None if usage is None else usage.completion_tokens,
        "cost_nano": outcome.cost,
        "total_ms": outcome.total_ms,
        "policy": record.decision.policy_digest,
    }


def decision(record: Record, policy: Policy) -> dict[str, object]:
    """All of it; `explained` is why, under the policy in use, which may not be the one that decided."""
    verdict, decided = record.verdict, record.decision
    return {
        **row(record),
        "complexity": verdict.complexity,
        "medium_from": policy.labelling.medium_from,
        "hard_from": policy.labelling.hard_from,
        "basis": verdict.basis,
        "findings": {finding.kind: finding.count for finding in verdict.findings},
        "unknown": verdict.unknown,
        "needs": record.needs,
        "estimated_prompt_tokens": record.prompt_tokens,
        "max_tokens": record.max_tokens,
        "routes": [route.backend for route in decided.routes],
        "excluded": _excluded(decided),
        "spilled_from": decided.spilled_from,
        "tries": [msgspec.to_builtins(attempt) for attempt in record.outcome.attempts],
        "trace_id": "" if record.trace is None else record.trace.trace_id,
        "shadow": msgspec.to_builtins(record.shadow),
        "is_current": decided.policy_digest == policy.digest,
        "explained": list(explained(policy, asked_of(record, policy))),
    }


def again(record: Record, policy: Policy) -> dict[str, object]:
    """What this policy, which may be another, would have made of it."""
    replay = Backtest(policy).replay(record)
    asked = asked_of(record, policy)
    return {
        **would_be(policy, asked, replay.decision),
        "backend": replay.backend,
        "cost": None if replay.cost is None else replay.cost._asdict(),
        "is_same": replay.decision.routes == record.decision.routes,
    }


def would_be(policy: Policy, asked: Asked, decided: Decision) -> dict[str, object]:
    """A decision that nothing was sent for, and why."""
    envelope, verdict, _ = asked.witness
    error = None if decided.routes else refusal(decided, envelope)
    return {
        "policy": {"name": policy.name, "version": policy.version, "digest": policy.digest},
        "sensitivity": verdict.sensitivity.label,
        "basis": verdict.basis,
        "tier": verdict.tier.label,
        "complexity": verdict.complexity,
        "medium_from": policy.labelling.medium_from,
        "hard_from": policy.labelling.hard_from,
        "findings": {finding.kind: finding.count for finding in verdict.findings},
        "unknown": verdict.unknown,
        "prompt_tokens": envelope.prompt_tokens,
        "rule": decided.rule,
        "routes": [
            {"backend": route.backend, "zone": policy.backends[route.backend].zone.name, "mask": route.mask}
            for route in decided.routes
        ],
        "excluded": _excluded(decided),
        "spilled_from": decided.spilled_from,
        "refused": None if error is None else {"status": error.status, "code": error.code, "message": error.message},
        "explained": list(explained(policy, asked)),
    }


def _excluded(decided: Decision) -> list[dict[str, object]]:
    return [
        {"backend": backend, "veto": exclusion.veto, "detail": exclusion.detail}
        for backend, exclusion in decided.excluded
    ]


def asked_of(record: Record, policy: Policy) -> Asked:
    envelope = envelope_of(record, policy, {caller.id: caller for caller in policy.everyone})
    is_its_own = record.decision.policy_digest == policy.digest
    verdict = record.verdict if is_its_own else relabelled(record.verdict, policy.labelling, envelope.caller)
    return Asked(Witness(envelope, verdict), record.states, record.maskings)


def backends(policy: Policy, replicas: list[dict[str, object]]) -> list[Told]:
    """`replicas`: the fleet's own rows."""
    return [
        {
            "name": name,
            "kind": spec.kind,
            "zone": spec.zone.name,
            "clearance": spec.zone.clearance.label,
            "models": dict(spec.models),
            "price": msgspec.to_builtins(spec.price),
            "replicas": [each for each in replicas if each["backend"] == name],
        }
        for name, spec in policy.backends.items()
    ]


def budgets(kept: Iterable[Kept]) -> list[Told]:
    """Amounts in nano-dollars; `until` in seconds since the epoch."""
    return [
        {
            "name": each.budget.name,
            "share": each.share,
            "window": _window(each),
            "is_hard": each.budget.is_hard,
            "on_exhausted": each.budget.on_exhausted,
            "limit": each.standing.limit,
            "spent": each.standing.spent,
            "held": each.standing.held,
            "left": each.standing.free,
            "until": each.standing.until,
        }
        for each in kept
    ]


def _window(kept: Kept) -> str:
    window = kept.budget.window
    if isinstance(window, CalendarWindow):
        return f"{window.unit} ({window.time_zone})"
    hours, rest = divmod(window.seconds, 3_600)
    return f"the last {hours} h" if not rest else f"the last {window.seconds // 60} min"
