"""Placeholders back to values in an answer's event stream, field by field and choice by choice.

Every event goes out when it has come, at most without the end of its text that may still become a placeholder; what was
held back goes out with the event that ends its choice. Events in which nothing changes keep their bytes.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from gateway.core.placeholders import Placeholders
from gateway.wire.restore import Restoring
from gateway.wire.sse import MAX_EVENT_BYTES, event

TEXTS = ("content", "refusal", "reasoning_content", "reasoning")
"""The fields of a message, or of a piece of one, that a person reads."""

_EVENT_END, _END_BYTES = re.compile(rb"\n\r?\n"), 3
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.encode


class Slot(NamedTuple):
    """Which text of an answer a piece belongs to: a choice's field, or one of its tool calls' fields."""

    choice: int
    field: str
    call: int | None = None


class RestoringStream:
    """Bytes of the client's format in, the same with values out. `is_json`: the content itself is JSON."""

    __slots__ = ("_is_json", "_last", "_placeholders", "_rest", "_texts")

    def __init__(self, placeholders: Placeholders, *, is_json: bool) -> None:
        self._placeholders = placeholders
        self._is_json = is_json
        self._texts: dict[Slot, Restoring] = {}
        self._last: dict[str, Any] = {}
        self._rest = bytearray()

    def feed(self, data: bytes) -> bytes:
        """INVARIANT: the text that goes out does not depend on where the chunks end."""
        seen = max(0, len(self._rest) - _END_BYTES + 1)
        self._rest += data
        end = 0
        out: list[bytes] = []
        for found in _EVENT_END.finditer(self._rest, seen):
            out.append(self._block(bytes(self._rest[end : found.end()])))
            end = found.end()
        del self._rest[:end]
        if len(self._rest) > MAX_EVENT_BYTES:  # no event of ours: let it pass
            out.append(bytes(self._rest))
            self._rest.clear()
        return b"".join(out)

    def finish(self) -> bytes:
        """At the end of the stream, or where it breaks off."""
        rest = bytes(self._rest)
        self._rest.clear()
        last = self._block(rest) if rest else b""
        return last + self._left_over()

    def _block(self, block: bytes) -> bytes:
        if not block.startswith(b"data:"):
            return block
        text = block[5:].strip()
        if text == b"[DONE]":
            return self._left_over() + block
        try:
            document = _decode(text)
        except (ValueError, RecursionError):
            return block
        return event(_encode(document)) if type(document) is dict and self._restore(document) else block

    def _restore(self, document: dict[str, Any]) -> bool:
        """Whether anything in it was changed."""
        choices = document.get("choices")
        if type(choices) is list:
            is_changed = [self._choice(choice) for choice in choices if type(choice) is dict]
            if choices:
                self._last = document
            return any(is_changed)
        if type(document.get("token")) is dict:
            self._last = document
            return self._token(document)
        return False

    def _choice(self, choice: dict[str, Any]) -> bool:
        number = choice.get("index")
        number = number if type(number) is int else 0
        pieces = list(_pieces(number, choice))
        is_changed = [self._piece(*piece) for piece in pieces]
        if choice.get("finish_reason") is None:
            return any(is_changed)
        return self._flush(number, choice) or any(is_changed)

    def _piece(self, slot: Slot, place: dict[str, Any], key: str) -> bool:
        before: str = place[key]
        place[key] = self._text(slot).feed(before)
        return bool(place[key] != before)

    def _text(self, slot: Slot) -> Restoring:
        text = self._texts.get(slot)
        if text is None:
            is_json = slot.field == "arguments" or (self._is_json and slot.field != "name")
            text = self._texts[slot] = Restoring(self._placeholders, is_json=is_json)
        return text

    def _flush(self, number: int, choice: dict[str, Any]) -> bool:
        """What is held of a choice goes out with it."""
        held = [slot for slot, text in self._texts.items() if slot.choice == number and text.is_holding]
        for slot in held:
            _append(choice, slot, self._texts[slot].finish())
        return bool(held)

    def _token(self, document: dict[str, Any]) -> bool:
        """TGI's own stream: a token an event, and the whole text again in the last."""
        token, whole, slot = document["token"], document.get("generated_text"), Slot(0, "token")
        before = token.get("text")
        if type(before) is not str:
            return False
        token["text"] = self._text(slot).feed(before)
        if type(whole) is str:
            token["text"] += self._text(slot).finish()
            text = Restoring(self._placeholders, is_json=self._is_json)
            document["generated_text"] = text.feed(whole) + text.finish()
        return bool(token["text"] != before or document.get("generated_text") != whole)

    def _left_over(self) -> bytes:
        """What is held of choices that nothing has ended, as an event of its own."""
        held = {slot.choice for slot, text in self._texts.items() if text.is_holding}
        if not held:
            return b""
        if type(self._last.get("token")) is dict:
            token = {**self._last["token"], "text": self._texts[Slot(0, "token")].finish()}
            return event(_encode({**self._last, "token": token}))
        choices: list[dict[str, Any]] = []
        for number in sorted(held):
            choice: dict[str, Any] = {"index": number, "finish_reason": None}
            self._flush(number, choice)
            choices.append(choice)
        return event(_encode({**self._last, "choices": choices}))


def _pieces(number: int, choice: dict[str, Any]) -> Iterator[tuple[Slot, dict[str, Any], str]]:
    """Every text in one choice of an event: which one it continues, and where it stands."""
    if type(choice.get("text")) is str:
        yield Slot(number, "text"), choice, "text"
    delta = choice.get("delta")
    if type(delta) is not dict:
        return
    for field in TEXTS:
        if type(delta.get(field)) is str:
            yield Slot(number, field), delta, field
    yield from _function(number, None, delta.get("function_call"))
    calls = delta.get("tool_calls")
    for place, call in enumerate(calls if type(calls) is list else ()):
        if type(call) is dict:
            index = call.get("index")
            yield from _function(number, index if type(index) is int else place, call.get("function"))


def _function(number: int, call: int | None, function: Any) -> Iterator[tuple[Slot, dict[str, Any], str]]:
    if type(function) is dict:
        for field in ("name", "arguments"):
            if type(function.get(field)) is str:
                yield Slot(number, field, call), function, field


def _append(choice: dict[str, Any], slot: Slot, text: str) -> None:
    """Put the end of a text into the choice of an event, behind what it brings of the same text."""
    if slot.field == "text":
        choice["text"] = (choice.get("text") or "") + text
        return
    for known, place, key in list(_pieces(slot.choice, choice)):
        if known == slot:
            place[key] += text
            return
    delta = choice.get("delta")
    if type(delta) is not dict:
        delta = choice["delta"] = {}
    if slot.field in TEXTS:
        delta[slot.field] = text
    elif slot.call is None:
        delta["function_call"] = {**(delta.get("function_call") or {}), slot.field: text}
    else:
        calls = delta.get("tool_calls")
        added = {"index": slot.call, "function": {slot.field: text}}
        delta["tool_calls"] = [*(calls if type(calls) is list else ()), added]
