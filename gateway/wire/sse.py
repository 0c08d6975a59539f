"""Server-sent events without sockets: a parser that does not care where chunks end, and framing.

Follows the WHATWG specification for `data` and `event`; TGI's older `data:{json}` without a space is legal there.
"""

from typing import NamedTuple

DONE = b"data: [DONE]\n\n"
MAX_EVENT_BYTES = 16 * 1024 * 1024
"""A hostile backend must not be able to fill our memory with one endless event."""


class EventTooLarge(ValueError):
    """One event grew beyond the limit."""


class Event(NamedTuple):
    """One event: its data lines joined by newlines, and its type ("" where none was given)."""

    data: bytes
    type: bytes = b""

    @property
    def is_done(self) -> bool:
        return self.data == b"[DONE]"


class Parser:
    """Bytes in, whole events out; comments are dropped. Time and memory are linear in what is fed."""

    __slots__ = ("_has_return", "_limit", "_rest")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._rest = bytearray()
        self._has_return = False  # the last byte fed was a \r, which may be half of a \r\n

    def feed(self, data: bytes) -> list[Event]:
        """The events that are complete with `data`. Raises EventTooLarge."""
        if self._has_return or b"\r" in data:
            data = self._unix(data)
        rest = self._rest
        if not rest and data.endswith(b"\n\n"):  # nearly every chunk: whole events
            return _events(data)
        seen = max(len(rest) - 1, 0)
        rest += data
        end = rest.rfind(b"\n\n", seen)
        whole = b""
        if end >= 0:
            whole = bytes(rest[:end])
            del rest[: end + 2]
        if len(rest) > self._limit:
            raise EventTooLarge(f"an event of more than {self._limit} bytes")
        return _events(whole)

    def finish(self) -> list[Event]:
        """The last event, where the stream ended without its empty line."""
        rest, self._rest = bytes(self._rest), bytearray()
        return _events(rest.rstrip(b"\n"))

    def _unix(self, data: bytes) -> bytes:
        r"""Line ends as \n; the \r of a \r\n that two chunks share is a line end by itself, and its \n is none."""
        if self._has_return and data.startswith(b"\n"):
            data = data[1:]
            self._has_return = False
        if data:
            self._has_return = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def event(data: bytes) -> bytes:
    """Frame one event's data, which holds no line break."""
    return b"data: " + data + b"\n\n"


def _events(text: bytes) -> list[Event]:
    return [event for block in text.split(b"\n\n") if block and (event := _event(block)) is not None]


def _event(block: bytes) -> Event | None:
    if block.startswith(b"data:") and b"\n" not in block:  # nearly every event
        return Event(block[6:] if block[5:6] == b" " else block[5:])
    lines: list[bytes] = []
    type_ = b""
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            lines.append(value)
        elif name == b"event":
            type_ = value
    return Event(b"\n".join(lines), type_) if lines else None
