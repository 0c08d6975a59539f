"""The nouns: a request becomes an Envelope, is given a Verdict, gets a Decision, and leaves a Record.

Every noun is immutable. Fields that hold what people wrote are kept out of `repr`, so that no log line, traceback or
test failure can print them by accident.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any

import msgspec

from gateway.core.labels import Task
from gateway.core.load import SaturatedAt
from gateway.core.money import NanoUSD, Price
from gateway.core.tracing import Trace


class Sensitivity(IntEnum):
    """The four data classes, ordered: "at least confidential" is `>= Sensitivity.CONFIDENTIAL`."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3

    @cached_property
    def label(self) -> str:
        return self.name.lower()


class Tier(IntEnum):
    """How much a request needs the strong model."""

    SIMPLE = 0
    MEDIUM = 1
    HARD = 2

    @cached_property
    def label(self) -> str:
        return self.name.lower()


class Dialect(StrEnum):
    """The wire format a client speaks; errors and streams go back in the same one."""

    OPENAI = "openai"
    TGI = "tgi"


class Endpoint(StrEnum):
    """What the client called. The value is the word used in policies, records and metrics."""

    CHAT = "chat"  # POST /v1/chat/completions
    COMPLETIONS = "completions"  # POST /v1/completions
    EMBEDDINGS = "embeddings"  # POST /v1/embeddings
    GENERATE_ROOT = "generate_root"  # TGI: POST /
    GENERATE = "generate"  # TGI: POST /generate
    GENERATE_STREAM = "generate_stream"  # TGI: POST /generate_stream
    TOKENIZE = "tokenize"  # TGI: POST /tokenize
    CHAT_TOKENIZE = "chat_tokenize"  # TGI: POST /chat_tokenize
    UNKNOWN = "unknown"  # every other /v1/* path and method: passed through

    @property
    def dialect(self) -> Dialect:
        return Dialect.TGI if self in _TGI_ENDPOINTS else Dialect.OPENAI


_TGI_ENDPOINTS = frozenset(
    {
        Endpoint.GENERATE_ROOT,
        Endpoint.GENERATE,
        Endpoint.GENERATE_STREAM,
        Endpoint.TOKENIZE,
        Endpoint.CHAT_TOKENIZE,
    }
)


class Need(StrEnum):
    """Something a request asks for that not every backend can do (see `gateway.core.capabilities`)."""

    TOOLS = "tools"
    PARALLEL_TOOL_CALLS = "parallel_tool_calls"
    TOOLS_WITH_RESPONSE_FORMAT = "tools_with_response_format"
    JSON_OBJECT = "json_object"  # JSON mode without a schema
    JSON_SCHEMA = "json_schema"
    REGEX = "regex"  # TGI's regex grammar
    SEVERAL_CHOICES = "several_choices"  # n > 1
    LOGIT_BIAS = "logit_bias"
    MANY_LOGPROBS = "many_logprobs"  # top_logprobs > 5
    MANY_STOPS = "many_stops"  # more than 4 stop sequences
    IMAGES = "images"
    AUDIO = "audio"
    FILES = "files"
    WEB_SEARCH = "web_search"
    LARGE_BODY = "large_body"  # over 2,000,000 bytes
    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    GENERATE = "generate"  # TGI's own generation, native or translated
    TOKENIZE = "tokenize"
    PASSTHROUGH = "passthrough"  # a route the gateway does not know


class BackendKind(StrEnum):
    """The dialect a backend speaks."""

    OPENAI = "openai"
    TGI = "tgi"
    VLLM = "vllm"
    SGLANG = "sglang"
    LITELLM = "litellm"


class Caller(msgspec.Struct, frozen=True):
    """Who asks. `id` is the name in the policy, never the key.

    `sensitivity`: the class that its requests have at least; None: the policy says nothing of this caller.
    `zones`: where the key that it came with may lead; empty: wherever the policy does.
    """

    id: str
    team: str = ""
    tags: tuple[str, ...] = ()
    sensitivity: Sensitivity | None = None
    zones: tuple[str, ...] = ()


ANONYMOUS = Caller(id="anonymous")


class Envelope(msgspec.Struct, frozen=True):
    """One accepted request.

    `body` is what the client sent, byte for byte; `document` is the same parsed once (None: could not be read, so its
    content counts as `unreadable`; an empty body is the empty dict). `path` includes the query string. `model` is what
    the client asked for ("" = nothing). `prompt_tokens` is an estimate. `max_tokens` is the client's bound, None where
    it gave none. `received_at` is seconds since the epoch; `deadline_s` bounds the whole chain of attempts, seconds.
    """

    id: str
    caller: Caller
    endpoint: Endpoint
    method: str
    path: str
    model: str
    stream: bool
    needs: frozenset[Need]
    prompt_tokens: int
    max_tokens: int | None
    received_at: float
    deadline_s: float
    body: bytes
    document: Any
    draws: tuple[int, int] | None = None  # of 10,000: what caller and conversation drew, where the policy has weights
    headers: tuple[tuple[bytes, bytes], ...] = ()  # the client's, lower-case names; only an allow-list ever goes on
    trace: Trace | None = None
    keeps_usage: bool = False  # a stream's usage was asked for by the gateway, and is not the client's

    def __repr__(self) -> str:
        return f"Envelope(id={self.id!r}, endpoint={self.endpoint.value!r}, model=…, body=<{len(self.body)} bytes>)"

    @property
    def decision_id(self) -> str:
        return "dec" + self.id[3:]  # ids are "req_…"


class Finding(msgspec.Struct, frozen=True):
    """A detector's hits of one kind. Never the matched text. `confidence` in 0..1."""

    kind: str
    count: int
    confidence: float


