"""Every metric the gateway offers, as one table: adding one is a row here, a row in docs/metrics.md, and its count."""

from typing import Literal, NamedTuple


class Family(NamedTuple):
    """One metric: its name, type and labels never change once released. Every label has a bounded set of values."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str


REQUESTS = Family(
    "gateway_requests_total",
    "counter",
    ("endpoint", "backend", "zone", "rule", "sensitivity", "tier", "ending"),
    "Requests by what was called, who answered, why, and how it ended",
)
REFUSALS = Family("gateway_refusals_total", "counter", ("code",), "Requests refused, by the code the client heard")
TURNED_AWAY = Family(
    "gateway_turned_away_total",
    "counter",
    ("code",),
    "Requests refused before they were accepted (no key, no JSON, too large); they leave no record",
)
UNKNOWN = Family("gateway_unknown_total", "counter", (), "Requests of which something could not be known")
FINDINGS = Family("gateway_findings_total", "counter", ("kind",), "Detectors' hits")
MASKED = Family(
    "gateway_masked_total", "counter", ("backend", "kind"), "Requests that a backend was shown with a kind masked"
)
SPILLED = Family(
    "gateway_spilled_total", "counter", ("backend",), "Requests that went elsewhere first because it was saturated"
)
EXCLUDED = Family("gateway_excluded_total", "counter", ("backend", "veto"), "Routes struck out, by reason")
ATTEMPTS = Family(
    "gateway_attempts_total",
    "counter",
    ("backend", "zone", "sensitivity", "error"),
    "Attempts, answered (no error) or not: which class of content was sent where",
)
SHADOWS = Family(
    "gateway_shadows_total",
    "counter",
    ("backend", "zone", "sensitivity", "error"),
    "Copies of answered requests, answered (no error), `dropped` or failed: which class of content was sent where",
)
SHADOW_COST = Family(
    "gateway_shadow_cost_usd_total", "counter", ("backend",), "What answers to copies cost, where the price is known"
)
VIOLATIONS = Family(
    "gateway_clearance_violations_total",
    "counter",
    (),
    "Requests stopped by the guard at the door; anything above 0 is a bug",
)
SECONDS = Family("gateway_request_seconds", "histogram", ("backend",), "From accepted to ended")
FIRST_BYTE = Family(
    "gateway_first_byte_seconds", "histogram", ("backend",), "From sending to the first byte of a streamed answer"
)
TOKENS = Family(
    "gateway_tokens_total", "counter", ("backend", "kind"), "Tokens used; cached ones are among the prompt's"
)
COST = Family("gateway_cost_usd_total", "counter", ("backend",), "What the answers cost, where the price is known")
BUDGETS = Family(
    "gateway_budget_passed_total",
    "counter",
    ("budget", "percent"),
    "Times that spending passed 80, 95 or 100 percent of a budget's limit, by the process whose bill did it",
)
BUDGET = Family(
    "gateway_budget_usd",
    "gauge",
    ("budget", "share", "state"),
    "A budget's `limit`, and what of it is `spent`, `held` and `left`, by everyone; take the maximum over workers",
)
UNCOUNTED = Family("gateway_uncounted_total", "counter", (), "Records with figures that could not be counted")
RELOADS = Family(
    "gateway_policy_reloads_total",
    "counter",
    ("outcome",),
    "Policies and weights that were to be served from then on: `served`, or `refused` and nothing changed",
)

IN_FLIGHT = Family("gateway_in_flight", "gauge", (), "Requests accepted and not yet ended")
BACKEND_UP = Family("gateway_backend_up", "gauge", ("backend",), "1 while one of its replicas is up, else 0")
REPLICA_IN_FLIGHT = Family("gateway_replica_in_flight", "gauge", ("backend", "replica"), "Requests at a replica now")
BACKEND_SATURATED = Family("gateway_backend_saturated", "gauge", ("backend",), "1 while it counts as saturated, else 0")
PREDICTED_WAIT = Family(
    "gateway_predicted_wait_seconds",
    "gauge",
    ("backend",),
    "How long a request would wait there now, where it is known",
)
REPLICA_QUEUE = Family(
    "gateway_replica_queue", "gauge", ("backend", "replica"), "Requests that wait at a replica, where it says so"
)
POLICY = Family("gateway_policy_info", "gauge", ("name", "version", "digest"), "1, for the policy that is served")
WEIGHTS = Family("gateway_weights_info", "gauge", ("digest",), "1, for the complexity model's weights in use")
WAITING = Family("gateway_records_waiting", "gauge", ("to",), "Records not yet delivered")
DROPPED = Family("gateway_records_dropped_total", "counter", ("to",), "Records lost because too many waited")
FAILURES = Family("gateway_record_writes_failed_total", "counter", ("to",), "Writes of a batch of records that failed")

FAMILIES: tuple[Family, ...] = (
    REQUESTS,
    REFUSALS,
    TURNED_AWAY,
    UNKNOWN,
    FINDINGS,
    MASKED,
    SPILLED,
    EXCLUDED,
    ATTEMPTS,
    SHADOWS,
    SHADOW_COST,
    VIOLATIONS,
    SECONDS,
    FIRST_BYTE,
    TOKENS,
    COST,
    BUDGETS,
    UNCOUNTED,
    RELOADS,
    BUDGET,
    IN_FLIGHT,
    BACKEND_UP,
    REPLICA_IN_FLIGHT,
    BACKEND_SATURATED,
    PREDICTED_WAIT,
    REPLICA_QUEUE,
    POLICY,
    WEIGHTS,
    WAITING,
    DROPPED,
    FAILURES,
)
"""In the order of docs/metrics.md."""
