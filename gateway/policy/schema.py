"""The keys of a policy file, as one table: which each section must have, and which it may."""

from typing import NamedTuple


class Shape(NamedTuple):
    """The keys of one kind of mapping."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return self.required + self.optional


POLICY = Shape(
    required=("apiVersion", "kind", "metadata", "zones", "backends", "otherwise"),
    optional=(
        "models",
        "callers",
        "times",
        "budgets",
        "rate_limits",
        "classify",
        "rules",
        "unknown_routes",
        "baseline",
        "deadline",
        "invariants",
        "tests",
    ),
)
METADATA = Shape(required=("name",), optional=("version", "owner"))
ZONE = Shape(required=("clearance",), optional=("region", "retention"))
BACKEND = Shape(
    required=("zone", "kind", "model"),
    optional=(
        "urls",
        "inference_endpoint",
        "price",
        "context_tokens",
        "max_output_tokens",
        "api_key",
        "organization",
        "health",
        "can",
        "cannot",
        "saturated_at",
    ),
)
SATURATED_AT = Shape(optional=("queue", "predicted_wait"))
MODEL = Shape(optional=("chat", "completions", "embeddings"))
PRICE = Shape(
    optional=(
        "input_usd_per_million",
        "output_usd_per_million",
        "cached_input_usd_per_million",
        "cache_write_usd_per_million",
        "input_audio_usd_per_million",
        "input_image_usd_per_million",
        "output_audio_usd_per_million",
        "reasoning_usd_per_million",
        "from",
        "model",
        "gpu_hour_usd",
        "gpus",
    ),
)
PRICES = Shape(optional=("chat", "completions", "embeddings"))
BUDGET = Shape(
    required=("limit_usd", "window"), optional=("time_zone", "scope", "each", "hard", "on_exhausted", "wait")
)
SCOPE = Shape(optional=("zone", "backend", "model", "team", "caller", "tag"))
CALLER = Shape(required=("key",), optional=("team", "tags", "sensitivity"))
RATE_LIMIT = Shape(
    optional=("requests_per_minute", "tokens_per_minute", "concurrent_requests", "team", "caller", "tag", "each")
)
CLASSIFY = Shape(optional=("sensitivity", "complexity"))
SENSITIVITY = Shape(
    optional=("kinds", "ignore", "default", "lexicons", "patterns", "tags", "unlisted", "unreadable", "on_error")
)
LEXICON = Shape(required=("name", "file", "class"))
PATTERN = Shape(required=("name", "regex", "class"), optional=("validator", "examples"))
COMPLEXITY = Shape(optional=("medium_from", "hard_from"))
RULE = Shape(
    required=("name", "when", "route"), optional=("timeouts", "retries", "max_cost_usd", "sticky", "spill", "shadow")
)
OTHERWISE = Shape(required=("route",), optional=("timeouts", "retries", "max_cost_usd", "sticky", "spill", "shadow"))
ROUTE = Shape(required=("to",), optional=("weight", "mask", "first_byte", "total", "retries", "max_cost_usd"))
SHADOW = Shape(required=("to", "share"))
TIMEOUTS = Shape(optional=("first_byte", "total"))
TIME = Shape(optional=("days", "from", "to", "time_zone"))
BOUNDS = Shape(optional=("at_least", "at_most"))
INVARIANT = Shape(optional=("never", "only", "always"))
REACHES = Shape(optional=("zone", "region", "retention", "backend"))
TEST = Shape(required=("name", "given", "expect"))
GIVEN = Shape(
    optional=(
        "prompt",
        "sensitivity",
        "complexity",
        "task",
        "findings",
        "unreadable",
        "endpoint",
        "caller",
        "model",
        "needs",
        "stream",
        "prompt_tokens",
        "max_tokens",
        "draw",
        "at",
        "down",
        "saturated",
    )
)
EXPECT = Shape(optional=("rule", "backends", "refused", "zone_not", "sensitivity", "complexity", "shadow"))

DECIDING = ("zones", "times", "classify", "rules", "otherwise", "models", "unknown_routes", "invariants", "tests")
DECIDING_KEYS = {
    "backends": ("zone", "kind", "context_tokens", "can", "cannot"),
    "rate_limits": ("team", "caller", "tag", "each"),
    "budgets": ("window", "time_zone", "scope", "each", "hard", "on_exhausted", "wait"),
    "callers": ("team", "tags", "sensitivity"),
}
"""Sections, and keys of others, that decide: no environment reference there, so that one digest of the file means one
set of decisions. A service's address and price, and a budget's limit, may differ from one environment to the next; its
zone may not."""
