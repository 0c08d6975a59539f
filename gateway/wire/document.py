"""From bytes to a JSON document that means the same to everyone who reads it, or the reason why it does not."""

from typing import Any

import msgspec

from gateway.core.errors import GatewayError

MAX_DEPTH = 200
"""Deeper documents are refused: whoever reads or writes them by recursion would fail, here or in a backend."""

_decode = msgspec.json.Decoder().decode


def parse(body: bytes) -> Any:
    """The parsed body. Raises GatewayError(400) where it is not JSON, nested too deep, or has a key twice.

    INVARIANT: no object in the body has the same key twice. Parsers disagree on which of the two counts, so we might
    classify the one and a backend answer the other.
    """
    try:
        document = _decode(body)
    except UnicodeDecodeError:
        raise _invalid("it is not UTF-8; send JSON in UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except msgspec.DecodeError as error:
        raise _invalid(_reason(error, body)) from None
    _check_keys_and_depth(document, body)
    return document


def _check_keys_and_depth(document: Any, body: bytes) -> None:
    """Every key and every string has two quotation marks in the body; a key that was given twice left two too many.

    Walks level by level. Once all quotation marks are accounted for only numbers are left, and long lists of them are
    not looked at, unless the body has brackets enough to be too deep.
    """
    strings = _quotation_marks(body) // 2 - (type(document) is str)
    level: list[Any] = [document] if type(document) in (dict, list) else []
    depth, is_deep = 0, False
    while level and (strings or is_deep or (is_deep := _is_deep(body))):
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                strings -= len(node)
                node = node.values()
            for value in node:
                kind = type(value)
                if kind is str:
                    strings -= 1
                elif kind is dict or kind is list:
                    below.append(value)
        level = below
    if strings:
        raise GatewayError(400, "duplicate_key", "an object in the body has the same key twice; send each key once")


def _is_deep(body: bytes) -> bool:
    """Whether it may be too deep."""
    return body.count(b"[") + body.count(b"{") > MAX_DEPTH


def _quotation_marks(body: bytes) -> int:
    """Those that begin or end a string. After the pairs of backslashes are gone, one before a mark escapes it."""
    if b"\\" not in body:
        return body.count(b'"')
    text = body.replace(b"\\\\", b"")
    return text.count(b'"') - text.count(b'\\"')


def _reason(error: msgspec.DecodeError, body: bytes) -> str:
    """The parser's own words, which name a place and never the content."""
    if not body.strip():
        return "it is empty; send a JSON object"
    return f"{str(error).removeprefix('JSON is malformed: ').lower()}; send one JSON object"


def _invalid(reason: str) -> GatewayError:
    return GatewayError(400, "invalid_json", f"the body is not valid JSON: {reason}")


def _too_deep() -> GatewayError:
    return GatewayError(400, "too_deep", f"the body is nested deeper than {MAX_DEPTH} levels; send a flatter document")
