"""Metrics: every Record is counted once, under names and labels that stay bounded and are documented."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from recorded import ANSWERED, REFUSED, Fleet, Sweep, a_policy, a_record

from gateway.core.budgets import Budget, RollingWindow, Standing, Warned
from gateway.core.money import NanoUSD
from gateway.core.records import Attempt, Ending, Outcome
from gateway.core.shadow import Shadow
from gateway.core.types import BackendState, Decision, Endpoint, Masking, Route, Sensitivity, Tier, Verdict
from gateway.core.usage import Usage
from gateway.limits.budgets import charge
from gateway.spending import Kept
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.telemetry.families import FAMILIES
from gateway.telemetry.metrics import MOST_WORDS, Metrics
from gateway.telemetry.outbox import Outbox

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"
BUDGET = Budget("day", NanoUSD(10), RollingWindow(60))
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(metrics: Metrics) -> Samples:
    """What Prometheus would make of it."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def value(metrics: Metrics, name: str, labels: Mapping[str, str] = {}) -> float | None:
    return samples(metrics).get((name, frozenset(labels.items())))


def total(metrics: Metrics, name: str) -> float:
    return sum(amount for (sample, _), amount in samples(metrics).items() if sample == name)


def test_the_documented_metrics_are_the_ones_there_are() -> None:
    rows = re.findall(r"^\| `(gateway_\w+)` \| (\w+) \|(.*?)\| (.+) \|$", DOCS.read_text(), re.MULTILINE)
    documented = [(name, kind, tuple(re.findall(r"`(\w+)`", labels)), meaning) for name, kind, labels, meaning in rows]
    assert documented == [tuple(family) for family in FAMILIES]


def test_every_metric_is_rendered_with_its_type_and_labels(
    journal: SqliteJournal, metrics: Metrics, fleet: Fleet
) -> None:
    fleet.busy = {("local", "a:1"): 1}
    metrics.watch(Outbox("journal", journal))
    metrics.count(a_record())
    metrics.count(a_record(outcome=REFUSED))
    metrics.count(a_record(masked=("card",)))
    metrics.count(a_record(decision=Decision((), "otherwise", spilled_from="local")))
    metrics.count(a_record(shadow=Shadow("canary", "on_prem", "public", 200, "", 3, 4, NanoUSD(5))))
    metrics.turned_away("invalid_json")
    metrics.reloaded("refused")
    metrics.budget_passed(Warned(charge(BUDGET), 80, Standing(NanoUSD(10), NanoUSD(8), NanoUSD(0), 0.0)))
    metrics.budgets_stand([Kept(BUDGET, "ann", Standing(NanoUSD(10), NanoUSD(8), NanoUSD(1), 0.0))])
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", metrics.render().decode(), re.MULTILINE))
    assert types == {family.name: family.kind for family in FAMILIES}
    labels = {re.sub("_(bucket|count|sum)$", "", name): {key for key, _ in pairs} for name, pairs in samples(metrics)}
    assert labels == {family.name: set(family.labels) for family in FAMILIES}


def test_a_request_is_counted_with_what_was_decided(metrics: Metrics) -> None:
    metrics.count(a_record())
    labels = {"endpoint": "chat", "rule": "otherwise", "sensitivity": "restricted", "tier": "simple"}
    labels |= {"backend": "local", "zone": "on_prem", "ending": "completed"}
    assert value(metrics, "gateway_requests_total", labels) == 1
    assert value(metrics, "gateway_unknown_total") == 1
    assert value(metrics, "gateway_findings_total", {"kind": "card"}) == 2
    assert value(metrics, "gateway_excluded_total", {"backend": "frontier", "veto": "clearance"}) == 1
    assert value(metrics, "gateway_request_seconds_sum", {"backend": "local"}) == pytest.approx(0.345678)


def test_every_attempt_says_which_class_went_to_which_zone(metrics: Metrics) -> None:
    metrics.count(a_record())
    labels = {"backend": "local", "zone": "on_prem", "sensitivity": "restricted"}
    assert value(metrics, "gateway_attempts_total", {**labels, "error": ""}) == 1
    assert value(metrics, "gateway_attempts_total", {**labels, "error": "overloaded"}) == 1


def test_tokens_and_dollars_are_added_up(metrics: Metrics) -> None:
    metrics.count(a_record(1))
    metrics.count(a_record(2))
    for kind, amount in (("prompt", 42), ("completion", 16), ("cached", 10)):
        assert value(metrics, "gateway_tokens_total", {"backend": "local", "kind": kind}) == amount
    assert value(metrics, "gateway_cost_usd_total", {"backend": "local"}) == pytest.approx(0.000392)


