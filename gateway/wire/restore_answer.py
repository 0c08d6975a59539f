"""Placeholders back to values in a whole answer, of OpenAI's form or TGI's."""

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.core.placeholders import Placeholders
from gateway.wire.restore import restored
from gateway.wire.restore_stream import TEXTS


def restored_answer(body: bytes, placeholders: Placeholders, *, is_json: bool) -> bytes:
    """`is_json`: the content itself is JSON. An answer in which nothing changes keeps its bytes.

    Log probabilities speak of the tokens that the model gave, so they stay as they are.
    """
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body
    is_changed = False
    for place, key in _texts(document):
        before = place[key]
        place[key] = restored(before, placeholders, is_json=key == "arguments" or (is_json and key != "name"))
        is_changed = is_changed or place[key] != before
    return msgspec.json.encode(document) if is_changed else body


def _texts(document: Any) -> Iterator[tuple[dict[str, Any], str]]:
    for answer in _dicts(document if type(document) is list else [document]):
        yield from _strings(answer, "generated_text")
        details = answer.get("details")
        for sequence in _dicts(details.get("best_of_sequences") if type(details) is dict else None):
            yield from _strings(sequence, "generated_text")
        for choice in _dicts(answer.get("choices")):
            yield from _strings(choice, "text")
            for message in _dicts([choice.get("message")]):
                yield from _message(message)


def _message(message: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    yield from _strings(message, *TEXTS)
    for part in _dicts(message.get("content")):
        yield from _strings(part, "text", "refusal")
    yield from (each for call in _dicts([message.get("function_call")]) for each in _strings(call, "name", "arguments"))
    for call in _dicts(message.get("tool_calls")):
        for function in _dicts([call.get("function")]):
            yield from _strings(function, "name", "arguments")


def _strings(place: dict[str, Any], *keys: str) -> Iterator[tuple[dict[str, Any], str]]:
    yield from ((place, key) for key in keys if type(place.get(key)) is str)


def _dicts(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if type(item) is dict] if type(items) is list else []
