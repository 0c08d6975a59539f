"""Changing top-level fields of a JSON body and leaving every other byte as the client wrote it."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

ABSENT: Any = object()
"""In `with_fields`: the field must not be sent."""

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.encode
_BEGIN = re.compile(rb"\s*\{")
_KEY = re.compile(rb'[\s,]*+"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+:\s*+')  # possessive: a key may be megabytes long


def with_model(body: bytes, document: Mapping[str, Any], model: str) -> bytes:
    """`body` with `model` as its top-level model, put in front where it has none; `body` itself where it is the same.

    `document` is `body` parsed: a JSON object in which no key is twice.
    INVARIANT: only the bytes of that one value change.
    """
    if document.get("model") == model:
        return body
    begin = _BEGIN.match(body)
    if begin is None:
        raise ValueError("the body is not a JSON object")
    name = _encode(model)
    if "model" not in document:
        comma = b"," if document else b""
        return body[: begin.end()] + b'"model":' + name + comma + body[begin.end() :]
    start, end = _place(body, begin.end())
    return body[:start] + name + body[end:]


def with_fields(body: bytes, changes: Mapping[str, Any]) -> bytes:
    """`body` with these top-level fields changed, added or (ABSENT) left out.

    The fields that stay keep their bytes, numbers of any length included; the white space between fields does not.
    """
    fields: dict[str, Any] = {**_decode_fields(body), **changes}
    return _encode({name: value for name, value in fields.items() if value is not ABSENT})


def with_more(body: bytes, document: Mapping[str, Any], more: Mapping[str, Any]) -> bytes:
    """`body` with these top-level fields besides, or changed where it has them. `document` is `body` parsed.

    INVARIANT: where it has none of them, every byte that the client wrote stays, behind what is put in front.
    """
    if not document.keys().isdisjoint(more):
        return with_fields(body, more)
    begin = _BEGIN.match(body)
    if begin is None:
        raise ValueError("the body is not a JSON object")
    comma = b"," if document else b""
    return body[: begin.end()] + _encode(more)[1:-1] + comma + body[begin.end() :]


def _place(body: bytes, at: int) -> tuple[int, int]:
    """From where to where the value of the top-level `model` stands: keys are read, values stepped over."""
    for name, value in _decode_fields(body).items():
        key = _KEY.match(body, at)
        if key is None:
            break
        at = key.end() + len(value)
        if name == "model":
            return key.end(), at
    raise ValueError("the body is not the document's")