def test_the_first_byte_is_timed_for_streams_only(metrics: Metrics) -> None:
    metrics.count(a_record(1))
    metrics.count(a_record(2, stream=False))
    assert value(metrics, "gateway_first_byte_seconds_count", {"backend": "local"}) == 1
    assert value(metrics, "gateway_first_byte_seconds_sum", {"backend": "local"}) == pytest.approx(0.12004)


def test_a_refusal_is_counted_by_its_code(metrics: Metrics) -> None:
    metrics.count(a_record(outcome=REFUSED))
    assert value(metrics, "gateway_refusals_total", {"code": "no_backend_available"}) == 1
    assert value(metrics, "gateway_clearance_violations_total") == 0


def test_what_was_masked_is_counted_and_the_class_sent_is_that_of_the_masked_request(metrics: Metrics) -> None:
    public = Verdict(Sensitivity.PUBLIC, 0.1, Tier.SIMPLE)
    decision = Decision((Route("local", mask=("card", "email")),), "otherwise")
    masking = Masking(("card", "email"), public)
    metrics.count(a_record(decision=decision, maskings=(masking,), masked=("card",)))
    assert value(metrics, "gateway_masked_total", {"backend": "local", "kind": "card"}) == 1
    sent = {labels for name, labels in samples(metrics) if name == "gateway_attempts_total"}
    assert {dict(labels)["sensitivity"] for labels in sent} == {"public"}


def test_a_violation_stopped_at_the_door_stands_out(metrics: Metrics) -> None:
    metrics.count(a_record(outcome=Outcome(Ending.REFUSED, 403, "clearance_violation", (), None, None, 1.0)))
    assert value(metrics, "gateway_clearance_violations_total") == 1


def test_codes_that_backends_make_up_do_not_make_up_metrics(metrics: Metrics) -> None:
    for number in range(3 * MOST_WORDS):
        attempt = Attempt("local", "a:1", 0.1, None, f"made_up_{number}")
        metrics.count(a_record(outcome=Outcome(Ending.REFUSED, 400, f"made_up_{number}", (attempt,), None, None, 1.0)))
    seen = samples(metrics)
    for name in ("gateway_refusals_total", "gateway_attempts_total"):
        assert sum(sample == name for sample, _ in seen) == MOST_WORDS + 1
        assert total(metrics, name) == 3 * MOST_WORDS
    assert value(metrics, "gateway_refusals_total", {"code": "other"}) == 2 * MOST_WORDS


def test_the_fleet_and_the_sweep_are_asked_at_each_scrape(metrics: Metrics, fleet: Fleet, sweep: Sweep) -> None:
    assert value(metrics, "gateway_backend_up", {"backend": "local"}) == 0
    fleet.states["local"] = BackendState(True)
    fleet.busy = {("local", "a:1"): 3}
    sweep.in_flight = 4
    assert value(metrics, "gateway_backend_up", {"backend": "local"}) == 1
    assert value(metrics, "gateway_replica_in_flight", {"backend": "local", "replica": "a:1"}) == 3
    assert value(metrics, "gateway_in_flight") == 4


def test_the_policy_that_is_served_is_named(metrics: Metrics) -> None:
    assert value(metrics, "gateway_policy_info", {"name": "house", "version": "7", "digest": a_policy().digest}) == 1


def test_two_gateways_in_one_process_count_apart() -> None:
    first, second = Metrics(a_policy(), Fleet(), Sweep()), Metrics(a_policy(), Fleet(), Sweep())
    first.count(a_record())
    assert total(first, "gateway_requests_total") == 1
    assert total(second, "gateway_requests_total") == 0


OUTCOMES = st.sampled_from([ANSWERED, REFUSED, msgspec.structs.replace(ANSWERED, ending=Ending.ABANDONED, cost=None)])
VERDICTS = st.builds(Verdict, st.sampled_from(Sensitivity), st.floats(0, 1), st.sampled_from(Tier))


@given(st.lists(st.tuples(OUTCOMES, VERDICTS, st.sampled_from(Endpoint)), max_size=20))
def test_every_request_is_counted_exactly_once(given: list[tuple[Outcome, Verdict, Endpoint]]) -> None:
    metrics = Metrics(a_policy(), Fleet(), Sweep())
    for outcome, verdict, endpoint in given:
        metrics.count(a_record(outcome=outcome, verdict=verdict, endpoint=endpoint))
    assert total(metrics, "gateway_requests_total") == len(given)
    assert total(metrics, "gateway_request_seconds_count") == len(given)
    assert total(metrics, "gateway_attempts_total") == sum(len(outcome.attempts) for outcome, _, _ in given)


def test_a_record_with_figures_that_no_float_can_hold_is_counted_as_such(metrics: Metrics) -> None:
    metrics.count(a_record(outcome=msgspec.structs.replace(ANSWERED, usage=Usage(10**400, 1))))
    assert total(metrics, "gateway_uncounted_total") == 1
