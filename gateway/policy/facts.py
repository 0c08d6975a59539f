"""What a policy says beside its rules, as plain facts: name of the fact to its value, both in words."""

from collections.abc import Iterator, Mapping

from gateway.core.money import Price, dollars
from gateway.core.types import BackendSpec, Route
from gateway.policy.model import Policy, Rule, Shadowing, Split
from gateway.policy.vocabulary import FINDING_KINDS
from gateway.policy.words import condition_words, invariant_words

_NONE = "none"
_DIGITS = 12  # of a file's digest
_RATES = {
    "input": "in",
    "output": "out",
    "cached_input": "cached",
    "cache_write": "cached anew",
    "input_audio": "heard",
    "input_image": "seen",
    "output_audio": "spoken",
    "reasoning": "thought",
}


def facts(policy: Policy) -> Mapping[str, str]:
    """Everything that a policy means; two policies with the same facts mean the same."""
    return dict(_all(policy))


def price_words(price: Price | None) -> str:
    if price is None:
        return "unknown"
    if price.gpu_hour:
        return f"{dollars(price.gpu_hour)} USD an hour, however much is asked"
    own = ((getattr(price, name), words) for name, words in _RATES.items())
    rates = ", ".join(f"{dollars(rate)} {words}" for rate, words in own if rate is not None)
    long = "" if price.long is None else f"; from {price.long_from + 1:,} prompt tokens {price_words(price.long)}"
    return f"{rates} (USD a million tokens{long})"


def saturation_words(spec: BackendSpec) -> str:
    """From when on; empty: never."""
    limit = spec.saturated_at
    if limit is None:
        return ""
    queue = () if limit.queue is None else (f"{limit.queue} requests wait at each replica",)
    wait_s = limit.predicted_wait_s
    return " or ".join((*queue, *(() if wait_s is None else (f"the next would wait {wait_s:g}s",))))


def route_words(route: Route) -> str:
    again = f", {route.retries} retries" if route.retries else ""
    dear = "" if route.max_cost is None else f", {max_cost_words(route)}"
    times = f"{route.first_byte_s:g}s to the first byte, {route.total_s:g}s in all{again}{dear}"
    return f"`{route.backend}`{masked_words(route)} ({times})"


def _spill(rule: Rule) -> str:
    spill = rule.spill
    return "" if spill is None else f"; while `{rule.routes[0].backend}` is saturated {route_words(spill)} first"


def split_words(split: Split) -> str:
    whose = ", ".join(f"{weight} to `{backend}`" for backend, weight in split.weights.items())
    return f"first, by weight, {whose}, each {split.sticky} always the same"


def _split(rule: Rule) -> str:
    return "" if rule.split is None else f"; {split_words(rule.split)}"


def _shadow(rule: Rule) -> str:
    return "" if rule.shadow is None else f"; {copy_words(rule.shadow)}"


def copy_words(shadow: Shadowing) -> str:
    return f"a copy of {shadow.share / 100:g}% of them goes to `{shadow.route.backend}`"


def max_cost_words(route: Route) -> str:
    return "" if route.max_cost is None else f"for at most {dollars(route.max_cost)} USD"


def masked_words(route: Route) -> str:
    return f" with {', '.join(f'`{kind}`' for kind in route.mask)} masked" if route.mask else ""


def _all(policy: Policy) -> Iterator[tuple[str, str]]:
    yield from (("name", policy.name), ("version", policy.version), ("owner", policy.owner))
    for zone in policy.zones.values():
        yield f"zone `{zone.name}`: clearance", zone.clearance.label
        yield f"zone `{zone.name}`: region", zone.region or _NONE
        yield f"zone `{zone.name}`: retention", zone.retention
    for spec in policy.backends.values():
        yield from ((f"backend `{spec.name}`: {key}", value) for key, value in _backend(spec))
    yield from _labelling(policy)
    for name, target in policy.models.items():
        yield f"model `{name}`", f"`{target}`"
    for caller in policy.everyone:
        tags = " ".join(f"`{tag}`" for tag in caller.tags)
        least = policy.labelling.floor(caller).label
        yield f"caller `{caller.id}`", f"team {caller.team or _NONE}, tags {tags or _NONE}, at least {least}"
    for number, rule in enumerate(policy.rules, 1):
        routes = ", ".join(route_words(route) for route in rule.routes)
        yield (
            f"rule `{rule.name}`",
            f"number {number}: {condition_words(rule.when)} → {routes}{_split(rule)}{_spill(rule)}{_shadow(rule)}",
        )
    yield "unknown paths", f"`{policy.unknown_routes}`" if policy.unknown_routes else "404"
    yield "deadline", f"{policy.deadline_s:g}s"
    yield "baseline", f"`{policy.baseline}`" if policy.baseline else _NONE
    for invariant in policy.invariants:
        yield f"invariant: {invariant_words(invariant)}", "promised"


def _backend(spec: BackendSpec) -> Iterator[tuple[str, str]]:
    yield "zone", f"`{spec.zone.name}`"
    yield "kind", spec.kind.value
    yield "model", ", ".join(f"{endpoint}: {model}" for endpoint, model in spec.models.items() if endpoint)
    yield "addresses", ", ".join(spec.urls) or spec.inference_endpoint or "the provider's own"
    yield "price", price_words(spec.price)
    yield from ((f"price for {endpoint}", price_words(price)) for endpoint, price in spec.prices.items())
    yield "context tokens", f"{spec.context_tokens:,}" if spec.context_tokens else "as the server says"
    yield "cannot", ", ".join(f"`{need}`" for need in sorted(spec.cannot)) or "nothing known"
    yield "saturated", saturation_words(spec) or "never"


def _labelling(policy: Policy) -> Iterator[tuple[str, str]]:
    labelling = policy.labelling
    for lexicon in labelling.lexicons:
        yield f"lexicon `{lexicon.name}`", f"{len(lexicon.entries):,} entries, {lexicon.digest[:_DIGITS]}"
    for pattern in labelling.patterns:
        yield (
            f"pattern `{pattern.name}`",
            f"`{pattern.regex}`" + (f", {pattern.validator}" if pattern.validator else ""),
        )
    for kind in sorted(FINDING_KINDS | set(labelling.own_kinds)):
        yield f"class of `{kind}`", labelling.kinds.get(kind, labelling.unlisted).label
    yield "class where nothing is found", labelling.default.label
    yield "class of other findings", labelling.unlisted.label
    yield "class of what cannot be read", labelling.unreadable.label
    yield "class where a detector fails", labelling.on_error.label
    yield "medium from", f"{labelling.medium_from:g}"
    yield "hard from", f"{labelling.hard_from:g}"
