"""The JSON Schema of a policy file, for editors: made of the same tables that the file is read with.

It knows keys, words and forms. Names that lead nowhere, and what only the whole file shows, are for `check`.
"""

from collections.abc import Iterable, Mapping

from gateway.core import patterns
from gateway.core.budgets import Each, Exhausted
from gateway.core.types import Standing
from gateway.policy import schema
from gateway.policy.budgets import MOST_USD
from gateway.policy.cases import REFUSAL_CODES
from gateway.policy.conditions import SHAPE
from gateway.policy.invariants import ALWAYS
from gateway.policy.model import Sticky
from gateway.policy.prices import LISTED
from gateway.policy.vocabulary import (
    API_VERSION,
    BACKEND_KINDS,
    ENDPOINTS,
    FINDING_KINDS,
    KIND,
    MASKABLE_KINDS,
    NEEDS,
    SENSITIVITIES,
    TASKS,
    TIERS,
    VALIDATORS,
)
from gateway.policy.windows import DAYS

ID = "https://json-schema.org/draft/2020-12/schema"
Node = Mapping[str, object]

_NAME: Node = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
_KIND: Node = {"type": "string", "pattern": "^[a-z][a-z_]{1,31}$"}
_TEXT: Node = {"type": ["string", "number"]}
_DURATION: Node = {"type": "string", "pattern": r"^[0-9]{1,7}(\.[0-9]{1,3})?(ms|s|m|h)$"}
_SECRET: Node = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:-)?\}$"}
_WORD: Node = {"type": "string"}
_CLOCK: Node = {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
_FLAG: Node = {"type": "boolean"}
_SHARE: Node = {"type": "number", "minimum": 0, "maximum": 1}
_PERCENT: Node = {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,2})?%$"}
_DOLLARS: Node = {"type": ["number", "string"]}
_LIMIT: Node = {"type": ["number", "string"], "minimum": 0, "maximum": MOST_USD}
_WINDOW: Node = {"type": "string", "pattern": "^(hour|day|week|month|[1-9][0-9]{0,4}(m|h|d))$"}
_RETRIES: Node = {"type": "integer", "minimum": 0, "maximum": 10}
_RETENTION: Node = {"type": "string", "pattern": "^(unknown|zero|[0-9]{1,4}d)$"}
_CLASS: Node = {"enum": list(SENSITIVITIES)}
_TASK: Node = {"enum": list(TASKS)}
_TIER: Node = {"enum": list(TIERS)}


def _whole(least: int) -> Node:
    return {"type": "integer", "minimum": least, "maximum": 10**9}


def _ref(name: str) -> Node:
    return {"$ref": f"#/$defs/{name}"}


def _some(one: Node) -> Node:
    """One, or a list of at least one."""
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _words(words: Iterable[str]) -> Node:
    return _some({"enum": list(words)})


def _listed(one: Node) -> Node:
    return {"type": "array", "items": one}


