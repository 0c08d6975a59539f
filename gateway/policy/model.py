"""A policy in memory: what a valid policy file means, ready to decide with."""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from enum import StrEnum

import msgspec

from gateway.core.budgets import Budget, RateLimit
from gateway.core.labelling import Labelling
from gateway.core.labels import Task
from gateway.core.types import (
    ANONYMOUS,
    BackendSpec,
    BackendState,
    Caller,
    Endpoint,
    Envelope,
    Need,
    Route,
    Sensitivity,
    Standing,
    Tier,
    Verdict,
    Zone,
)
from gateway.policy.problems import Place
from gateway.policy.windows import Window

Predicate = Callable[[Envelope, Verdict, Mapping[str, BackendState]], bool]
"""Of a request, what is believed of it, and what is known of the backends; one that nothing is known of is up."""


class Signal(StrEnum):
    """What a condition can ask about. The value is the key in the file."""

    SENSITIVITY = "sensitivity"
    COMPLEXITY = "complexity"
    TASK = "task"
    ENDPOINT = "endpoint"
    CALLER = "caller"
    TEAM = "team"
    TAG = "tag"
    MODEL = "model"
    FINDINGS = "findings"
    NEEDS = "needs"
    STREAM = "stream"
    PROMPT_TOKENS = "prompt_tokens"
    TIME = "time"
    BACKEND = "backend"


class OneOf(msgspec.Struct, frozen=True):
    """The signal's one value is among these. "At least confidential" is written out as its levels."""

    signal: Signal
    values: frozenset[Hashable]


class AnyOf(msgspec.Struct, frozen=True):
    """The signal has several values at once (tags, findings, needs), and one of them is among these."""

    signal: Signal
    values: frozenset[Hashable]


class Between(msgspec.Struct, frozen=True):
    """The prompt tokens are within these bounds, both included."""

    at_least: int | None
    at_most: int | None


class During(msgspec.Struct, frozen=True):
    """The request was received within one of these windows."""

    windows: frozenset[Window]


class Stands(msgspec.Struct, frozen=True):
    """This backend is one of these: up, saturated, down."""

    backend: str
    standings: frozenset[Standing]


class Every(msgspec.Struct, frozen=True):
    """All parts hold."""

    parts: tuple["Condition", ...]


class Some(msgspec.Struct, frozen=True):
    """At least one part holds."""

    parts: tuple["Condition", ...]


class Negated(msgspec.Struct, frozen=True):
    """The part does not hold."""

    part: "Condition"


Condition = OneOf | AnyOf | Between | During | Stands | Every | Some | Negated


class Shadowing(msgspec.Struct, frozen=True):
    """Where copies of a rule's requests go, and what share of them, in hundredths of a percent."""

    route: Route
    share: int


class Sticky(StrEnum):
    """Whose every request goes the same way."""

    CONVERSATION = "conversation"
    CALLER = "caller"


class Split(msgspec.Struct, frozen=True):
    """How often each of these backends is asked first, by weight."""

    weights: Mapping[str, int]
    sticky: Sticky = Sticky.CONVERSATION


class Rule(msgspec.Struct, frozen=True):
    """Proposes its routes, in order, for what it matches. `when` None: everything; `matches` is `when`, compiled.

    `spill` goes before all others while the backend of the first route is saturated.
    """

    name: str
    when: Condition | None
    routes: tuple[Route, ...]
    matches: Predicate
    spill: Route | None = None
    shadow: Shadowing | None = None
    split: Split | None = None

    @property
    def spilled(self) -> tuple[Route, ...]:
        """The routes while the first backend is saturated; empty: as always."""
        spill = self.spill
        return () if spill is None else (spill, *(route for route in self.routes if route.backend != spill.backend))

    @property
    def ways(self) -> tuple[Route, ...]:
        """Every route that it may propose, once."""
        return tuple(dict.fromkeys((*self.routes, *self.spilled)))


class Promise(StrEnum):
    """What an invariant says of the requests it speaks of. The value is the key in the file."""

    NEVER = "never"  # none of their routes leads there
    ONLY = "only"  # all of their routes lead there
    ALWAYS = "always"  # while everything is up, one of their routes leads there
    CHARGED = "charged_to"  # a budget pays for each of their routes that leads there


