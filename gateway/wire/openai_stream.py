"""Event streams of servers that speak OpenAI: every byte passes as it came, with an eye on failures, end and usage."""

from gateway.core.errors import AttemptFailed, FailureKind, StreamBroken
from gateway.core.usage import Usage
from gateway.wire.openai_errors import event_failure, said
from gateway.wire.sse import MAX_EVENT_BYTES, Event, EventTooLarge, Parser
from gateway.wire.usage import StreamTap


class OpenAIStream:
    """Implements `exchange.Rewriter` for chat and completions.

    Everything up to the first event is held back, so that an error in its place can still become a fallback. An error
    event later on passes like any other; the stream counts as broken all the same.
    """

    __slots__ = ("_has_begun", "_held", "_parser", "_tap")

    def __init__(self, prompt_tokens: int) -> None:
        self._tap = StreamTap(prompt_tokens)
        self._parser = Parser()
        self._held = bytearray()
        self._has_begun = False

    @property
    def usage(self) -> Usage | None:
        return self._tap.usage if self._has_begun else None

    def feed(self, data: bytes) -> bytes:
        if not self._has_begun:
            return self._begin(data)
        try:
            self._tap.feed(data)
        except EventTooLarge as error:
            raise StreamBroken(FailureKind.BAD_ANSWER, f"the backend sent {error}") from None
        return data

    def finish(self) -> bytes:
        if not self._has_begun:
            self._check(self._parser.finish())  # an error may come without its empty line
            raise AttemptFailed(FailureKind.BROKEN, "the stream ended before its first event")
        self._tap.finish()
        if self._tap.has_error:
            raise StreamBroken(FailureKind.SERVER_ERROR, "the backend sent an error in the middle of its stream")
        if not self._tap.is_done:
            raise StreamBroken(FailureKind.BROKEN, "the stream ended without `[DONE]`")
        return b""

    def _begin(self, data: bytes) -> bytes:
        self._held += data
        try:
            if len(self._held) > MAX_EVENT_BYTES:
                raise EventTooLarge(f"more than {MAX_EVENT_BYTES} bytes before its first event")
            self._check(self._parser.feed(data))
        except EventTooLarge as error:
            raise AttemptFailed(FailureKind.BAD_ANSWER, f"the backend sent {error}") from None
        return self._release() if self._has_begun else b""

    def _release(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        self._tap.feed(held)
        return held

    def _check(self, events: list[Event]) -> None:
        """Whether an answer has begun. Raises what the first event means where it is none."""
        if not events:
            return
        first = events[0]
        if first.type == b"error" or b'"error"' in first.data:
            error = said(first.data)
            if error is not None:
                raise event_failure(error)
        if not first.data.lstrip().startswith(b"{"):
            raise AttemptFailed(FailureKind.BAD_ANSWER, "the backend began its stream with something that is no answer")
        self._has_begun = True


class PassingStream:
    """Implements `exchange.Rewriter` for what we know nothing of, sound and images included: nothing is ever wrong."""

    __slots__ = ("_is_tapped", "_tap")

    def __init__(self) -> None:
        self._tap = StreamTap(prompt_tokens=0)
        self._is_tapped = True

    @property
    def usage(self) -> Usage | None:
        """Only as reported: what the pieces are is not known either."""
        usage = self._tap.usage
        return None if usage.is_estimate else usage

    def feed(self, data: bytes) -> bytes:
        if self._is_tapped:
            try:
                self._tap.feed(data)
            except EventTooLarge:
                self._is_tapped = False
        return data

    def finish(self) -> bytes:
        if self._is_tapped:
            self._tap.finish()
        return b""
