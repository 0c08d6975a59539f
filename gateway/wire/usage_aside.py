"""The event of usage at the end of a stream that only the gateway asked for: read, and not handed on."""

import re

import msgspec

from gateway.core.usage import Usage
from gateway.wire.exchange import Rewriter

_ENDS = re.compile(rb"\r?\n\r?\n")


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: dict[str, msgspec.Raw] | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


class UsageAside:
    """Implements `exchange.Rewriter` around another one. An event that has begun is held until it is whole."""

    __slots__ = ("_inner", "_rest")

    def __init__(self, inner: Rewriter) -> None:
        self._inner = inner
        self._rest = b""

    @property
    def usage(self) -> Usage | None:
        return self._inner.usage

    def feed(self, data: bytes) -> bytes:
        text = self._rest + self._inner.feed(data)
        ends = [found.end() for found in _ENDS.finditer(text)]
        whole = ends[-1] if ends else 0
        self._rest = text[whole:]
        if b'"usage"' not in text[:whole]:
            return text[:whole]
        events = (text[start:end] for start, end in zip([0, *ends], ends, strict=False))
        return b"".join(event for event in events if not _is_of_usage(event))

    def finish(self) -> bytes:
        rest, self._rest = self._rest + self._inner.finish(), b""
        return b"" if _is_of_usage(rest) else rest


def _is_of_usage(event: bytes) -> bool:
    """One that has no choice in it, and usage."""
    if b'"usage"' not in event:
        return False
    try:
        chunk = _decode(event.partition(b"data:")[2])
    except (ValueError, RecursionError):
        return False
    return chunk.choices == [] and chunk.usage is not None
