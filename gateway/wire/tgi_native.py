"""TGI's own routes spoken with a TGI backend: every byte as it is, both ways, with an eye on failures and usage."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, StreamBroken
from gateway.core.types import Endpoint, Envelope
from gateway.core.usage import Usage
from gateway.wire.exchange import Answer, Rewriter
from gateway.wire.generate_request import is_streamed
from gateway.wire.sse import MAX_EVENT_BYTES, Event, Parser
from gateway.wire.tgi_errors import event_failure, tgi_failure
from gateway.wire.tgi_events import broken
from gateway.wire.usage import counted

_ENDS = (b"\n\n", b"\r\n\r\n")
_BOUNDARY = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")
_COUNT = re.compile(r"[0-9]{1,10}")
_UNFINISHED = b'"generated_text":null'  # in every event of a stream but the last
_FREE = frozenset({Endpoint.TOKENIZE, Endpoint.CHAT_TOKENIZE})
_BYTES_PER_TOKEN = 4


class NativeExchange:
    """Implements `exchange.Exchange` for `/`, `/generate`, `/generate_stream`, `/tokenize` and `/chat_tokenize`."""

    method = "POST"
    content_type = "application/json"

    def __init__(self, envelope: Envelope) -> None:
        self.path = envelope.path
        self.body = envelope.body
        self.expects_stream = is_streamed(envelope)
        self._envelope = envelope

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        content_type = headers.get("content-type", "application/json")
        if status < 400:
            return Answer(status, body, self._usage(headers, body), content_type)
        failure = tgi_failure(status, headers, body)
        if isinstance(failure, AttemptFailed):
            raise failure
        return Answer(status, body, None, content_type)

    def rewriter(self) -> Rewriter:
        return NativeStream(self._envelope.prompt_tokens)

    def _usage(self, headers: Mapping[str, str], body: bytes) -> Usage:
        """From TGI's headers, which count exactly; else from `details`; else by the length of the text."""
        if self._envelope.endpoint in _FREE:
            return Usage(0, 0)
        estimate = Usage(self._envelope.prompt_tokens, len(body) // _BYTES_PER_TOKEN, is_estimate=True)
        prompt, generated = headers.get("x-prompt-tokens", ""), headers.get("x-generated-tokens", "")
        if _COUNT.fullmatch(prompt) and _COUNT.fullmatch(generated):
            return counted(int(prompt), int(generated)) or estimate
        details = _details(body)
        if details is not None:
            return counted(len(details.prefill) or estimate.prompt_tokens, details.generated_tokens) or estimate
        return estimate


class _Details(msgspec.Struct):
    generated_tokens: int
    input_length: int | None = None
    prefill: list[Any] = []


class _Generated(msgspec.Struct):
    """A whole answer, or one event of a stream."""

    generated_text: str | None = None
    details: _Details | None = None
    error: Any = None


_decode_answer = msgspec.json.Decoder(_Generated | list[_Generated]).decode
_decode_event = msgspec.json.Decoder(_Generated).decode


def _details(body: bytes) -> _Details | None:
    try:
        answer: _Generated | list[_Generated] = _decode_answer(body)
    except ValueError:
        return None
    if isinstance(answer, list):
        return answer[0].details if answer else None
    return answer.details


class NativeStream:
    """Implements `exchange.Rewriter`: whole events pass as they came, comments and spacing included.

    TGI's own streams have no `[DONE]`: the event that has the whole text is the last.
    """

    def __init__(self, prompt_tokens: int) -> None:
        self._prompt_tokens = prompt_tokens
        self._parser = Parser()
        self._held = bytearray()  # comments before the first event
        self._rest = bytearray()  # of an event
        self._has_begun = False
        self._is_done = False
        self._broken: StreamBroken | None = None
        self._pieces = 0
        self._reported: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        if self._reported is not None or not self._pieces:
            return self._reported
        return Usage(self._prompt_tokens, self._pieces, is_estimate=True)  # an event is a token

    def feed(self, data: bytes) -> bytes:
        if self._broken is not None:
            raise self._broken
        out = self._advance(_BOUNDARY.split(self._complete(data)))
        if len(self._rest) + len(self._held) > MAX_EVENT_BYTES:
            raise self._failure(AttemptFailed(FailureKind.BAD_ANSWER, "an event of TGI's stream is too large"))
        return out

    def _complete(self, data: bytes) -> bytes:
        """What there is up to the end of the last event; only the new bytes are searched for that."""
        rest = self._rest
        seen = max(len(rest) - 3, 0)
        rest += data
        ends = [at + len(end) for end in _ENDS if (at := rest.rfind(end, seen)) >= 0]
        if not ends:
            return b""
        whole = bytes(rest[: max(ends)])
        del rest[: max(ends)]
        return whole

    def finish(self) -> bytes:
        if self._broken is not None:
            raise self._broken
        out = self._advance([bytes(self._rest) + b"\n\n"]).removesuffix(b"\n\n") if self._rest else b""
        if not self._is_done:
            raise self._failure(AttemptFailed(FailureKind.BROKEN, "the stream ended before its answer did"))
        return out

    def _advance(self, blocks: list[bytes]) -> bytes:
        """Blocks up to an error event; that one is raised once what came before it is out."""
        held = self._held
        for block in blocks:
            try:
                for event in self._parser.feed(block):
                    self._read(event)
            except (AttemptFailed, GatewayError) as failure:
                if not self._has_begun or not held:
                    raise self._failure(failure) from None
                self._broken = broken(failure)
                break
            held += block
        if not self._has_begun:
            return b""
        out = bytes(held)
        held.clear()
        return out

    def _read(self, event: Event) -> None:
        if _UNFINISHED not in event.data:
            self._read_whole(event.data)
        self._pieces += 1
        self._has_begun = True

    def _read_whole(self, data: bytes) -> None:
        """The last event, an error, or an event written with spaces."""
        try:
            found = _decode_event(data)
        except ValueError as error:
            raise AttemptFailed(FailureKind.BAD_ANSWER, "TGI sent an event that is none of its own") from error
        if found.error is not None:
            raise event_failure(data)
        self._is_done = self._is_done or found.generated_text is not None
        if found.details is not None:
            prompt = found.details.input_length
            self._reported = counted(self._prompt_tokens if prompt is None else prompt, found.details.generated_tokens)

    def _failure(self, failure: AttemptFailed | GatewayError) -> Exception:
        return broken(failure) if self._has_begun else failure
