"""The contract of a format pair: one request as one kind of backend wants it, and its answer as the client wants it.

An Exchange is made for one attempt, holds no socket, and is driven by `backends/`:

    exchange = choose(envelope, spec)                  # may raise AttemptFailed(UNABLE)
    ... POST exchange.path with exchange.body ...
    answer = exchange.answer(status, headers, body)    # when the backend's answer is not a stream
    rewriter = exchange.rewriter()                     # when it is
    for data in upstream: out = rewriter.feed(data)
    out = rewriter.finish()                            # at the upstream's end of file
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from gateway.core.usage import Usage


class Answer(msgspec.Struct, frozen=True):
    """A whole answer in the client's format. A status of 400 and above is the client's own mistake, told on."""

    status: int
    body: bytes
    usage: Usage | None
    content_type: str = "application/json"


class Rewriter(Protocol):
    """Turns a backend's event stream into the client's, whatever the chunk boundaries.

    `feed` returns what may be sent now, possibly nothing (comments are held back until the first event, so that the
    first byte out is the first sign of an answer). Before anything was returned an error event raises `AttemptFailed`
    or `GatewayError`; afterwards `StreamBroken`. `finish` raises `StreamBroken` where the stream ended too early.
    `usage` is None until known.
    """

    @property
    def usage(self) -> Usage | None: ...
    def feed(self, data: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class Exchange(Protocol):
    """One attempt's request and answer formats.

    `path` is what to append to the replica's root URL, query string included. `expects_stream`: ask for and expect an
    event stream. `answer` returns the whole answer of a 2xx, or of a 4xx that is the client's own mistake where the
    formats are equal (bytes kept); it raises `GatewayError` for the client's mistake where formats differ and
    `AttemptFailed` for the backend's. `headers` have lower-case names.
    """

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def content_type(self) -> str: ...
    @property
    def expects_stream(self) -> bool: ...
    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer: ...
    def rewriter(self) -> Rewriter: ...