def _named(one: Node, names: str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$") -> Node:
    return {"type": "object", "propertyNames": {"pattern": names}, "additionalProperties": one}


def _ordered(words: Iterable[str]) -> Node:
    one: Node = {"enum": list(words)}
    bounds = {"type": "object", "properties": {"at_least": one, "at_most": one}, "additionalProperties": False}
    return {"anyOf": [_some(one), {**bounds, "minProperties": 1}]}


_KINDS: Node = _some({"anyOf": [{"enum": sorted(FINDING_KINDS)}, _KIND]})
"""Those of the detectors, and the policy's own."""
_CONDITION: Mapping[str, Node] = {
    "sensitivity": _ordered(SENSITIVITIES),
    "complexity": _ordered(TIERS),
    "task": _words(TASKS),
    "endpoint": _words(ENDPOINTS),
    "caller": _some(_NAME),
    "team": _some(_NAME),
    "tag": _some(_NAME),
    "model": _some(_WORD),
    "findings": _KINDS,
    "needs": _words(NEEDS),
    "stream": _FLAG,
    "prompt_tokens": _ref("BOUNDS"),
    "time": _some({"anyOf": [_NAME, _ref("TIME")]}),
    "backend": _named(_words(Standing)),
    "all": _listed(_ref("CONDITION")),
    "any": _listed(_ref("CONDITION")),
    "not": _ref("CONDITION"),
}
_TIMES: Mapping[str, Node] = {"first_byte": _DURATION, "total": _DURATION}
_ROUTES: Mapping[str, Node] = {
    "route": _some(_ref("ROUTE")),
    "timeouts": _ref("TIMEOUTS"),
    "retries": _RETRIES,
    "max_cost_usd": _LIMIT,
    "sticky": {"enum": list(Sticky)},
    "spill": _ref("ROUTE"),
    "shadow": _ref("SHADOW"),
}
_FORMS: Mapping[str, Mapping[str, Node]] = {
    "POLICY": {
        "apiVersion": {"const": API_VERSION},
        "kind": {"const": KIND},
        "metadata": _ref("METADATA"),
        "zones": _named(_ref("ZONE")),
        "backends": _named(_ref("BACKEND")),
        "otherwise": _ref("OTHERWISE"),
        "models": _named(_WORD, "^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$"),
        "callers": _named(_ref("CALLER")),
        "times": _named(_ref("TIME")),
        "budgets": _named(_ref("BUDGET")),
        "rate_limits": _named(_ref("RATE_LIMIT")),
        "classify": _ref("CLASSIFY"),
        "rules": _listed(_ref("RULE")),
        "unknown_routes": _NAME,
        "baseline": _NAME,
        "deadline": _DURATION,
        "invariants": _listed(_ref("INVARIANT")),
        "tests": _listed(_ref("TEST")),
    },
    "METADATA": {"name": _NAME, "version": _TEXT, "owner": _TEXT},
    "ZONE": {"clearance": _CLASS, "region": _TEXT, "retention": _RETENTION},
    "BACKEND": {
        "zone": _NAME,
        "kind": {"enum": list(BACKEND_KINDS)},
        "model": {"anyOf": [_WORD, _ref("MODEL")]},
        "urls": _some(_WORD),
        "inference_endpoint": {"type": "string", "pattern": "/"},
        "price": {"anyOf": [{"const": LISTED}, _ref("PRICE"), _ref("PRICES")]},
        "context_tokens": _whole(1),
        "max_output_tokens": _whole(1),
        "api_key": _SECRET,
        "organization": _TEXT,
        "health": {"type": "string", "pattern": "^/"},
        "can": _words(NEEDS),
        "cannot": _words(NEEDS),
        "saturated_at": _ref("SATURATED_AT"),
    },
    "SATURATED_AT": {"queue": _whole(1), "predicted_wait": _DURATION},
    "MODEL": dict.fromkeys(schema.MODEL.keys, _WORD),
    "PRICE": {
        **dict.fromkeys(schema.PRICE.keys, _DOLLARS),
        "from": {"const": LISTED},
        "model": _WORD,
        "gpus": _whole(1),
    },
    "PRICES": {key: {"anyOf": [{"const": LISTED}, _ref("PRICE")]} for key in schema.PRICES.keys},
    "BUDGET": {
        "limit_usd": _LIMIT,
        "window": _WINDOW,
        "time_zone": _WORD,
        "scope": _ref("SCOPE"),
        "each": {"enum": list(Each)},
        "hard": _FLAG,
        "on_exhausted": {"enum": list(Exhausted)},
        "wait": _DURATION,
    },
    "RATE_LIMIT": {
        **dict.fromkeys(schema.RATE_LIMIT.keys, _whole(1)),
        **dict.fromkeys(("team", "caller", "tag"), _some(_NAME)),
        "each": {"enum": list(Each)},
    },
    "SCOPE": {**dict.fromkeys(schema.SCOPE.keys, _some(_NAME)), "model": _some(_WORD)},
    "CALLER": {"key": _SECRET, "team": _NAME, "tags": _some(_NAME), "sensitivity": _CLASS},
    "CLASSIFY": {"sensitivity": _ref("SENSITIVITY"), "complexity": _ref("COMPLEXITY")},
    "SENSITIVITY": {
        "ignore": _words(sorted(FINDING_KINDS)),
        "tags": _named(_CLASS),
        "lexicons": _listed(_ref("LEXICON")),
        "patterns": _listed(_ref("PATTERN")),
        "kinds": _named(_CLASS, f"^({'|'.join(sorted(FINDING_KINDS))})$"),
        **dict.fromkeys(("default", "unlisted", "unreadable", "on_error"), _CLASS),
    },
    "LEXICON": {"name": _KIND, "file": _WORD, "class": _CLASS},
    "PATTERN": {
        "name": _KIND,
        "regex": {"type": "string", "maxLength": patterns.LONGEST},
        "class": _CLASS,
        "validator": {"enum": list(VALIDATORS)},
        "examples": _some(_TEXT),
    },
    "COMPLEXITY": dict.fromkeys(schema.COMPLEXITY.keys, _SHARE),
    "RULE": {"name": _NAME, "when": _ref("CONDITION"), **_ROUTES},
    "OTHERWISE": _ROUTES,
    "ROUTE": {
        "to": _NAME,
        "weight": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "mask": _some({"anyOf": [{"enum": sorted(MASKABLE_KINDS)}, _KIND]}),
        **_TIMES,
        "retries": _RETRIES,
        "max_cost_usd": _LIMIT,
    },
    "SHADOW": {"to": _NAME, "share": _PERCENT},
    "TIMEOUTS": _TIMES,
    "BOUNDS": dict.fromkeys(schema.BOUNDS.keys, _whole(0)),
    "TIME": {"days": _words(DAYS), "from": _CLOCK, "to": _CLOCK, "time_zone": _WORD},
    "INVARIANT": {"never": _ref("PROMISE"), "only": _ref("PROMISE"), "always": _ref("ALWAYS")},
    "REACHES": {
        "zone": _some(_NAME),
        "region": _some(_TEXT),
        "retention": _some(_RETENTION),
        "backend": _some(_NAME),
    },
    "TEST": {"name": _TEXT, "given": _ref("GIVEN"), "expect": _ref("EXPECT")},
    "GIVEN": {
        "prompt": _TEXT,
        "sensitivity": _CLASS,
        "complexity": _TIER,
        "task": _TASK,
        "findings": _KINDS,
        "unreadable": _FLAG,
        "endpoint": {"enum": [*ENDPOINTS, "unknown"]},
        "caller": _NAME,
        "model": _WORD,
        "needs": _words(NEEDS),
        "stream": _FLAG,
        "prompt_tokens": _whole(0),
        "max_tokens": _whole(0),
        "draw": {"type": "integer", "minimum": 0, "maximum": 9_999},
        "at": _WORD,
        "down": _some(_NAME),
        "saturated": _some(_NAME),
    },
    "EXPECT": {
        "rule": _NAME,
        "backends": _some(_NAME),
        "refused": {"enum": [True, *REFUSAL_CODES]},
        "zone_not": _some(_NAME),
        "sensitivity": _CLASS,
        "complexity": _TIER,
        "shadow": _NAME,
    },
}
_ALONE = ("ROUTE",)
"""A backend's name may stand for the mapping."""


def json_schema() -> Node:
    """Draft 2020-12."""
    shapes = {name: shape for name, shape in vars(schema).items() if isinstance(shape, schema.Shape)}
    defs = {name: _of_shape(shape, _FORMS[name]) for name, shape in shapes.items() if name != "POLICY"}
    defs |= {name: {"anyOf": [_NAME, defs[name]]} for name in _ALONE}
    defs["INVARIANT"] = {**defs["INVARIANT"], "minProperties": 1, "maxProperties": 1}
    defs["SATURATED_AT"] = {**defs["SATURATED_AT"], "minProperties": 1}
    defs["CONDITION"] = {**_of_shape(SHAPE, _CONDITION), "minProperties": 1}
    promise = schema.Shape(required=("reaches",), optional=SHAPE.keys)
    forms = {**_CONDITION, "reaches": _ref("REACHES"), "charged_to": _NAME}
    defs["PROMISE"], defs["ALWAYS"] = _of_shape(promise, forms), _of_shape(ALWAYS, forms)
    policy = _of_shape(schema.POLICY, _FORMS["POLICY"])
    return {"$schema": ID, "title": "A routing policy of hybrid-gateway", **policy, "$defs": defs}


def _of_shape(shape: schema.Shape, forms: Mapping[str, Node]) -> Node:
    node: dict[str, object] = {
        "type": "object",
        "properties": {key: forms[key] for key in shape.keys},
        "additionalProperties": False,
    }
    return {**node, "required": list(shape.required)} if shape.required else node