class Basis(StrEnum):
    """What a request's class rests on; where two things give the same class, the first of these counts."""

    FINDINGS = "findings"
    UNKNOWN = "unknown"  # something could not be read, or a detector failed
    DEFAULT = "default"  # the least that the policy gives to anything
    CALLER = "caller"  # the least that the policy gives to this caller, or to one of its tags
    REQUEST = "request"  # what the request says of itself


class Verdict(msgspec.Struct, frozen=True):
    """What we believe about a request.

    `basis` is what the sensitivity rests on, `declared` the class that the request gives itself (None: it gives none).

    `complexity` is the score in 0..1 (need for the strong model). `unknown` says in words what could not be known and
    was therefore given the strictest value ("detector `card` failed", "body could not be read"). `weights` begins the
    digest of the weights that gave the score.
    """

    sensitivity: Sensitivity
    complexity: float
    tier: Tier
    findings: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()
    weights: str = ""
    basis: Basis = Basis.DEFAULT
    declared: Sensitivity | None = None
    task: Task = Task.CHAT


class Masking(msgspec.Struct, frozen=True):
    """What is believed of a request once these kinds are masked in it: the verdict on what would be sent."""

    kinds: tuple[str, ...]
    verdict: Verdict


class Zone(msgspec.Struct, frozen=True):
    """Where data may physically go, and the most sensitive class it may receive."""

    name: str
    clearance: Sensitivity
    region: str = ""
    retention: str = "unknown"


class BackendSpec(msgspec.Struct, frozen=True):
    """One LLM service as the policy declares it.

    `urls` are roots without `/v1`, one a replica. `models` maps an endpoint word ("chat", "completions", "embeddings")
    to the name the service knows; the empty string as key is the default for generation. `context_tokens` None: not
    declared (TGI tells it by /info). `api_key` is resolved from the environment and kept out of `repr`.
    """

    name: str
    kind: BackendKind
    zone: Zone
    urls: tuple[str, ...]
    models: Mapping[str, str]
    price: Price | None = None
    prices: Mapping[str, Price] = {}  # of endpoints that have one of their own, by endpoint word
    context_tokens: int | None = None
    api_key: str | None = None
    organization: str | None = None
    health_path: str | None = None  # None: the kind's own
    inference_endpoint: str | None = None  # "namespace/name" at Hugging Face; then `urls` may be empty
    cannot: frozenset[Need] = frozenset()  # final: the kind's own (core.capabilities), as the policy amends it
    saturated_at: SaturatedAt | None = None  # None: it never counts as saturated
    max_output_tokens: int | None = None  # of answers that a budget pays for, where the client gives no bound

    def __repr__(self) -> str:
        return f"BackendSpec(name={self.name!r}, kind={self.kind.value!r}, zone={self.zone.name!r})"

    def model_for(self, endpoint: Endpoint) -> str | None:
        """The service's own model name for this endpoint; None where it serves none."""
        if endpoint is Endpoint.EMBEDDINGS:
            return self.models.get("embeddings")
        if endpoint is Endpoint.COMPLETIONS and "completions" in self.models:
            return self.models["completions"]
        return self.models.get("chat")

    def price_for(self, endpoint: Endpoint) -> Price | None:
        """What it costs here; None: unknown, which is not nothing."""
        return self.prices.get(endpoint, self.price) if self.prices else self.price


class Route(msgspec.Struct, frozen=True):
    """One way a request may go: a backend and how to treat it on the way. Times in seconds.

    `mask`: kinds of findings, sorted, that this way is taken without: placeholders go in their stead.
    """

    backend: str
    first_byte_s: float = 30.0
    total_s: float = 600.0
    retries: int = 0
    mask: tuple[str, ...] = ()
    max_cost: NanoUSD | None = None  # what an attempt may cost at most

    def patience_s(self, stream: bool) -> float:
        """How long one attempt may take to be in hand: a stream with its first byte, a whole answer with its last."""
        return self.first_byte_s if stream else self.total_s


class Standing(StrEnum):
    """How a backend is, in one word: the vocabulary of the states that decisions are made in."""

    UP = "up"
    SATURATED = "saturated"  # up, but whoever comes now waits longer than the policy wants
    DOWN = "down"


class BackendState(msgspec.Struct, frozen=True):
    """What the fleet knows of a backend at this moment; `reason` is filled where it is down or saturated."""

    is_up: bool
    reason: str = ""
    context_tokens: int | None = None
    is_saturated: bool = False

    @property
    def standing(self) -> Standing:
        if not self.is_up:
            return Standing.DOWN
        return Standing.SATURATED if self.is_saturated else Standing.UP


UP = BackendState(is_up=True)
"""All that is known of a backend that has not been looked at yet: a wrong guess costs one failed attempt."""


class Veto(StrEnum):
    """Why a route was struck out: the closed vocabulary of reasons."""

    CLEARANCE = "clearance"
    CAPABILITY = "capability"
    CONTEXT = "context"
    HEALTH = "health"
    COST = "cost"
    CALLER = "caller"


class Exclusion(msgspec.Struct, frozen=True):
    """One veto's reason, with the detail a person needs. The detail never holds request text."""

    veto: Veto
    detail: str


class Decision(msgspec.Struct, frozen=True):
    """Ordered routes (best first; empty = refused), the rule that proposed them, and every route struck out with why.

    `excluded` holds (backend name, exclusion) in the order proposed. `spilled_from`: the backend that would have been
    first, had it not been saturated. `shadow`: where a copy goes once this is answered.
    """

    routes: tuple[Route, ...]
    rule: str
    excluded: tuple[tuple[str, Exclusion], ...] = ()
    policy_digest: str = ""
    spilled_from: str = ""
    shadow: Route | None = None
