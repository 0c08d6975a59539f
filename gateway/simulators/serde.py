"""How a Rust server (axum and serde) says that a JSON body cannot be read: status, wording and position."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.simulators.reply import Arrived, Whole

TEXT = b"text/plain; charset=utf-8"
DEEPEST = 127
"""serde_json refuses deeper nesting."""


class Unreadable(Exception):
    """The body was refused before the service saw it; `reply` is the whole answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.reply = Whole(status, text.encode(), TEXT)


class Mismatch(Exception):
    """A value of the wrong type: what serde says, and where. `path` is empty where serde names none."""

    def __init__(self, path: str, text: str, field: str, is_at_start: bool = False) -> None:
        super().__init__(text)
        self.path = path
        self.text = text
        self.field = field
        self.is_at_start = is_at_start


Check = Callable[[str, Any], None]
"""Raises `Mismatch` where the value does not fit; given the path and the value."""

Shape = Mapping[str, tuple[Check, bool]]
"""A struct: field to (check, is required)."""


def read_json(arrived: Arrived, shape: Check) -> Any:
    """The body as axum's `Json` extractor gives it. Raises `Unreadable` with 415, 413, 400 or 422."""
    if not _is_json(arrived.header(b"content-type")):
        raise Unreadable(415, "Expected request with `Content-Type: application/json`")
    if arrived.is_too_large:
        raise Unreadable(413, "Failed to buffer the request body: length limit exceeded")
    document = _decode(arrived.body)
    try:
        shape("", document)
    except Mismatch as error:
        path = f"{error.path}: " if error.path else ""
        text = f"Failed to deserialize the JSON body into the target type: {path}{error.text}"
        if error.path or not error.text.startswith("data did not match"):  # a whole untagged enum has no position
            text += f" at {_place(arrived.body, _offset(arrived.body, error, document))}"
        raise Unreadable(422, text) from None
    return document


def struct(name: str, shape: Shape, *, aliases: Mapping[str, str] | None = None) -> Check:
    """A JSON object with the fields of `shape`; unknown ones are ignored, a field and its alias exclude each other."""

    def check(path: str, value: Any) -> None:
        expect(path, value, isinstance(value, dict), f"struct {name}")
        for alias, field in (aliases or {}).items():
            if alias in value and field in value:
                raise Mismatch(path, f"duplicate field `{field}`", max(alias, field, key=list(value).index))
        for field, (inner, is_required) in shape.items():
            known = [key for key in (field, *_aliases_of(field, aliases)) if key in value]
            if known:
                inner(f"{path}.{field}" if path else known[0], value[known[0]])
            elif is_required:
                raise Mismatch(path, f"missing field `{field}`", _root(path))

    return check


def optional(inner: Check) -> Check:
    """`null` is as good as absent."""
    return lambda path, value: None if value is None else inner(path, value)


def sequence(inner: Check) -> Check:
    def check(path: str, value: Any) -> None:
        expect(path, value, isinstance(value, list), "a sequence")
        for index, item in enumerate(value):
            inner(f"{path}[{index}]", item)

    return check


def anything(path: str, value: Any) -> None:
    """Any JSON."""


def string(path: str, value: Any) -> None:
    expect(path, value, isinstance(value, str), "a string")


def boolean(path: str, value: Any) -> None:
    expect(path, value, isinstance(value, bool), "a boolean")


def f32(path: str, value: Any) -> None:
    expect(path, value, isinstance(value, int | float) and not isinstance(value, bool), "f32")


def integer(name: str, lowest: int, highest: int) -> Check:
    def check(path: str, value: Any) -> None:
        expect(path, value, isinstance(value, int) and not isinstance(value, bool), name)
        if not lowest <= value <= highest:
            raise Mismatch(path, f"invalid value: {_named(value)}, expected {name}", _root(path))

    return check


u32 = integer("u32", 0, 2**32 - 1)
u64 = integer("u64", 0, 2**64 - 1)
usize = integer("usize", 0, 2**64 - 1)
i32 = integer("i32", -(2**31), 2**31 - 1)


def one_of(name: str, *variants: Check) -> Check:
    """An untagged enum: the first variant that fits, else one sentence for all."""

    def check(path: str, value: Any) -> None:
        if not any(fits(variant, path, value) for variant in variants):
            raise Mismatch(path, f"data did not match any variant of untagged enum {name}", _root(path))

    return check


def fits(check: Check, path: str, value: Any) -> bool:
    try:
        check(path, value)
    except Mismatch:
        return False
    return True


def expect(path: str, value: Any, is_so: bool, wanted: str) -> None:
    if not is_so:
        is_at_start = isinstance(value, dict | list)
        raise Mismatch(path, f"invalid type: {_named(value)}, expected {wanted}", _root(path), is_at_start)


def _named(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return "string " + json.dumps(value, ensure_ascii=False)
        case list():
            return "sequence"
        case _:
            return "map"


def _root(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _aliases_of(field: str, aliases: Mapping[str, str] | None) -> list[str]:
    return [alias for alias, name in (aliases or {}).items() if name == field]


def _is_json(content_type: str) -> bool:
    kind = content_type.split(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _decode(body: bytes) -> Any:
    try:
        document = msgspec.json.decode(body)
    except RecursionError:
        raise _syntax(body, DEEPEST + 1, "recursion limit exceeded") from None
    except UnicodeDecodeError:
        raise _syntax(body, len(body), "invalid unicode code point") from None
    except msgspec.DecodeError as error:
        at = re.search(r"byte (\d+)", str(error))
        if at is None:
            raise _syntax(body, len(body), "EOF while parsing a value") from None
        text = "trailing characters" if "trailing characters" in str(error) else "expected value"
        raise _syntax(body, int(at[1]) + 1, text) from None
    if body.count(b"[") + body.count(b"{") > DEEPEST and _depth(document) > DEEPEST:
        raise _syntax(body, DEEPEST + 1, "recursion limit exceeded")
    return document


def _depth(document: Any) -> int:
    layer, depth = [document], 0
    while layer:
        inner = [child for value in layer if isinstance(value, dict | list) for child in _children(value)]
        depth += any(isinstance(value, dict | list) for value in layer)
        layer = inner
    return depth


def _children(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _syntax(body: bytes, offset: int, text: str) -> Unreadable:
    return Unreadable(400, f"Failed to parse the request body as JSON: {text} at {_place(body, offset)}")


def _offset(body: bytes, error: Mismatch, document: Any) -> int:
    """Where serde stands when it notices: behind a scalar, before a container, behind the object that lacks a field.

    Exact for fields of the document itself; for what lies deeper, the end of the outermost field.
    """
    if not isinstance(document, dict):
        return len(body) if not error.is_at_start else 0
    if not error.field:
        return len(body.rstrip())
    text = body.decode()
    found = re.search(rf'"{re.escape(error.field)}"\s*:\s*', text)
    if found is None:
        return len(body)
    if error.text.startswith("duplicate"):
        end = found.start() + len(error.field) + 2
    elif error.is_at_start and error.path == error.field:
        end = found.end()
    else:
        end = json.JSONDecoder().raw_decode(text, found.end())[1]
    return len(text[:end].encode())


def _place(body: bytes, offset: int) -> str:
    before = body[:offset]
    return f"line {before.count(10) + 1} column {offset - (before.rfind(10) + 1)}"
