"""What goes in and out of a simulated service: an arrived request, and a whole answer or a stream of events."""

from collections.abc import AsyncGenerator

import msgspec

from gateway.simulators.watch import Seen

Headers = tuple[tuple[bytes, bytes], ...]

_ENCODE = msgspec.json.Encoder().encode


class Arrived(msgspec.Struct, frozen=True):
    """A request, read whole. `path` is decoded and without its query; header names are lower-case."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    seen: Seen
    is_too_large: bool = False

    @property
    def body(self) -> bytes:
        return self.seen.body

    @property
    def has_content(self) -> bool:
        return self.method not in ("GET", "HEAD", "OPTIONS")

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


class Whole(msgspec.Struct, frozen=True):
    """An answer in one piece."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: Headers = ()

    def head(self, length: int) -> list[tuple[bytes, bytes]]:
        kind = [(b"content-type", self.content_type)] if self.content_type else []
        return [*kind, (b"content-length", b"%d" % length), *self.headers]


class Events(msgspec.Struct, frozen=True):
    """A server-sent event stream: the status is 200 and the head goes out before the first event exists."""

    events: AsyncGenerator[bytes, None]
    headers: Headers = ()
    keep_alive_s: float | None = None  # after so long without an event a comment is sent; None: never


Reply = Whole | Events


def as_json(document: object) -> bytes:
    """Compact UTF-8 JSON, as serde and OpenAI write it."""
    return _ENCODE(document)


def json_reply(document: object, status: int = 200, headers: Headers = ()) -> Whole:
    return Whole(status, _ENCODE(document), headers=headers)


def event(document: object) -> bytes:
    """One server-sent event holding JSON."""
    return b"data: " + _ENCODE(document) + b"\n\n"


DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": \n\n"
