"""A policy in plain English, for whoever signs for it; tied to the digest of the file."""

from collections.abc import Iterator

from gateway.core.types import Route, Sensitivity
from gateway.policy.facts import copy_words, masked_words, max_cost_words, saturation_words, split_words
from gateway.policy.labelling import kinds_of
from gateway.policy.model import Policy, Rule
from gateway.policy.verify import verify
from gateway.policy.words import condition_words


def prose(policy: Policy) -> str:
    """Paragraphs under headings, as Markdown."""
    parts = (_title, _places, _classes, _proposals, _promises, _signature)
    return "\n\n".join("\n".join(part(policy)) for part in parts) + "\n"


def _title(policy: Policy) -> Iterator[str]:
    version = f", version {policy.version}" if policy.version else ""
    yield f"# Policy `{policy.name}`{version}"
    yield ""
    files = "the file and those that it names, with this common SHA-256, mean" if policy.files else ""
    owner = policy.owner or "nobody is named"
    yield f"Owner: {owner}. What follows is what {files or 'the file with this SHA-256 means'}:"
    yield f"`{policy.digest}`"


def _places(policy: Policy) -> Iterator[str]:
    yield "## Where data may go"
    yield ""
    for zone in policy.zones.values():
        there = [f"`{spec.name}`" for spec in policy.backends.values() if spec.zone == zone]
        most = "anything" if zone.clearance is max(Sensitivity) else f"nothing above {zone.clearance.label}"
        about = f"region {zone.region or 'not said'}, kept there: {zone.retention}"
        yield f"- Zone `{zone.name}` ({about}) may receive {most}. Backends there: {', '.join(there) or 'none'}."


def _classes(policy: Policy) -> Iterator[str]:
    labelling = policy.labelling
    yield "## What is how sensitive"
    yield ""
    for level in reversed(Sensitivity):
        kinds = [
            f"`{kind}`"
            for kind in sorted(kinds_of(labelling))
            if labelling.kinds.get(kind, labelling.unlisted) is level
        ]
        others = {
            "what cannot be read": labelling.unreadable,
            "what a detector failed on": labelling.on_error,
            "findings that are not listed": labelling.unlisted,
            "whatever nothing is found in": labelling.default,
        }
        said = [*kinds, *(words for words, its_level in others.items() if its_level is level)]
        yield f"- {level.label.capitalize()}: {', '.join(said) or 'nothing'}."
    if labelling.ignored:
        yield f"- Not looked for: {', '.join(f'`{kind}`' for kind in sorted(labelling.ignored))}."
    for lexicon in labelling.lexicons:
        entries = f"any of the {len(lexicon.entries):,} entries of `{lexicon.file}`, SHA-256 `{lexicon.digest}`"
        yield f"- A `{lexicon.name}` is {entries}."
    for pattern in labelling.patterns:
        check = f" and passes `{pattern.validator}`" if pattern.validator else ""
        yield f"- A `{pattern.name}` is what matches `{pattern.regex}`{check}."
    for caller in policy.everyone:
        if (least := labelling.floor(caller)) is not labelling.default:
            yield f"- From caller `{caller.id}`: at least {least.label}, whatever is found."
    yield "- A request may say of itself that it is more sensitive than all this, never that it is less."
    yield ""
    yield (
        f"A request is hard from a score of {labelling.hard_from:g} on, medium from {labelling.medium_from:g}; "
        "one that cannot be scored is hard."
    )


def _proposals(policy: Policy) -> Iterator[str]:
    yield "## Who is asked"
    yield ""
    yield "The first of these that fits counts. Whoever is named first is asked first, the next where that one fails."
    yield "Whatever is said here, nobody receives what the zone may not."
    yield ""
    yield "1. A request that names a backend as its model goes to that one alone."
    paths = f"goes to `{policy.unknown_routes}` alone" if policy.unknown_routes else "is answered with 404"
    yield f"2. A request to a path that the gateway does not know {paths}."
    for number, rule in enumerate(policy.rules, 3):
        backends = ", then ".join(_way(route) for route in rule.routes)
        backends += "" if rule.split is None else f"; {split_words(rule.split)}"
        subject = "Any other request" if rule.when is None else f"A request that is {condition_words(rule.when)}"
        yield f"{number}. {subject} goes to {backends}{_spill(policy, rule)} (rule `{rule.name}`).{_shadow(rule)}"


def _way(route: Route) -> str:
    dear = "" if route.max_cost is None else f" ({max_cost_words(route)})"
    return f"`{route.backend}`{masked_words(route)}{dear}"


def _spill(policy: Policy, rule: Rule) -> str:
    if rule.spill is None:
        return ""
    first = policy.backends[rule.routes[0].backend]
    when = f"while `{first.name}` is saturated ({saturation_words(first)})"
    return f"; {when}, to {_way(rule.spill)} first"


def _shadow(rule: Rule) -> str:
    """A sentence of its own."""
    if rule.shadow is None:
        return ""
    words = copy_words(rule.shadow)
    return f" {words[0].upper()}{words[1:]}, whose answer is thrown away."


def _promises(policy: Policy) -> Iterator[str]:
    """Raises ConfigError where nothing can be proved."""
    yield "## What is promised"
    yield ""
    for proof in verify(policy).proofs:
        sentence = proof.sentence[0].upper() + proof.sentence[1:]
        state = (
            "BROKEN: see `gateway policy check`" if proof.leak else f"proved over {proof.states:,} kinds of requests"
        )
        yield f"- {sentence} ({state})."


def _signature(policy: Policy) -> Iterator[str]:
    yield f"Signed for {policy.digest[:12]}: ______________________ on ____________"
