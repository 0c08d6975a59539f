"""Generated text of any length: everyday office prose from a small grammar, repeatable from its dice."""

import random

WORDS_A_TOKEN = 0.75
"""The field's rule of thumb for English; the tokenizers in use differ by a fifth either way."""

_WHO = (
    "the team", "our supplier", "a customer", "the workshop", "the night shift", "the web shop", "a new colleague",
    "the planning group", "the auditor", "our partner in Ghent", "the second warehouse", "the support desk",
)  # fmt: skip
_DOES = (
    "asks for", "has moved", "describes", "compares", "wants to replace", "has checked", "cannot find", "is late with",
    "has written down", "still needs", "will review", "has doubts about",
)  # fmt: skip
_WHAT = (
    "the list of spare parts", "a plan for the spring", "the cargo racks", "last month's figures", "two open orders",
    "the training notes", "the new price table", "a draft of the contract", "the gear hubs in stock", "the old manual",
    "the survey answers", "a short summary of the meeting", "the delivery route", "the brake cables",
)  # fmt: skip
_WHY = (
    "because the first version was too long", "so that nobody has to ask again", "before the fair opens in {n} weeks",
    "although only {n} of them arrived", "since the quality fell by {n} percent", "which took about {n} hours",
    "and nobody knows why (see note {n})", "while the other hall is closed",
    "as agreed: first the facts, then the plan", "if the weather allows it",
)  # fmt: skip
_TASK = (
    "Summarise this in {n} sentences for a reader in a hurry.", "Write a friendly reply to this note.",
    "List what has to be done, in order.", "Translate the following into plain English.",
    "Which of these points is the most urgent, and why?", "Turn these notes into a short report.",
    "Rewrite this so that it sounds more polite.", "Compare the two options and recommend one.",
    "Extract every quantity and what it belongs to.", "Explain step by step how the delay came about.",
)  # fmt: skip
_CODE = (
    "def total_{n}(orders):", "    for order in orders:", "        stock[order.part] -= order.count",
    "    return sum(line.count for line in orders)", "if not queue: raise Empty('nothing to send')", "# see ticket {n}",
    "class Shelf{n}(Store):", "    self.parts = sorted(parts, key=lambda part: part.name)", "assert left >= {n}, left",
    "while worker.is_busy(): worker.join(timeout={n})", "SELECT part, count FROM stock WHERE count < {n};",
)  # fmt: skip


def task(dice: random.Random) -> str:
    """What is asked, one sentence."""
    return _numbered(dice, dice.choice(_TASK))


def prose(dice: random.Random, words: int) -> str:
    """About this many words, never fewer."""
    said: list[str] = []
    count = 0
    while count < words:
        sentence = _numbered(dice, " ".join(dice.choice(part) for part in (_WHO, _DOES, _WHAT, _WHY)))
        said.append(sentence[0].upper() + sentence[1:] + ".")
        count += len(sentence.split())
    return " ".join(said)


def code(dice: random.Random, words: int) -> str:
    """About this many words of what looks like a source file, never fewer."""
    lines: list[str] = []
    count = 0
    while count < words:
        line = _numbered(dice, dice.choice(_CODE))
        lines.append(line)
        count += len(line.split())
    return "\n".join(lines)


def _numbered(dice: random.Random, text: str) -> str:
    return text.format(n=dice.randint(2, 48)) if "{n}" in text else text
