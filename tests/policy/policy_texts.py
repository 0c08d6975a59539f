"""Random valid policies as YAML text, and random requests, verdicts and fleets for them to decide about."""

from collections.abc import Callable
from typing import Any

import msgspec
import yaml
from hypothesis import reject
from hypothesis import strategies as st

from gateway.core.capabilities import CANNOT, TELL_THEIR_QUEUE
from gateway.core.errors import ConfigError
from gateway.core.types import (
    ANONYMOUS,
    BackendKind,
    BackendState,
    Caller,
    Endpoint,
    Envelope,
    Finding,
    Need,
    Sensitivity,
    Tier,
    Verdict,
)
from gateway.policy.load import load
from gateway.policy.model import Policy
from gateway.policy.space import OWN_NEED
from gateway.policy.vocabulary import FINDING_KINDS

CLASSES = ("public", "internal", "confidential", "restricted")
TIERS = ("simple", "medium", "hard")
ENDPOINTS = tuple(each.value for each in Endpoint if each is not Endpoint.UNKNOWN)
KINDS = tuple(sorted(FINDING_KINDS))
NEEDS = tuple(need.value for need in Need)
ZONES = ("home", "abroad", "moon")
BACKENDS = ("ant", "bee", "cat")
ALIASES = ("gpt-4o", "gpt-5", "old/name:1", "older")
CALLERS = {"billing": ("finance", ("batch", "night")), "website": ("growth", ()), "robot": ("", ("batch",))}
TIMES = {
    "office": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:30", "time_zone": "Europe/Rome"},
    "night": {"from": "22:00", "to": "06:00", "time_zone": "America/New_York"},
    "friday-night": {"days": "fri", "from": "20:00", "to": "04:00"},
}
TOKENS = st.sampled_from([0, 1, 9, 10, 11, 100, 5000])


class Plain(yaml.SafeDumper):
    """Writes everything out: policies know no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def text_of(policy: dict[str, Any]) -> bytes:
    return yaml.dump(policy, Dumper=Plain, sort_keys=False, allow_unicode=True).encode()


def some(values: Any, most: int = 3) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


def one_or_some(values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values) | some(values)


def bounds(levels: Any) -> st.SearchStrategy[dict[str, Any]]:
    """`at_least`, `at_most` or both, never crossed."""
    pairs = st.lists(st.sampled_from(levels), min_size=2, max_size=2).map(lambda pair: sorted(pair, key=levels.index))
    both = pairs.map(lambda pair: {"at_least": pair[0], "at_most": pair[1]})
    return st.one_of(
        both, both.map(lambda each: {"at_least": each["at_least"]}), both.map(lambda each: {"at_most": each["at_most"]})
    )


def conditions(
    aliases: tuple[str, ...], depth: int = 2, names: tuple[str, ...] = ()
) -> st.SearchStrategy[dict[str, Any]]:
    asks: dict[str, st.SearchStrategy[Any]] = {
        "sensitivity": one_or_some(CLASSES) | bounds(CLASSES),
        "complexity": one_or_some(TIERS) | bounds(TIERS),
        "endpoint": one_or_some(ENDPOINTS),
        "caller": one_or_some(tuple(CALLERS)),
        "team": one_or_some(("finance", "growth")),
        "tag": one_or_some(("batch", "night")),
        "model": one_or_some(("auto", *aliases)),
        "findings": one_or_some(KINDS),
        "needs": one_or_some(NEEDS),
        "stream": st.booleans(),
        "prompt_tokens": bounds((0, 1, 9, 10, 11, 100, 5000)),
        "time": one_or_some(tuple(TIMES)) | st.just({"days": ["sat", "sun"], "time_zone": "Europe/Rome"}),
    }
    if names:
        standings = one_or_some(("up", "down")).filter(lambda said: len(said) != 2 or "up" not in said)
        asks["backend"] = st.dictionaries(st.sampled_from(names), standings, min_size=1)
    if depth:
        part = conditions(aliases, depth - 1, names)
        parts = st.lists(part, min_size=1, max_size=3)
        asks |= {"all": parts, "any": parts, "not": part}
    return st.lists(st.sampled_from(tuple(asks)), min_size=1, max_size=2, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: asks[key] for key in keys})
    )


@st.composite
def backends(draw: st.DrawFn, zones: list[str]) -> dict[str, Any]:
    kind = draw(st.sampled_from(BackendKind))
    model = draw(
        st.sampled_from(["one", {"chat": "one"}, {"embeddings": "vec"}, {"chat": "one", "completions": "old"}])
    )
    backend: dict[str, Any] = {"zone": draw(st.sampled_from(zones)), "kind": kind.value, "model": model}
    backend["urls"] = [f"http://replica-{number}:80" for number in range(draw(st.integers(1, 2)))]
    can = sorted(CANNOT[kind] - {Need.EMBEDDINGS, Need.COMPLETIONS, Need.CHAT, Need.GENERATE})
    if draw(st.booleans()):
        backend["can"] = [draw(st.sampled_from(can)).value]
    if draw(st.booleans()):
        backend["cannot"] = [word for word in draw(some(NEEDS)) if word not in backend.get("can", ())] or "files"
    if draw(st.booleans()):
        backend["price"] = {"input_usd_per_million": 5, "output_usd_per_million": 30}
    if draw(st.booleans()):
        backend["context_tokens"] = draw(st.sampled_from([10, 100]))
    if kind in TELL_THEIR_QUEUE and draw(st.booleans()):
        backend["saturated_at"] = draw(st.sampled_from([{"queue": 8}, {"predicted_wait": "3s"}]))
    if "can" in backend and backend.get("cannot") == "files":
        del backend["can"]
    return backend


@st.composite
def routes(draw: st.DrawFn, names: list[str]) -> dict[str, Any]:
    """What a rule proposes: routes, and timeouts and retries for all of them."""
    route: list[Any] = []
    for name in draw(st.lists(st.sampled_from(names), min_size=1, unique=True)):
        own = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "first_byte": st.just("2s"),
                    "total": st.just("50s"),
                    "retries": st.just(3),
                    "max_cost_usd": st.just(0.0001),
                },
            )
        )
        route.append({"to": name, **own} if own or draw(st.booleans()) else name)
    weighed = draw(st.sampled_from([0, 0, 2, 3]))
    if 2 <= weighed <= len(route):  # those without a weight come after
        named = [each if isinstance(each, dict) else {"to": each} for each in route]
        route = [{**each, "weight": draw(st.sampled_from([1, 5, 95]))} for each in named[:weighed]] + route[weighed:]
    is_weighed = 2 <= weighed <= len(route)
    sticky = {"sticky": draw(st.sampled_from(["caller", "conversation"]))} if is_weighed else {}
    more = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "timeouts": st.sampled_from(
                    [{"first_byte": "4s"}, {"total": "5s"}, {"first_byte": "3s", "total": "90s"}]
                ),
                "retries": st.integers(0, 2),
                "max_cost_usd": st.just(0.001),
            },
        )
    )
    return {"route": route[0] if len(route) == 1 and draw(st.booleans()) else route, **sticky, **more}


def spills(policy: dict[str, Any], rule: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Nothing, or where else the rule may go while its first backend is saturated."""
    route = rule["route"] if isinstance(rule["route"], list) else [rule["route"]]
    first, *rest = (each if isinstance(each, str) else each["to"] for each in route)
    if "saturated_at" not in policy["backends"][first]:
        return st.none()
    others = [name for name in policy["backends"] if name not in (first, *rest)]
    mappings = [{"to": name, "total": "50s"} for name in others]
    return st.sampled_from([None, *rest, *others, *mappings])


