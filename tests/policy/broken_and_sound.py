"""Policies that are broken on purpose, each with what must be found, and policies that are sound.

Each is the small policy of the tests with a few texts replaced.
"""

END = "deadline: 2m\n"
HARD = "  - name: hard\n"
UNKNOWN = "unknown_routes: frontier\n"
OTHERWISE = "  route: [local, frontier]\n"
LABELS = "    default: public\n"


def signed(*invariants: str) -> tuple[str, str]:
    return END, END + "invariants:\n" + "".join(f"  - {each}\n" for each in invariants)


def above_hard(rule: str) -> tuple[str, str]:
    return HARD, f"  - {rule}\n{HARD}"


def budget(written: str) -> tuple[str, str]:
    return "classify:\n", f"budgets: {{{written}}}\nclassify:\n"


SATURATES = ("    context_tokens: 8192\n", "    context_tokens: 8192\n    saturated_at: {queue: 8}\n")
NEVER_CONFIDENTIAL = "never: {sensitivity: {at_least: confidential}, reaches: {zone: openai}}"
OPEN = ("clearance: internal, retention", "clearance: restricted, retention")
NO_UNKNOWN = (UNKNOWN, "")

BROKEN: dict[str, tuple[list[tuple[str, str]], str, str]] = {
    "a fallback to a zone of too much clearance": (
        [OPEN, ("route: [local]\n", "route: [local, frontier]\n"), signed(NEVER_CONFIDENTIAL)],
        "broken-invariant",
        "`frontier`",
    ),
    "a privacy rule below the rule that sends out": (
        [OPEN, above_hard("{name: tools, when: {needs: tools}, route: [frontier]}"), signed(NEVER_CONFIDENTIAL)],
        "broken-invariant",
        "`openai`, cleared for restricted",
    ),
    "a pin around every rule": (
        [OPEN, NO_UNKNOWN, signed("only: {sensitivity: restricted, reaches: {zone: on_prem}}")],
        "broken-invariant",
        "rule:    `pinned` → `frontier`",
    ),
    "unknown paths that leave": (
        [
            NO_UNKNOWN,
            (END, "unknown_routes: frontier\n" + END),
            signed("only: {needs: passthrough, reaches: {zone: on_prem}}"),
        ],
        "broken-invariant",
        "`unknown`",
    ),
    "a caller whose data must stay": (
        [signed("never: {caller: billing, reaches: {zone: openai}}")],
        "broken-invariant",
        "from caller `billing`",
    ),
    "a team forgotten by a rule about its batch jobs": (
        [
            ("  - name: private\n", "  - {name: batch, when: {tag: batch}, route: [local]}\n  - name: private\n"),
            signed("never: {team: finance, reaches: {zone: openai}}"),
        ],
        "broken-invariant",
        "from caller `billing`",
    ),
    "a finding whose class is too low": (
        [("card: restricted", "card: internal"), signed("never: {findings: card, reaches: {zone: openai}}")],
        "broken-invariant",
        "internal (`card`)",
    ),
    "what cannot be read counts as public": (
        [(LABELS, LABELS + "    unreadable: public\n")],
        "lax-unknown",
        "public (the body could not be read)",
    ),
    "what nobody has listed counts as public": (
        [(LABELS, LABELS + "    unlisted: public\n")],
        "lax-unknown",
        "public (a finding of another kind)",
    ),
    "images that leave although nobody sees into them": (
        [
            (LABELS, LABELS + "    unreadable: internal\n"),
            above_hard("{name: eyes, when: {needs: images}, route: [frontier]}"),
            signed("never: {needs: images, reaches: {zone: openai}}"),
        ],
        "broken-invariant",
        "in need of `images`",
    ),
    "a region promised and not kept": (
        [
            ("retention: 30d}", "retention: 30d, region: us}"),
            signed("only: {tag: batch, reaches: {backend: local}}"),
        ],
        "broken-invariant",
        "zone:    `openai`",
    ),
    "a retention promised and not kept": (
        [signed("never: {endpoint: embeddings, reaches: {retention: 30d}}")],
        "broken-invariant",
        "`embeddings`",
    ),
    "a rule that shadows the privacy rule": (
        [
            (
                "  - name: private\n",
                "  - {name: all-of-it, when: {sensitivity: {at_least: public}}, route: [frontier, local]}\n"
                "  - name: private\n",
            ),
        ],
        "dead-rule",
        "rule `all-of-it` above it take all it asks for",
    ),
    "two rules that together shadow a third": (
        [
            above_hard("{name: streams, when: {stream: true}, route: [local]}"),
            (HARD, "  - {name: whole, when: {stream: false}, route: [local]}\n" + HARD),
        ],
        "dead-rule",
        "rules `",
    ),
    "a rule about a class that nothing has": (
        [
            ("default: public", "default: internal"),
            above_hard("{name: open, when: {sensitivity: public}, route: [local]}"),
        ],
        "dead-rule",
        "no request is public",
    ),
    "a rule about a tier that no score has": (
        [
            ("medium_from: 0.3", "medium_from: 0.7"),
            above_hard("{name: middling, when: {complexity: medium}, route: [local]}"),
        ],
        "dead-rule",
        "no request is medium",
    ),
    "a rule that contradicts itself": (
        [above_hard("{name: never, when: {complexity: hard, not: {complexity: hard}}, route: [local]}")],
        "dead-rule",
        "can never match",
    ),
    "a route that no clearance ever allows": (
        [("route: [local]\n", "route: [frontier, local]\n")],
        "dead-route",
        "zone `openai` is cleared for internal, the request is confidential",
    ),
    "a route to a backend that can never do it": (
        [above_hard("{name: words, when: {endpoint: tokenize}, route: [frontier, local]}")],
        "dead-route",
        "cannot do `tokenize`",
    ),
    "a budget that somebody spends beside": (
        [
            budget("openai_daily: {limit_usd: 50, window: day, scope: {team: finance}}"),
            signed("always: {reaches: {zone: openai}, charged_to: openai_daily}"),
        ],
        "broken-invariant",
        "from caller `website`",
    ),
    "a budget that nobody charges": (
        [budget("vectors: {limit_usd: 5, window: day, scope: {backend: local, model: gpt-5.5}}")],
        "idle-budget",
        "nobody charges budget `vectors`",
    ),
    "a spill to where it must not go": (
        [
            SATURATES,
            NO_UNKNOWN,
            ("best: frontier", "best: auto"),
            ("    when: {complexity: hard}\n", "    when: {complexity: hard}\n    spill: frontier\n"),
            ("    route: [{to: frontier, first_byte: 8s, retries: 1}, local]\n", "    route: local\n"),
            signed("never: {complexity: hard, model: auto, reaches: {zone: openai}}"),
        ],
        "broken-invariant",
        "rule:    `hard` →",
    ),
    "a wildcard rule for whoever it forgot": (
        [
            above_hard("{name: anyone-else, when: {not: {caller: billing}}, route: [frontier]}"),
            signed("never: {team: growth, reaches: {zone: openai}}"),
        ],
        "broken-invariant",
        "from caller `website`",
    ),
    "a time window with a hole": (
        [
            NO_UNKNOWN,
            ("best: frontier", "best: auto"),
            ("classify:\n", "times: {day: {from: 07:00, to: 19:00}, night: {from: 19:30, to: 07:00}}\nclassify:\n"),
            above_hard("{name: watched, when: {tag: batch, time: [day, night]}, route: [local]}"),
            signed("never: {tag: batch, model: auto, reaches: {zone: openai}}"),
        ],
        "broken-invariant",
        "19:00 UTC",
    ),
    "a way out while the own server is down": (
        [
            OPEN,
            NO_UNKNOWN,
            (
                "  - name: private\n",
                "  - {name: emergency, when: {backend: {local: down}}, route: [frontier]}\n  - name: private\n",
            ),
            ("best: frontier", "best: auto"),
            signed("never: {sensitivity: restricted, model: auto, reaches: {zone: openai}}"),
        ],
        "broken-invariant",
        "while `local` is down",
    ),
    "sensitive requests that nobody answers although somebody may": (
        [
            ("  - name: private\n    when: {sensitivity: {at_least: confidential}}\n    route: [local]\n", ""),
            (OTHERWISE, "  route: [frontier]\n"),
        ],
        "gap",
        "leaves requests unanswered that `local` may receive",
    ),
}

