"""The other ways to write a text: escapes, base64, hex, gzip, and strings that code would put together.

Everything here is bounded, and what cannot be read within the bounds is reported as `blob` instead of passed over.
"""

import base64
import binascii
import html
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

import msgspec

from gateway.classify.numbers import Span

_MAX_DECODED = 1_000_000  # characters of decoded text looked at in one layer
_BLOB = 1024  # an unreadable stretch of this length may hold anything; certificates and public keys are shorter
_DATA_URL_BLOB = 64  # after "base64," even a small one was meant as content
_MIN_ENCODED = 16
_WRAPPED_LINE = 60  # MIME and PEM break lines at 64 or 76

_ESCAPE = re.compile(r"""\\(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|([nrt"'/\\]))""")
_BLANKS = {"n": "\n", "r": "\r", "t": "\t"}
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_ENTITY = re.compile(r"&(?:#[0-9xX]|[a-zA-Z]{2,31};)")
_JOINT = re.compile(r"[\"'`](?:\s{0,8}(?:\+|\.|&|\|\||\\\n)\s{0,8}|\s{1,8})[\"'`]")
_END = 200
_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2}){8,})\Z")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+\Z")
_URLSAFE = str.maketrans("-_", "+/")
_CONTROL = bytes(code for code in range(32) if code not in b"\t\n\r\x0b\x0c\x1b") + b"\x7f"


class Stretch(NamedTuple):
    """A part of a reading, `size` characters from `at`, and where it was written: of the same length if verbatim."""

    at: int
    size: int
    start: int
    end: int


class Reading(NamedTuple):
    """What a text also says, and where in the text each part of it was written."""

    text: str
    stretches: tuple[Stretch, ...]


class Decoded(msgspec.Struct, frozen=True):
    """What a text also says: further texts to look at, and whether a part of it cannot be read at all."""

    texts: tuple[Reading, ...]
    has_blob: bool


def decoded(text: str, tokens: tuple[Span, ...]) -> Decoded:
    """One layer of decoding. `tokens` are the long unbroken stretches of the text."""
    texts: list[Reading] = []
    if _is_escaped(text):
        texts.append(_unescaped_lines(text))
    if _is_in_pieces(text):
        texts.append(_concatenated(text))
    texts = [other for other in texts if other.text]
    if not tokens:
        return Decoded(tuple(texts), False)
    found, has_blob = _decoded_tokens(text, tokens)
    if found:
        texts.append(_joined(found))
    return Decoded(tuple(texts), has_blob)


def _joined(found: list[tuple[Span, str]]) -> Reading:
    """Readable stretches, a line each."""
    stretches, at = [], 0
    for span, readable in found:
        stretches.append(Stretch(at, len(readable), *span))
        at += len(readable) + 1
    return Reading("\n".join(readable for _, readable in found)[:_MAX_DECODED], tuple(stretches))


def _is_in_pieces(text: str) -> bool:
    """Whether string literals may be put together somewhere; the signs that prose seldom has first."""
    if "+" in text or (("&" in text or "|" in text) and _JOINT.search(text)):
        return True
    if '"' in text and ('" "' in text or '"\n' in text or '"."' in text or '" . "' in text):
        return True
    return "'" in text and ("'.'" in text or "' . '" in text)


def _is_escaped(text: str) -> bool:
    """Whether there is an escape at all: a bare `50 %` or `R&D` is none. Single characters are found fastest."""
    return bool(
        ("\\" in text and _ESCAPE.search(text))
        or ("%" in text and _PERCENT.search(text))
        or ("&" in text and _ENTITY.search(text))
    )


def _unescaped_lines(text: str) -> Reading:
    """The lines that hold escapes, without them; the other lines have been looked at."""
    lines, stretches, at, start = [], [], 0, 0
    for line in text.split("\n"):
        plain = unescaped(line)
        if plain != line:
            lines.append(plain)
            stretches.append(Stretch(at, len(plain), start, start + len(line)))
            at += len(plain) + 1
        start += len(line) + 1
    return Reading("\n".join(lines), tuple(stretches))


