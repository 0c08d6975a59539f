"""W3C trace context: under which ids the traces of those who call us, and of those whom we call, know a request.

Ids of our own are digests of the request's id, so that whoever sends a request on and whoever tells the collector of it
later agree without a word between them. https://www.w3.org/TR/trace-context/
"""

import hashlib
import re
from collections.abc import Mapping

import msgspec

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_STATE = re.compile(r"[\x20-\x7e]{1,1024}")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_SAMPLED = 1


class Trace(msgspec.Struct, frozen=True):
    """The trace a request is part of: hexadecimal ids of 32 and 16 digits, and the flags.

    `parent_id` is the span that this request was sent from, "" where the trace begins here. `state` is what others
    attach, opaque to us. `is_joined`: this gateway tells a collector of its own part.
    """

    trace_id: str
    parent_id: str = ""
    flags: int = _SAMPLED
    state: str = ""
    is_joined: bool = False

    @property
    def is_sampled(self) -> bool:
        return bool(self.flags & _SAMPLED)

    def for_attempt(self, request_id: str, number: int) -> "Trace":
        """As attempt `number`, from 0, hands it on: as it came, or as sent from the attempt's own span."""
        if not self.is_joined:
            return self
        return msgspec.structs.replace(self, parent_id=attempt_span_id(request_id, number))

    @property
    def headers(self) -> dict[str, str]:
        told = {"traceparent": f"00-{self.trace_id}-{self.parent_id or _NO_SPAN}-{self.flags:02x}"}
        return {**told, "tracestate": self.state} if self.state else told


class Tracing(msgspec.Struct, frozen=True):
    """Which requests a collector is told of: `share` of them (0..1), or as the caller's own trace says where it
    says something."""

    share: float = 1.0
    follows_caller: bool = True

    def joined(self, given: Trace | None, request_id: str) -> Trace:
        """The context of a request that came with `given`, or with none."""
        if given is None:
            trace_id = _digest(request_id, 16)
            return Trace(trace_id, flags=self._sampled(trace_id), is_joined=True)
        flags = given.flags
        if not self.follows_caller:
            flags = flags & ~_SAMPLED | self._sampled(given.trace_id)
        return msgspec.structs.replace(given, flags=flags, is_joined=True)

    def _sampled(self, trace_id: str) -> int:
        """By the trace's last 56 bits, which are random where its flags say so: all who count so choose alike."""
        return int(int(trace_id[-14:], 16) >= (1 - self.share) * 2**56)


def trace_of(headers: Mapping[bytes, bytes]) -> Trace | None:
    """What a request's `traceparent` and `tracestate` (names in lower case) say; None: nothing that can be used."""
    parent = headers.get(b"traceparent")
    found = None if parent is None else _TRACEPARENT.fullmatch(parent.decode("latin-1"))
    if found is None:
        return None
    version, trace_id, parent_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or trace_id == _NO_TRACE or parent_id == _NO_SPAN:
        return None
    state = headers.get(b"tracestate", b"").decode("latin-1")
    return Trace(trace_id, parent_id, int(flags, 16), state if _STATE.fullmatch(state) else "")


def request_span_id(request_id: str) -> str:
    return _digest(f"{request_id}/request", 8)


def attempt_span_id(request_id: str, number: int) -> str:
    return _digest(f"{request_id}/{number}", 8)


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