SOUND: dict[str, list[tuple[str, str]]] = {
    "as it is": [],
    "the clearance in words": [signed(NEVER_CONFIDENTIAL)],
    "the same as `only`": [signed("only: {sensitivity: {at_least: confidential}, reaches: {zone: on_prem}}")],
    "findings stay": [signed("never: {findings: [card, email, iban], reaches: {zone: openai}}")],
    "a promise of service": [
        signed("always: {endpoint: chat, sensitivity: public, complexity: hard, reaches: {backend: frontier}}")
    ],
    "a promise of service at home": [
        signed("always: {endpoint: chat, prompt_tokens: {at_most: 8000}, reaches: {zone: on_prem}}")
    ],
    "several promises": [
        signed(
            NEVER_CONFIDENTIAL,
            "never: {findings: card, reaches: {retention: 30d}}",
            "only: {reaches: {zone: [on_prem, openai]}}",
        )
    ],
    "no unknown paths": [NO_UNKNOWN],
    "nothing leaves at all": [
        NO_UNKNOWN,
        ("default: public", "default: confidential"),
        (
            "  - name: hard\n    when: {complexity: hard}\n"
            "    route: [{to: frontier, first_byte: 8s, retries: 1}, local]\n",
            "",
        ),
        (OTHERWISE, "  route: [local]\n"),
        (
            "  - name: private\n    when: {sensitivity: {at_least: confidential}}\n",
            "  - name: private\n    when: {sensitivity: restricted}\n",
        ),
        signed("never: {reaches: {zone: openai}}"),
    ],
    "images declared harmless": [
        (LABELS, LABELS + "    unreadable: internal\n"),
        above_hard("{name: eyes, when: {needs: images}, route: [frontier]}"),
    ],
    "a refusal that is wanted": [
        ("    route: [local]\n", "    route: [local]\n"),
        signed("never: {sensitivity: restricted, endpoint: embeddings, reaches: {zone: openai}}"),
    ],
    "by caller": [above_hard("{name: bills, when: {caller: billing}, route: [local]}")],
    "by team and tag": [above_hard("{name: night, when: {tag: batch, team: finance}, route: [local, frontier]}")],
    "by model": [above_hard("{name: old, when: {model: gpt-4o}, route: [frontier, local]}")],
    "by length": [above_hard("{name: long, when: {prompt_tokens: {at_least: 5000}}, route: [frontier, local]}")],
    "by need": [above_hard("{name: tools, when: {needs: [tools, json_schema]}, route: [frontier, local]}")],
    "by endpoint": [above_hard("{name: vectors, when: {endpoint: embeddings}, route: [frontier]}")],
    "any and not": [
        above_hard(
            "{name: either, when: {any: [{stream: true}, {needs: tools}], not: {caller: website}}, route: [local]}"
        )
    ],
    "two tiers": [
        above_hard("{name: up, when: {complexity: {at_least: medium}, stream: true}, route: [frontier, local]}")
    ],
    "a budget that pays for all that leaves": [
        budget("openai_daily: {limit_usd: 50, window: day, scope: {zone: openai}}"),
        signed("always: {reaches: {zone: openai}, charged_to: openai_daily}"),
    ],
    "two windows that meet": [
        NO_UNKNOWN,
        ("best: frontier", "best: auto"),
        ("classify:\n", "times: {day: {from: 07:00, to: 19:00}, night: {from: 19:00, to: 07:00}}\nclassify:\n"),
        above_hard("{name: watched, when: {tag: batch, time: [day, night]}, route: [local]}"),
        signed("never: {tag: batch, model: auto, reaches: {zone: openai}}"),
    ],
    "a window with a hole that lets nothing out": [
        ("classify:\n", "times: {day: {from: 07:00, to: 19:00}, night: {from: 19:30, to: 07:00}}\nclassify:\n"),
        above_hard("{name: watched, when: {tag: batch, time: [day, night]}, route: [local]}"),
        signed(NEVER_CONFIDENTIAL),
    ],
    "overlapping rules": [
        above_hard("{name: streams, when: {stream: true}, route: [local, frontier]}"),
        (HARD, "  - {name: bills, when: {caller: billing}, route: [local, frontier]}\n" + HARD),
    ],
}
