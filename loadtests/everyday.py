"""The everyday mix: how long requests and answers are, and when requests arrive, after a public trace.

The tables sum up the Azure LLM inference trace 2023 (Azure/AzurePublicDataset, CC-BY-4.0; Patel et al., "Splitwise",
ISCA 2024): an hour of two services, chat with 19,366 requests and code completion with 8,819. They are quantiles; no
row of the trace is here, and the texts are generated.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from gateway.demo.traffic import card_number, iban
from loadtests.prose import WORDS_A_TOKEN, code, prose, task

SHARES = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 1)
"""Of which the tables below give the quantiles."""


class Service(NamedTuple):
    """One service of the trace. `gaps` lie between arrivals, as multiples of their mean; the rest are tokens."""

    share: float
    gaps: Sequence[float]
    prompt: Sequence[float]
    completion: Sequence[float]


CHAT = Service(
    share=0.69,
    gaps=(0, 0.003, 0.035, 0.089, 0.202, 0.336, 0.483, 0.655, 0.878, 1.18, 1.6, 2.33, 3.13, 4.14, 4.93, 5.81, 6.92,
          7.91, 23.9),
    prompt=(2, 29, 181, 207, 387, 403, 703, 1020, 1071, 1130, 1315, 2735, 4083, 4098, 4142, 4831, 5652, 6212, 14050),
    completion=(7, 16, 41, 54, 77, 91, 103, 129, 177, 384, 400, 424, 451, 540, 601, 644, 918, 954, 1000),
)  # fmt: skip
CODE = Service(
    share=0.31,
    gaps=(0, 0.0001, 0.0002, 0.0005, 0.003, 0.0085, 0.039, 0.164, 0.244, 0.257, 0.411, 0.701, 1.03, 2.05, 5.66, 26,
          111, 212, 557),
    prompt=(3, 17, 75, 147, 385, 770, 1075, 1469, 1909, 2433, 3193, 5194, 7315, 7436, 7436, 7436, 7437, 7437, 7437),
    completion=(6, 6, 6, 7, 8, 9, 11, 13, 16, 20, 29, 55, 90, 172, 252, 361, 676, 831, 1899),
)  # fmt: skip

_PER_HISTORY_TURN = 400
_TOOL = {
    "type": "function",
    "function": {
        "name": "stock_of",
        "description": "How many pieces of a part are in stock",
        "parameters": {"type": "object", "properties": {"part": {"type": "string"}}, "required": ["part"]},
    },
}


class Mix(NamedTuple):
    """What parts of the requests ask for a stream, bring a tool, hold something private; and which model they name."""

    model: str = "auto"
    streamed: float = 0.6
    tools: float = 0.1
    private: float = 0.1


class Arrival(NamedTuple):
    """A request, and when it comes, in seconds after the start, whatever became of those before."""

    at_s: float
    kind: str
    request: dict[str, Any]


def quantile(table: Sequence[float], share: float) -> float:
    """Between two entries in proportion."""
    for (low, high), (below, above) in zip(pairwise(SHARES), pairwise(table), strict=True):
        if share <= high:
            return min(above, below + (above - below) * (share - low) / (high - low))
    return table[-1]


def mean(table: Sequence[float]) -> float:
    """Of the distribution that `quantile` draws from."""
    pieces = zip(pairwise(SHARES), pairwise(table), strict=True)
    return sum((high - low) * (below + above) / 2 for (low, high), (below, above) in pieces)


def arrivals(dice: random.Random, per_second: float, mix: Mix) -> Iterator[Arrival]:
    """Endless, in order of time: both services side by side, each with its own burstiness."""
    services = {"chat": CHAT, "code": CODE}
    upcoming = {kind: _gap(dice, service, per_second) for kind, service in services.items()}
    while True:
        kind = min(upcoming, key=upcoming.__getitem__)
        yield Arrival(upcoming[kind], kind, request(dice, kind, services[kind], mix))
        upcoming[kind] += _gap(dice, services[kind], per_second)


def request(dice: random.Random, kind: str, service: Service, mix: Mix) -> dict[str, Any]:
    """A chat completion request of the trace's lengths. Its texts were never sent before, which is the dearest case."""
    tokens = quantile(service.prompt, dice.random())
    words = max(1, int(tokens * WORDS_A_TOKEN))
    messages = _code_messages(dice, words) if kind == "code" else _chat_messages(dice, words)
    if dice.random() < mix.private:
        messages[-1]["content"] += " " + _private(dice)
    made: dict[str, Any] = {
        "model": mix.model,
        "messages": messages,
        "max_tokens": max(1, int(quantile(service.completion, dice.random()))),
    }
    if dice.random() < mix.tools:
        made["tools"] = [_TOOL]
    if dice.random() < mix.streamed:
        made["stream"] = True
    return made


def _gap(dice: random.Random, service: Service, per_second: float) -> float:
    return quantile(service.gaps, dice.random()) / mean(service.gaps) / (per_second * service.share)


def _chat_messages(dice: random.Random, words: int) -> list[dict[str, str]]:
    """A long prompt is a conversation: its history in turns, then what is asked now."""
    messages = [{"role": "system", "content": "You are the assistant of a small company. Answer briefly."}]
    for turn in range(2 * (words // (2 * _PER_HISTORY_TURN))):
        content = prose(dice, _PER_HISTORY_TURN)
        messages.append({"role": "assistant" if turn % 2 else "user", "content": content})
    last = words % (2 * _PER_HISTORY_TURN)
    messages.append({"role": "user", "content": f"{task(dice)} {prose(dice, last)}"})
    return messages


def _code_messages(dice: random.Random, words: int) -> list[dict[str, str]]:
    system = {"role": "system", "content": "Complete the code. Answer with code only."}
    return [system, {"role": "user", "content": f"```python\n{code(dice, words)}\n```"}]


def _private(dice: random.Random) -> str:
    """Invented, with valid check digits."""
    return dice.choice((f"The card is {card_number(dice)}.", f"Pay it to {iban(dice)}."))