def _concatenated(text: str) -> Reading:
    """String literals that code puts together, as one; of long ones only the ends, where they meet."""
    joints = [match.span() for match in _JOINT.finditer(text)]
    if not joints:
        return Reading("", ())
    starts, ends = [0, *(end for _, end in joints)], [*(start for start, _ in joints), len(text)]
    parts, stretches, at = [], [], 0
    for start, end in zip(starts, ends, strict=True):
        if end - start > 2 * _END:
            head, tail = text[start : start + _END], text[end - _END : end]
            parts.append(f"{head}\n{tail}")
            stretches += [Stretch(at, _END, start, start + _END), Stretch(at + _END + 1, _END, end - _END, end)]
        else:
            parts.append(text[start:end])
            stretches.append(Stretch(at, end - start, start, end))
        at += len(parts[-1])
    return Reading("".join(parts), tuple(stretches))


def unescaped(text: str) -> str:
    """The text with JSON, percent and HTML escapes undone, each once."""
    if "\\" in text:
        text = _paired(_ESCAPE.sub(_unescape, text))
    if "%" in text and _PERCENT.search(text):
        text = unquote(text)
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    return text


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1) or match.group(2) or match.group(3)
    if code is None:
        char = match.group(4)
        return _BLANKS.get(char, char)
    number = int(code, 16)
    return chr(number) if number <= 0x10FFFF else ""


def _paired(text: str) -> str:
    """Two surrogates from two escapes make one character."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _decoded_tokens(text: str, tokens: tuple[Span, ...]) -> tuple[list[tuple[Span, str]], bool]:
    found: list[tuple[Span, str]] = []
    has_blob = False
    for span, piece in _pieces(text, tokens):
        readable = _readable(piece)
        if readable is not None:
            found.append((span, readable))
        elif _is_blob(text, span.start, piece):
            has_blob = True
    return found, has_blob


def _pieces(text: str, tokens: tuple[Span, ...]) -> Iterator[tuple[Span, str]]:
    """Candidates with their place: lines that belong together as one, then split where encodings cannot go on."""
    lines: list[str] = []
    begin, last = 0, Span(-1, -1)
    for token in tokens:
        is_next_line = last.end - last.start >= _WRAPPED_LINE and text[last.end : token.start].strip("\\rn") == "\n"
        if not is_next_line and lines:
            yield from _split(Span(begin, last.end), "".join(lines))
            lines = []
        if not lines:
            begin = token.start
        lines.append(text[token.start : token.end])
        last = token
    if lines:
        yield from _split(Span(begin, last.end), "".join(lines))


def _split(span: Span, piece: str) -> Iterator[tuple[Span, str]]:
    for part in piece.split("."):
        if len(part) >= _MIN_ENCODED:
            yield span, part
            if "/" in part:
                yield from ((span, inner) for inner in part.split("/") if len(inner) >= _MIN_ENCODED)


def _readable(piece: str) -> str | None:
    """The text that is encoded here, if it is one."""
    data = _bytes_of(piece)
    if data is None:
        return None
    if data[:2] == b"\x1f\x8b":
        data = _gunzipped(data)
    if data[1:64:2].count(0) > len(data[1:64:2]) // 2:
        return _text(data, "utf-16-le")
    return _text(data, "utf-8")


def _bytes_of(piece: str) -> bytes | None:
    digits = None if len(piece) % 2 else _HEX.match(piece)
    if digits:
        return bytes.fromhex(digits.group(1))
    if not _BASE64.match(piece):
        return None
    if piece[1:].islower() or piece.isupper():  # a word, a path or a constant; encoded text has both cases
        return None
    body = piece.translate(_URLSAFE)
    try:
        return base64.b64decode(body[: len(body) - 1] if len(body) % 4 == 1 else body + "=" * (-len(body) % 4))
    except binascii.Error:
        return None


def _gunzipped(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(data, _MAX_DECODED)
    except zlib.error:
        return data


def _text(data: bytes, encoding: str) -> str | None:
    """The bytes as text; a character cut off at the end is forgiven, control characters are not."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3 or error.start < 8:
            return None
        text = data[: error.start].decode(encoding)
    return (
        None
        if text.encode("latin-1", "replace").translate(None, _CONTROL) != text.encode("latin-1", "replace")
        else text
    )


def _is_blob(text: str, start: int, piece: str) -> bool:
    """Long, and of the alphabet that binary content is written in."""
    is_embedded = text.endswith("base64,", max(0, start - 7), start)
    if len(piece) < (_DATA_URL_BLOB if is_embedded else _BLOB):
        return False
    head = piece[:4096]
    is_mixed = any(c.isupper() for c in head) and any(c.islower() for c in head) and any(c.isdigit() for c in head)
    return is_mixed or (_HEX.match(piece) is not None and not piece.isdecimal())
