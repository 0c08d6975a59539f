"""What a policy decides, read off its YAML key by key: slow, plain, and knowing nothing of `gateway.policy`."""

import zlib
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from policy_texts import CLASSES, TIERS, end

from gateway.core.capabilities import CANNOT
from gateway.core.types import BackendKind, BackendState, Endpoint, Envelope, Verdict

DURATIONS = {"2s": 2.0, "3s": 3.0, "4s": 4.0, "5s": 5.0, "50s": 50.0, "90s": 90.0}


Way = tuple[str, float, float, int, float | None]
"""A backend, its times, its retries and what it may cost in dollars."""


class Expected(NamedTuple):
    rule: str
    routes: list[Way]
    struck: list[tuple[str, str]]


def expected(policy: dict[str, Any], envelope: Envelope, verdict: Verdict, states: dict[str, BackendState]) -> Expected:
    rule, proposed = propose(policy, envelope, verdict, states)
    struck = [(route[0], veto(policy, route, envelope, verdict, states.get(route[0]))) for route in proposed]
    kept = [route for route, (_, why) in zip(proposed, struck, strict=True) if why is None]
    return Expected(rule, kept, [(name, why) for name, why in struck if why is not None])


def propose(
    policy: dict[str, Any], envelope: Envelope, verdict: Verdict, states: dict[str, BackendState]
) -> tuple[str, list[Way]]:
    target = end(policy.get("models", {}), envelope.model)
    if target in policy["backends"]:
        return "pinned", [(target, 30.0, 600.0, 0, None)]
    if envelope.endpoint is Endpoint.UNKNOWN:
        named = policy.get("unknown_routes")
        return "unknown-routes", [(named, 30.0, 600.0, 0, None)] if named else []
    for rule in policy["rules"]:
        if holds(rule["when"], policy, envelope, verdict, states):
            return rule["name"], in_order(rule, envelope, states)
    return "otherwise", in_order(policy["otherwise"], envelope, states)


