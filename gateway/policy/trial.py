"""A policy's own tests: whether each case holds, which rules they reach, and whether they would notice a change."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.core.types import BackendState, Decision, Masking
from gateway.policy.cases import REFUSED
from gateway.policy.compare import is_same
from gateway.policy.evaluate import decide, refusal
from gateway.policy.model import Case, Policy
from gateway.policy.mutants import Mutant, mutants
from gateway.policy.space import Witness
from gateway.policy.verify import verify

_DOWN = BackendState(is_up=False, reason="the test says so")
_SATURATED = BackendState(is_up=True, reason="the test says so", is_saturated=True)


class Tried(NamedTuple):
    """One case with the request it became, the rule that decided it, and what was not as demanded."""

    case: Case
    witness: Witness
    maskings: tuple[Masking, ...]
    rule: str
    mistakes: tuple[str, ...]


class Noticed(NamedTuple):
    """What the cases and invariants do about changes: how many alter decisions, and those that nobody notices."""

    mutants: int
    survivors: tuple[Mutant, ...]

    @property
    def score(self) -> float:
        """From 0 to 100; a policy that cannot be changed is tested in full."""
        return 100.0 if not self.mutants else 100.0 * (self.mutants - len(self.survivors)) / self.mutants


def tried(policy: Policy, case: Case, witness: Witness, maskings: tuple[Masking, ...] = ()) -> Tried:
    """`maskings`: what is believed of the request for each mask that a route has."""
    decision = _decided(policy, case, witness, maskings)
    return Tried(case, witness, maskings, decision.rule, tuple(_mistakes(policy, case, witness, decision)))


def noticed(policy: Policy, trials: Sequence[Tried]) -> Noticed:
    """Each rule deleted or weakened in turn. A change that alters no decision is none, and not counted."""
    survivors, total = [], 0
    for mutant in mutants(policy):
        is_seen = _fails(mutant.policy, trials) or (bool(policy.invariants) and bool(verify(mutant.policy).leaks))
        if not is_seen and is_same(policy, mutant.policy, mutant.rule):
            continue
        total += 1
        if not is_seen:
            survivors.append(mutant)
    return Noticed(total, tuple(survivors))


def coverage(policy: Policy, trials: Sequence[Tried]) -> Mapping[str, int]:
    """How many cases each rule decides."""
    return {rule.name: sum(trial.rule == rule.name for trial in trials) for rule in policy.rules}


def _fails(policy: Policy, trials: Sequence[Tried]) -> bool:
    return any(
        any(_mistakes(policy, trial.case, trial.witness, _decided(policy, trial.case, trial.witness, trial.maskings)))
        for trial in trials
        if not trial.mistakes
    )


def _decided(policy: Policy, case: Case, witness: Witness, maskings: tuple[Masking, ...]) -> Decision:
    states = dict.fromkeys(case.given.saturated, _SATURATED) | dict.fromkeys(case.given.down, _DOWN)
    return decide(policy, witness.envelope, witness.verdict, states, maskings)


def _mistakes(policy: Policy, case: Case, witness: Witness, decision: Decision) -> Iterator[str]:
    """What is not as demanded, in words."""
    expected, verdict = case.expected, witness.verdict
    backends = tuple(route.backend for route in decision.routes)
    if expected.rule not in (None, decision.rule):
        yield f"expected rule `{expected.rule}`, it is `{decision.rule}`"
    if expected.backends not in (None, backends):
        yield f"expected backends {_ticked(expected.backends or ())}, they are {_ticked(backends) or 'none'}"
    if expected.refused is not None:
        code = "" if backends else refusal(decision, witness.envelope).code
        if not code or expected.refused not in (REFUSED, code):
            wanted = "a refusal" if expected.refused == REFUSED else f"the refusal `{expected.refused}`"
            yield f"expected {wanted}, it is " + (f"`{code}`" if code else f"sent to {_ticked(backends)}")
    copied_to = "" if decision.shadow is None else decision.shadow.backend
    for name in (*backends, *filter(None, [copied_to])):
        if policy.backends[name].zone.name in expected.zone_not:
            yield f"expected nothing in zone `{policy.backends[name].zone.name}`, but `{name}` may be asked"
    if expected.shadow not in (None, copied_to):
        wanted = f"a copy to `{expected.shadow}`" if expected.shadow else "no copy"
        yield f"expected {wanted}, " + (f"it goes to `{copied_to}`" if copied_to else "there is none")
    if expected.sensitivity not in (None, verdict.sensitivity):
        yield f"expected sensitivity `{expected.sensitivity.label}`, it is `{verdict.sensitivity.label}`"
    if expected.tier not in (None, verdict.tier):
        yield f"expected complexity `{expected.tier.label}`, it is `{verdict.tier.label}`"


def _ticked(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
