"""The closed vocabularies of the language: every word a policy may use that is not a name of its own."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.labels import Task
from gateway.core.types import BackendKind, Endpoint, Need, Sensitivity, Tier

API_VERSION = "gateway/v1"
KIND = "RoutingPolicy"
AUTO = "auto"

SENSITIVITIES: Mapping[str, Sensitivity] = MappingProxyType({level.label: level for level in Sensitivity})
TIERS: Mapping[str, Tier] = MappingProxyType({tier.label: tier for tier in Tier})
TASKS: Mapping[str, Task] = MappingProxyType({task.value: task for task in Task})
BACKEND_KINDS: Mapping[str, BackendKind] = MappingProxyType({kind.value: kind for kind in BackendKind})
NEEDS: Mapping[str, Need] = MappingProxyType({need.value: need for need in Need})
ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {endpoint.value: endpoint for endpoint in Endpoint if endpoint is not Endpoint.UNKNOWN}
)
"""What rules can see: a request to an unknown path never meets a rule, it goes by `unknown_routes`."""

FINDING_KINDS: frozenset[str] = frozenset(
    {
        "address",
        "api_key",
        "card",
        "confidential_business",
        "email",
        "iban",
        "medical",
        "national_id",
        "password",
        "person",
        "phone",
        "private_key",
    }
)
"""What the detectors find; `classify/` and this set are held equal by a test."""

MASKABLE_KINDS = FINDING_KINDS - {"confidential_business", "medical"}
"""Values that can be taken out of a text. The others are told of a whole text, of which a mask would leave nothing."""

VALIDATORS = ("luhn", "mod97", "verhoeff")
"""Checks that a pattern of a policy's own may name; `classify/` and this are held equal by a test."""

PINNED = "pinned"
UNKNOWN_ROUTES = "unknown-routes"
OTHERWISE = "otherwise"
RESERVED_RULE_NAMES = frozenset({PINNED, UNKNOWN_ROUTES, OTHERWISE})
CLASSIFY, BUDGETS = "classify:", "budgets:"
"""Among the places of rules, that of the section, and the beginning of each budget's; no rule can have such a name."""
