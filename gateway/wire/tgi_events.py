"""Drives a translation over a backend's event stream: order, failures before and after the first byte, the end."""

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, StreamBroken
from gateway.core.usage import Usage
from gateway.wire.sse import Event, EventTooLarge, Parser

_decode = msgspec.json.decode

_COMMENT = b": \n\n"


class Translation(Protocol):
    """One stream's events, one by one, into the client's bytes; raises AttemptFailed or GatewayError on error events.

    `done` gives what is still to be said at the upstream's `[DONE]`.
    """

    @property
    def usage(self) -> Usage | None: ...
    def event(self, document: dict[str, Any], data: bytes) -> bytes: ...
    def done(self) -> bytes: ...


class TranslatedStream:
    """Implements `exchange.Rewriter`.

    INVARIANT: what comes out does not depend on chunk boundaries. So a failure that follows good events in one chunk
    is raised only after those were given out, by the next call.
    """

    __slots__ = ("_broken", "_has_begun", "_is_done", "_parser", "_translation")

    def __init__(self, translation: Translation) -> None:
        self._translation = translation
        self._parser = Parser()
        self._has_begun = False
        self._is_done = False
        self._broken: StreamBroken | None = None

    @property
    def usage(self) -> Usage | None:
        return self._translation.usage

    def feed(self, data: bytes) -> bytes:
        if self._broken is not None:
            raise self._broken
        if self._is_done:
            return b""
        try:
            events = self._parser.feed(data)
        except EventTooLarge as error:
            raise self._failure(AttemptFailed(FailureKind.BAD_ANSWER, str(error))) from error
        if not events and self._has_begun and data.startswith(b":") and data.endswith(b"\n\n"):
            return _COMMENT  # a keep-alive that came by itself, passed on
        return self._advance(events)

    def finish(self) -> bytes:
        if self._broken is not None:
            raise self._broken
        rest = b"" if self._is_done else self._advance(self._parser.finish())
        if not self._is_done:
            raise self._failure(AttemptFailed(FailureKind.BROKEN, "the stream ended before its answer did"))
        return rest

    def _advance(self, events: Iterable[Event]) -> bytes:
        out = b""
        for event in events:
            if self._is_done:
                break
            try:
                out += self._translated(event)
            except (AttemptFailed, GatewayError) as failure:
                if not out:
                    raise self._failure(failure) from None
                self._broken = broken(failure)
                break
        if out:
            self._has_begun = True
        return out

    def _translated(self, event: Event) -> bytes:
        if event.is_done:
            self._is_done = True
            return self._translation.done()
        try:
            document = _decode(event.data)
        except (ValueError, RecursionError) as error:
            raise AttemptFailed(FailureKind.BAD_ANSWER, "the backend sent an event that is not JSON") from error
        if not isinstance(document, dict):
            raise AttemptFailed(FailureKind.BAD_ANSWER, "the backend sent an event that is not an object")
        try:
            return self._translation.event(document, event.data)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise AttemptFailed(FailureKind.BAD_ANSWER, "the backend sent an event of an unknown shape") from error

    def _failure(self, failure: AttemptFailed | GatewayError) -> Exception:
        """As it is while nothing is out; a broken stream afterwards."""
        return broken(failure) if self._has_begun else failure


def broken(failure: AttemptFailed | GatewayError) -> StreamBroken:
    """The same failure, once the client has had its first byte."""
    if isinstance(failure, AttemptFailed):
        return StreamBroken(failure.kind, failure.detail)
    return StreamBroken(FailureKind.SERVER_ERROR, "the backend sent an error in the middle of its stream")