def in_order(rule: dict[str, Any], envelope: Envelope, states: dict[str, BackendState]) -> list[Way]:
    usual = routes(rule)
    if "sticky" in rule:
        tickets = [number for number, each in enumerate(rule["route"]) for _ in range(weight(each))]
        ticket = tickets[drawn(rule["sticky"], envelope) * len(tickets) // 10_000]
        return [usual[ticket], *usual[:ticket], *usual[ticket + 1 :]]
    state = states.get(usual[0][0])
    if "spill" not in rule or state is None or not state.is_saturated:
        return usual
    spill = rule["spill"]
    name = spill if isinstance(spill, str) else spill["to"]
    known = [route for route in usual if route[0] == name]
    extra = known or routes({**rule, "route": [spill]})
    return [*extra, *(route for route in usual if route[0] != name)]


def weight(route: Any) -> int:
    return route.get("weight", 0) if isinstance(route, dict) else 0


def drawn(sticky: str, envelope: Envelope) -> int:
    if envelope.draws is None:
        return zlib.crc32(envelope.id.encode()) % 10_000
    return envelope.draws[0 if sticky == "caller" else 1]


def routes(rule: dict[str, Any]) -> list[Way]:
    listed = rule["route"] if isinstance(rule["route"], list) else [rule["route"]]
    found = []
    for each in listed:
        own = {} if isinstance(each, str) else each
        shared = rule.get("timeouts", {})
        total = DURATIONS[shared["total"]] if "total" in shared else 600.0
        first = DURATIONS[shared["first_byte"]] if "first_byte" in shared else min(30.0, total)
        total = DURATIONS[own["total"]] if "total" in own else total
        first = DURATIONS[own["first_byte"]] if "first_byte" in own else min(first, total)
        retries = own.get("retries", rule.get("retries", 0))
        most = own.get("max_cost_usd", rule.get("max_cost_usd"))
        found.append((each if isinstance(each, str) else each["to"], first, total, retries, most))
    return found


def holds(
    when: dict[str, Any], policy: dict[str, Any], envelope: Envelope, verdict: Verdict, states: dict[str, BackendState]
) -> bool:
    return all(asks(key, wanted, policy, envelope, verdict, states) for key, wanted in when.items())


def asks(
    key: str, wanted: Any, policy: dict[str, Any], envelope: Envelope, verdict: Verdict, states: dict[str, BackendState]
) -> bool:
    match key:
        case "all":
            return all(holds(part, policy, envelope, verdict, states) for part in wanted)
        case "any":
            return any(holds(part, policy, envelope, verdict, states) for part in wanted)
        case "not":
            return not holds(wanted, policy, envelope, verdict, states)
        case "sensitivity":
            return within(CLASSES, verdict.sensitivity.label, wanted)
        case "complexity":
            return within(TIERS, verdict.tier.label, wanted)
        case "prompt_tokens":
            least, most = wanted.get("at_least", 0), wanted.get("at_most", 10**12)
            return bool(least <= envelope.prompt_tokens <= most)
        case "stream":
            return envelope.stream is wanted
        case "model":
            return any(name in listed(wanted) for name in said(policy, envelope.model))
        case "endpoint":
            return envelope.endpoint.value in listed(wanted)
        case "caller":
            return envelope.caller.id in listed(wanted)
        case "team":
            return envelope.caller.team in listed(wanted)
        case "tag":
            return any(tag in listed(wanted) for tag in envelope.caller.tags)
        case "findings":
            return any(finding.kind in listed(wanted) for finding in verdict.findings)
        case "backend":
            return all(standing(states.get(name)) in listed(words) for name, words in wanted.items())
        case "time":
            return any(during(policy, each, envelope.received_at) for each in listed(wanted))
        case "needs":
            return any(need.value in listed(wanted) for need in envelope.needs)
    raise AssertionError(key)


def standing(state: BackendState | None) -> str:
    if state is None:
        return "up"
    return "down" if not state.is_up else "saturated" if state.is_saturated else "up"


def during(policy: dict[str, Any], wanted: Any, at: float) -> bool:
    """Whether this minute is one of those at which it is open, counted from where it opens on each of its days."""
    window = wanted if isinstance(wanted, dict) else policy["times"][wanted]
    here = datetime.fromtimestamp(at, ZoneInfo(window.get("time_zone", "UTC")))
    opens, closes = minutes(window.get("from", "00:00")), minutes(window.get("to", "24:00"))
    length = (closes - opens) % 1440 or 1440
    open_minutes = {
        (day * 1440 + opens + minute) % (7 * 1440)
        for day, word in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
        if word in listed(window.get("days", word))
        for minute in range(length)
    }
    return here.weekday() * 1440 + here.hour * 60 + here.minute in open_minutes


def minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def said(policy: dict[str, Any], name: str) -> list[str]:
    """The client's name, and each that it stands for on the way to `auto`."""
    if name == "":
        return ["auto"]
    names, aliases = [name], policy.get("models", {})
    while aliases.get(names[-1]) in aliases:
        names.append(aliases[names[-1]])
    return names


def listed(wanted: Any) -> list[str]:
    return wanted if isinstance(wanted, list) else [wanted]


def within(levels: tuple[str, ...], level: str, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return level in listed(wanted)
    least, most = wanted.get("at_least", levels[0]), wanted.get("at_most", levels[-1])
    return levels.index(least) <= levels.index(level) <= levels.index(most)


def veto(
    policy: dict[str, Any], way: Way, envelope: Envelope, verdict: Verdict, state: BackendState | None
) -> str | None:
    """The first reason against this route."""
    backend, most = policy["backends"][way[0]], way[4]
    if CLASSES.index(policy["zones"][backend["zone"]]["clearance"]) < verdict.sensitivity:
        return "clearance"
    if lacks(backend) & {need.value for need in envelope.needs}:
        return "capability"
    window = [each for each in (backend.get("context_tokens"), state and state.context_tokens) if each is not None]
    if window and envelope.prompt_tokens + (envelope.max_tokens or 1) > min(window):
        return "context"
    if state is not None and not state.is_up:
        return "health"
    return "cost" if most is not None and is_dear(backend, envelope, window, most) else None


def is_dear(backend: dict[str, Any], envelope: Envelope, window: list[int], most: float) -> bool:
    if "price" not in backend:
        return True
    answer = envelope.max_tokens
    if envelope.endpoint.value in ("embeddings", "tokenize", "chat_tokenize"):
        answer = 0
    elif "several_choices" in {need.value for need in envelope.needs}:
        return True
    elif answer is None and window:
        answer = min(window) - envelope.prompt_tokens
    return answer is None or envelope.prompt_tokens * 5 + answer * 30 > round(most * 1_000_000)


def lacks(backend: dict[str, Any]) -> set[str]:
    usual = {need.value for need in CANNOT[BackendKind(backend["kind"])]}
    lacking = (usual - set(listed(backend.get("can", [])))) | set(listed(backend.get("cannot", [])))
    models = backend["model"] if isinstance(backend["model"], dict) else {"chat": backend["model"]}
    if "embeddings" not in models:
        lacking.add("embeddings")
    if "chat" not in models:
        lacking |= {"chat", "generate"} | ({"completions"} - set(models))
    return lacking