def shadows(policy: dict[str, Any], rule: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Nothing, or where copies go."""
    first = rule["route"][0] if isinstance(rule["route"], list) else rule["route"]
    name = first if isinstance(first, str) else first["to"]
    others = [other for other in policy["backends"] if other != name]
    copies = [{"to": other, "share": share} for other in others for share in ("0.01%", "100%")]
    return st.sampled_from([None, None, *copies])


labellings = st.fixed_dictionaries(
    {"kinds": st.dictionaries(st.sampled_from(KINDS), st.sampled_from(CLASSES))},
    optional={key: st.sampled_from(CLASSES) for key in ("default", "unlisted", "unreadable")},
)
thresholds = st.fixed_dictionaries({"medium_from": st.sampled_from([0, 0.3, 0.4]), "hard_from": st.just(0.4)})


def budgets(zones: list[str], names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    scopes = st.fixed_dictionaries(
        {}, optional={"zone": one_or_some(zones), "backend": one_or_some(names), "tag": one_or_some(("batch", "night"))}
    )
    return st.fixed_dictionaries(
        {"limit_usd": st.sampled_from([0, 0.5, 1000]), "window": st.sampled_from(["hour", "month", "90m", "30d"])},
        optional={
            "scope": scopes,
            "each": st.sampled_from(["caller", "team"]),
            "hard": st.booleans(),
            "on_exhausted": st.sampled_from(["downgrade", "reject", "queue"]),
            "wait": st.sampled_from(["0s", "250ms"]),
        },
    )


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    zones = draw(st.lists(st.sampled_from(ZONES), min_size=1, unique=True))
    names = draw(st.lists(st.sampled_from(BACKENDS), min_size=1, unique=True))
    policy: dict[str, Any] = {
        "apiVersion": "gateway/v1",
        "kind": "RoutingPolicy",
        "metadata": {"name": "random"},
        "zones": {zone: {"clearance": draw(st.sampled_from(CLASSES))} for zone in zones},
        "backends": {name: draw(backends(zones)) for name in names},
        "callers": {
            name: {"key": "${KEY:-}", **({"team": team} if team else {}), **({"tags": list(tags)} if tags else {})}
            for name, (team, tags) in CALLERS.items()
        },
    }
    policy["times"] = TIMES
    aliases: dict[str, str] = {}
    for name in draw(st.lists(st.sampled_from(ALIASES), unique=True)):
        aliases[name] = draw(st.sampled_from(["auto", "auto", *names, *aliases]))
    if aliases:
        policy["models"] = aliases
    free = tuple(name for name in aliases if end(aliases, name) == "auto")
    asked = draw(st.lists(conditions(free, names=tuple(names)), max_size=4, unique_by=repr))
    policy["rules"] = [{"name": f"r{number}", "when": when, **draw(routes(names))} for number, when in enumerate(asked)]
    policy["otherwise"] = draw(routes(names))
    for rule in (*policy["rules"], policy["otherwise"]):
        if "sticky" not in rule and (spill := draw(spills(policy, rule))):
            rule["spill"] = spill
        if shadow := draw(shadows(policy, rule)):
            rule["shadow"] = shadow
    if draw(st.booleans()):
        policy["classify"] = {"sensitivity": draw(labellings), "complexity": draw(thresholds)}
    if draw(st.booleans()):
        policy["budgets"] = draw(st.dictionaries(st.sampled_from(("all", "day")), budgets(zones, names), min_size=1))
    if draw(st.booleans()):
        policy["unknown_routes"] = draw(st.sampled_from(names))
    return policy


def end(aliases: dict[str, str], name: str) -> str:
    return end(aliases, aliases[name]) if name in aliases else name


envelopes = st.builds(
    Envelope,
    id=st.just("req_1"),
    caller=st.sampled_from([ANONYMOUS, *(Caller(name, team, tags) for name, (team, tags) in CALLERS.items())]),
    endpoint=st.sampled_from(Endpoint),
    method=st.just("POST"),
    path=st.just("/v1/x?secret=1"),
    model=st.sampled_from(["", "auto", *ALIASES, *BACKENDS, "never-heard-of"]),
    stream=st.booleans(),
    needs=st.frozensets(st.sampled_from(Need), max_size=2),
    prompt_tokens=TOKENS,
    max_tokens=st.none() | TOKENS,
    draws=st.none() | st.tuples(st.integers(0, 9999), st.integers(0, 9999)),
    received_at=st.just(0.0) | st.floats(1.7e9, 1.9e9),
    deadline_s=st.just(600.0),
    body=st.just(b"{}"),
    document=st.just({}),
)
verdicts = st.builds(
    Verdict,
    sensitivity=st.sampled_from(Sensitivity),
    complexity=st.just(0.5),
    tier=st.sampled_from(Tier),
    findings=some((*KINDS, "of_tomorrow")).map(lambda kinds: tuple(Finding(kind, 1, 0.9) for kind in kinds))
    | st.just(()),
)
states = st.dictionaries(
    st.sampled_from(BACKENDS),
    st.builds(
        BackendState,
        is_up=st.booleans(),
        reason=st.just("probe failed"),
        context_tokens=st.none() | TOKENS,
        is_saturated=st.booleans(),
    ),
)


@st.composite
def honest(draw: st.DrawFn) -> Callable[[Policy], tuple[Envelope, Verdict, dict[str, BackendState]]]:
    """A request as the gateway would read and classify it under a policy, and a fleet."""
    envelope, fleet = draw(envelopes), draw(states)
    needs = frozenset({OWN_NEED[envelope.endpoint]} | (envelope.needs - frozenset(OWN_NEED.values())))
    kinds = draw(st.sets(st.sampled_from((*KINDS, "of_tomorrow")), max_size=2))
    unknown, score = draw(st.sampled_from(["", "unreadable", "on_error"])), draw(st.sampled_from([0.0, 0.35, 1.0]))

    def under(policy: Policy) -> tuple[Envelope, Verdict, dict[str, BackendState]]:
        labelling = policy.labelling
        levels = [labelling.default, *(labelling.kinds.get(kind, labelling.unlisted) for kind in kinds)]
        level = max([*levels, getattr(labelling, unknown)] if unknown else levels)
        tier = Tier((score >= labelling.medium_from) + (score >= labelling.hard_from))
        findings = tuple(Finding(kind, 1, 0.9) for kind in sorted(kinds))
        model = envelope.model if policy.knows_model(envelope.model) else "auto"  # accepting has refused it before
        return msgspec.structs.replace(envelope, needs=needs, model=model), Verdict(level, score, tier, findings), fleet

    return under


honest_cases = st.lists(honest(), min_size=1, max_size=8).map(lambda made: lambda policy: [one(policy) for one in made])

cases = st.lists(st.tuples(envelopes, verdicts, states), min_size=1, max_size=6)
"""Requests for one policy: loading it costs more than deciding by it."""


def loaded(written: dict[str, Any]) -> Policy:
    try:
        return load(text_of(written), "random.yaml", {})
    except ConfigError as error:
        if "can never match" not in str(error):
            raise
        reject()
