"""How much a request needs the strong model, as a score in 0..1 read off its last user turn."""

from collections.abc import Mapping
from itertools import islice
from math import exp, sqrt
from operator import itemgetter, mul

from gateway.classify import features
from gateway.classify.features import Features, Shape
from gateway.classify.task import task_of
from gateway.classify.weights import Weights
from gateway.core.labels import Task

UNREADABLE = 1.0
"""The score of what cannot be read as text: unknown is strictest."""
NOTHING_TO_ANSWER = 0.0
"""The score of an embedding, or of a body without content: no model has to think."""

_PROMPTS = ("prompt", "inputs", "input")
_FARTHEST = 700.0  # exp overflows a little further out
_EMBEDDING_FIELDS = frozenset(("input", "model", "encoding_format", "dimensions", "user"))
# Of a longer conversation the latest turns are looked through, of a turn in more parts those at both ends.
_TURNS_READ, _PARTS_READ = 200, 64


def score(document: object, weights: Weights) -> float:
    """The need of a parsed body for the strong model, 0..1: the higher, the more.

    Reads chat messages, `prompt`, TGI's `inputs`, and `input`. Linear in the last user turn's features, so its cost
    has a bound; see docs/classifier.md for what the number means and what it cannot know.
    """
    seen = features_of(document)
    return need(seen, weights) if isinstance(seen, Features) else seen


def judged(document: object, weights: Weights) -> tuple[float, Task]:
    """The score, and what is asked to be done, of one look at the text."""
    seen = features_of(document)
    return (need(seen, weights), task_of(seen)) if isinstance(seen, Features) else (seen, Task.CHAT)


def features_of(document: object) -> Features | float:
    """The features of a parsed body; or its score, where there is nothing to answer or nothing that can be read."""
    if not isinstance(document, dict):
        return UNREADABLE
    if "input" in document and _EMBEDDING_FIELDS.issuperset(document) and _is_plain(document["input"]):
        return NOTHING_TO_ANSWER
    turns = _turns(document)
    if turns is None:
        return NOTHING_TO_ANSWER
    text = _last_user_text(turns)
    return features.read(text, _shape(document, turns)) if text else UNREADABLE


def need(seen: Features, weights: Weights) -> float:
    """The score of features already read."""
    return 1.0 / (1.0 + exp(-max(odds(seen, weights), -_FARTHEST)))


def odds(seen: Features, weights: Weights) -> float:
    """The same as log-odds, before it is squeezed into 0..1."""
    level: float = weights.bias + sum(map(mul, weights.counters, seen.counters))
    if len(seen.buckets) > 1:  # of one, `itemgetter` would not give a tuple
        level += sum(itemgetter(*seen.buckets)(weights.buckets)) / sqrt(len(seen.buckets))
    elif seen.buckets:
        level += sum(map(weights.buckets.__getitem__, seen.buckets))
    return level


def _is_plain(value: object) -> bool:
    """Text or token ids, as embeddings take them; the items of a conversation are objects."""
    return not (isinstance(value, list) and any(isinstance(item, dict) for item in value))


def _turns(document: Mapping[str, object]) -> list[object] | None:
    """The conversation, a lone prompt being its only turn; None where the body has none."""
    messages = document.get("messages")
    if isinstance(messages, list):
        return messages
    for name in _PROMPTS:
        if name in document:
            value = document[name]
            if isinstance(value, list) and not _is_plain(value):
                return value
            return [{"role": "user", "content": value}]
    return None


def _last_user_text(turns: list[object]) -> str:
    """What the user said last; where no turn is the user's, what was said last at all."""
    latest = ""
    for turn in islice(reversed(turns), _TURNS_READ):
        if isinstance(turn, dict):
            text = _text(turn.get("content"))
            if text and turn.get("role") == "user":
                return text
            latest = latest or text
    return latest


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = content if len(content) <= _PARTS_READ else content[: _PARTS_READ // 2] + content[-_PARTS_READ // 2 :]
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return "\n".join(text for text in texts if isinstance(text, str))


def _shape(document: Mapping[str, object], turns: list[object]) -> Shape:
    tools = document.get("tools")
    form = document.get("response_format")
    return Shape(
        turns=len(turns),
        tools=len(tools) if isinstance(tools, list) else 0,
        asks_for_json=isinstance(form, dict) and form.get("type") != "text",
    )