class Invariant(msgspec.Struct, frozen=True):
    """A promise about every request that `when` matches, proved before the policy is served.

    `backends` are those that `reaches` selects, and `destination` is the same in words. `budget` is the one that pays.
    """

    promise: Promise
    when: Condition | None
    matches: Predicate
    backends: frozenset[str]
    destination: str
    place: Place
    budget: Budget | None = None

    def is_broken_by(self, backend: str) -> bool:
        """Whether no request that it speaks of may have a route to this backend, whatever else is true."""
        if self.promise is Promise.NEVER:
            return backend in self.backends
        return self.promise is Promise.ONLY and backend not in self.backends


class Given(msgspec.Struct, frozen=True):
    """The request of a case, as its author describes it: a prompt to be classified, or what is believed of one.

    What is believed counts more than what a prompt gives. None: as the prompt gives it, or as it is of a plain request.
    """

    prompt: str | None
    sensitivity: Sensitivity | None
    tier: Tier | None
    task: Task | None
    findings: frozenset[str]
    is_unreadable: bool
    endpoint: Endpoint
    caller: Caller
    model: str
    needs: frozenset[Need]
    stream: bool
    prompt_tokens: int | None
    max_tokens: int | None
    draw: int
    at: float
    down: frozenset[str]
    saturated: frozenset[str]


class Expected(msgspec.Struct, frozen=True):
    """What a case demands of the decision; None: nothing. `refused` is a code, or "true" for any;
    `shadow` is empty for none."""

    rule: str | None
    backends: tuple[str, ...] | None
    refused: str | None
    zone_not: frozenset[str]
    sensitivity: Sensitivity | None
    tier: Tier | None
    shadow: str | None


class Case(msgspec.Struct, frozen=True):
    """One of the file's own tests."""

    name: str
    given: Given
    expected: Expected
    place: Place


class ModelChoice(msgspec.Struct, frozen=True):
    """What a client's model name asks for: a backend (pinned), nothing in particular (auto), or nothing we know."""

    backend: str | None = None
    is_unknown: bool = False

    @property
    def is_auto(self) -> bool:
        return self.backend is None and not self.is_unknown


_UNKNOWN = ModelChoice(is_unknown=True)


class Policy(msgspec.Struct, frozen=True):
    """The policy file's meaning. `digest` is the SHA-256 of its text, and of the `files` that it names;
    `text_digest` of its text alone.

    `models` maps a client's name to "auto" or a backend, aliases followed; `choices` is the same with the backends'
    own names and "auto". `callers` maps the SHA-256 of a key to its caller; `is_open`: the file lists no callers, so
    anyone may ask; `everyone` is each caller, whether or not the environment gives a key. `rules` ends with
    `otherwise`; `cases` are the file's own tests. `places` says where each rule stands in the file, by name.
    `missing_secrets`: sentences about references to secrets that the environment does not give; a policy with any can
    be checked but not served.
    """

    name: str
    version: str
    owner: str
    digest: str
    zones: Mapping[str, Zone]
    backends: Mapping[str, BackendSpec]
    models: Mapping[str, str]
    choices: Mapping[str, ModelChoice]
    callers: Mapping[str, Caller]
    everyone: tuple[Caller, ...]
    is_open: bool
    budgets: Mapping[str, Budget]
    rate_limits: tuple[RateLimit, ...]
    labelling: Labelling
    rules: tuple[Rule, ...]
    unknown_routes: str | None
    deadline_s: float
    baseline: str | None
    invariants: tuple[Invariant, ...]
    cases: tuple[Case, ...]
    places: Mapping[str, Place]
    missing_secrets: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    text_digest: str = ""

    def resolve_model(self, name: str) -> ModelChoice:
        """What the client's `model` asks for; the empty string (it said nothing) is "auto"."""
        return self.choices.get(name, _UNKNOWN)

    def knows_model(self, name: str) -> bool:
        return name in self.choices

    @property
    def is_split(self) -> bool:
        """Whether a rule has weights, so that draws have to be known."""
        return any(rule.split is not None for rule in self.rules)

    @property
    def masks(self) -> tuple[tuple[str, ...], ...]:
        """Each way in which a route masks, once."""
        return tuple(dict.fromkeys(route.mask for rule in self.rules for route in rule.ways if route.mask))

    @property
    def spilling(self) -> tuple[str, ...]:
        """The backends whose being saturated some rule asks about, once."""
        return tuple(dict.fromkeys(rule.routes[0].backend for rule in self.rules if rule.spill is not None))

    def caller_for(self, key: str | None) -> Caller | None:
        """Who has this key; None: nobody, refuse. Only digests are compared."""
        if self.is_open:
            return ANONYMOUS
        return None if key is None else self.callers.get(key_digest(key))


def key_digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
