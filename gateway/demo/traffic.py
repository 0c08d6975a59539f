"""Everyday requests for the demo: what kinds of work teams send, with invented people, cards and companies."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple


class Example(NamedTuple):
    """One request: a few words for the screen, the messages, and what else goes with them."""

    title: str
    messages: list[dict[str, Any]]
    extra: dict[str, Any]
    stream: bool


_SYSTEM = "You are a helpful assistant at Northwind Gears, a maker of bicycle parts."

_TOPICS = ("gear hubs", "brake cables", "steel frames", "puncture kits", "cargo racks", "helmet straps", "dynamo lamps")
_NAMES = ("Mira Oldenkott", "Teodor Brask", "Ilse Vantongeren", "Paavo Lehtimaa", "Chiara Montebruno")
_CITIES = ("Lisbon", "Tampere", "Ghent", "Trieste", "Leeuwarden")

# (title, prompt, how many parts in a hundred of the traffic)
_SIMPLE = (
    ("greeting", "Say hello to our new colleague in one friendly sentence.", 6),
    ("product line", "Write one sentence about our {topic} for the web shop.", 8),
    ("translate", "Translate into Dutch: the {topic} are back in stock.", 7),
    ("classify", "Is this review positive or negative? 'The {topic} arrived early and fit perfectly.'", 9),
    (
        "summarise",
        "Summarise this note in one sentence: the {topic} moved to the second hall, so the first has room.",
        8,
    ),
    ("extract", "List the colours in this e-mail: 'Please send us the {topic} in red and moss green.'", 6),
    ("rewrite", "Make this politer: send the {topic} today.", 5),
)
_HARD = (
    (
        "prove",
        "Prove that for every prime p > 3 the number p^2 - 1 is divisible by 24, then generalise the argument step by "
        "step to p^4 - 1 and justify each step rigorously.",
        6,
    ),
    (
        "concurrency bug",
        "Two workers of our {topic} warehouse deadlock: worker A locks stock then orders, worker B locks orders then "
        "stock, and a third retries with a timeout. Derive all interleavings that deadlock, design a lock order and "
        "prove that it is free of deadlock and starvation.",
        6,
    ),
    (
        "plan",
        "Derive the optimal reorder point for {topic}: demand is Poisson with mean 40 a week, lead time is normal with "
        "mean 2 and deviation 0.5 weeks, holding costs 1.20 a year, a stock-out costs 9. Show every integral.",
        6,
    ),
)
_SENSITIVE = (
    ("card number", "{name} says the card {card} was charged twice for {topic}. Explain what to do.", 5),
    ("bank account", "Draft a refund note to {name} for account {iban}.", 4),
    ("leaked key", "Why does this call fail? client = Client(api_key='{key}')", 3),
    ("hard and private", "Prove step by step whether the two charges to card {card} can both be valid.", 3),
)
_MAIL = (("e-mail address", "Write two lines to {mail} about the {topic} that will be late.", 6),)
_TOOLS = (("weather tool", "What is the weather in {city}? Use the get_weather tool.", 6),)

_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def traffic(seed: int) -> Iterator[Example]:
    """An endless, repeatable mix; about two thirds simple, one fifth hard, one fifth with something private in it."""
    dice = random.Random(seed)
    rows = [(*row, kind) for kind in _KINDS for row in kind]
    weights = [row[2] for row in rows]
    while True:
        title, prompt, _, kind = dice.choices(rows, weights)[0]
        text = prompt.format(
            topic=dice.choice(_TOPICS),
            name=dice.choice(_NAMES),
            city=dice.choice(_CITIES),
            mail=f"{dice.choice(_NAMES).lower().replace(' ', '.')}@northwind-gears.eu",
            card=card_number(dice),
            iban=iban(dice),
            key="sk-"
            + "proj-"
            + "".join(dice.choices("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=48)),
        )
        messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": text}]
        extra = {"tools": [_WEATHER]} if kind is _TOOLS else {}
        yield Example(title, messages, extra, stream=not extra and dice.random() < 0.4)


_KINDS = (_SIMPLE, _HARD, _SENSITIVE, _MAIL, _TOOLS)


def card_number(dice: random.Random) -> str:
    """An invented card number with a valid Luhn digit, grouped in fours."""
    digits = [4, *(dice.randrange(10) for _ in range(14))]
    doubled = sum(sum(divmod(digit * 2, 10)) if place % 2 == 0 else digit for place, digit in enumerate(digits))
    digits.append(-doubled % 10)
    text = "".join(map(str, digits))
    return " ".join(text[start : start + 4] for start in range(0, 16, 4))


def iban(dice: random.Random) -> str:
    """An invented German account with valid check digits."""
    account = "".join(str(dice.randrange(10)) for _ in range(18))
    check = 98 - int(account + "131400") % 97
    return f"DE{check:02d}{account}"
