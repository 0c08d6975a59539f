"""TGI's streamed chat answers as OpenAI's, chunk by chunk."""

import math
from typing import Any

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.usage import Usage
from gateway.wire import sse
from gateway.wire.tgi_answer import Document, as_text, complete_logprobs, finish_reason
from gateway.wire.tgi_errors import event_failure
from gateway.wire.tgi_stops import StopCutter
from gateway.wire.tgi_terms import Terms
from gateway.wire.usage import from_answer

_encode = msgspec.json.encode


class ChatTranslation:
    """Implements `tgi_events.Translation` for `/v1/chat/completions`.

    TGI ends a tool call without a finish reason and repeats role, id and type in every piece, which clients that add
    deltas up would add up: both are mended here.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._cutter = StopCutter(terms.stops)
        self._pieces = 0
        self._reported: Usage | None = None
        self._last: Document | None = None  # a chunk to make the finishing one like
        self._has_role = False
        self._is_finished = False
        self._calls: dict[int, str] = {}  # arguments so far, by index
        self._waiting: list[tuple[int, Any]] = []  # logprobs of text held back, each with where its token begins
        self._fed = self._given = 0

    @property
    def usage(self) -> Usage | None:
        if self._reported is not None or not self._pieces:
            return self._reported
        return Usage(self._terms.prompt_tokens, self._pieces, is_estimate=True)  # TGI sends a chunk for each token

    def event(self, document: Document, data: bytes) -> bytes:
        if "error" in document:
            raise event_failure(data)
        document["id"], document["model"] = self._terms.id, self._terms.model
        if document.get("usage") is not None:
            self._reported = from_answer(data)
        choices = document["choices"]
        if not choices:
            return self._ending() + (framed(document) if self._terms.wants_usage else b"")
        if not self._terms.wants_usage:
            document.pop("usage", None)
        self._pieces += 1
        self._last = document
        return framed(document) if self._has_news(choices[0]) else b""

    def done(self) -> bytes:
        return self._ending() + sse.DONE

    def _has_news(self, choice: Document) -> bool:
        """Mends one choice; false where all its text is held back, or comes after the end."""
        if self._is_finished:
            return False
        delta = choice["delta"]
        reason = choice["finish_reason"] = finish_reason(choice.get("finish_reason"))
        if delta.get("tool_calls"):
            complete_logprobs(choice.get("logprobs"))
            for call in delta["tool_calls"]:
                self._call(delta, call)
        elif self._calls:
            delta.pop("content", None)
        elif not self._text(choice, delta, reason):
            return False
        if reason is not None:
            self._finish(choice, delta)
        if self._has_role:
            delta.pop("role", None)
        self._has_role = True
        return bool(delta) or reason is not None

    def _text(self, choice: Document, delta: Document, reason: str | None) -> bool:
        """Cuts the text; false where nothing of it may be sent yet."""
        piece = delta.get("content") or ""
        text = self._cutter.feed(piece)
        if reason is not None:
            text += self._cutter.finish()
        delta["content"] = text
        if choice.get("logprobs") is not None:
            is_all = reason is not None and not self._cutter.is_cut
            self._logprobs(choice["logprobs"], len(piece), math.inf if is_all else self._given + len(text))
        self._given += len(text)
        return bool(text) or not piece or reason is not None

    def _logprobs(self, logprobs: Document, length: int, given: float) -> None:
        """A token's logprobs go out with the first of its text, and never if a stop sequence swallowed that."""
        complete_logprobs(logprobs)
        self._waiting += [(self._fed, token) for token in logprobs["content"]]
        self._fed += length
        logprobs["content"] = [token for start, token in self._waiting if start < given]
        self._waiting = [(start, token) for start, token in self._waiting if start >= given]

    def _call(self, delta: Document, call: Document) -> None:
        """One piece of a tool call. Only its first carries id, type and name."""
        index, function = call["index"], call["function"]
        function["arguments"] = as_text(function.get("arguments") or "")
        if index not in self._calls:
            self._calls[index] = ""
            call["id"] = f"{self._terms.call}{index}"
            delta["content"] = None
        else:
            call.pop("id", None)
            call.pop("type", None)
            function.pop("name", None)
        self._calls[index] = (self._calls[index] + function["arguments"].strip())[:2]

    def _finish(self, choice: Document, delta: Document) -> None:
        self._is_finished = True
        if self._calls and choice["finish_reason"] != "length":
            choice["finish_reason"] = "tool_calls"
            self._close_arguments(delta)
        elif self._cutter.is_cut:
            choice["finish_reason"] = "stop"

    def _close_arguments(self, delta: Document) -> None:
        """TGI forgets the closing brace of a call without arguments when one token closes them all."""
        left_open = [index for index, arguments in self._calls.items() if arguments == "{"]
        if left_open and "tool_calls" not in delta:
            delta["tool_calls"] = [{"index": index, "function": {"arguments": "}"}} for index in left_open]

    def _ending(self) -> bytes:
        """The finishing chunk, where TGI sent none."""
        if self._is_finished:
            return b""
        if self._last is None:
            raise AttemptFailed(FailureKind.BAD_ANSWER, "TGI ended its stream without an answer")
        delta: Document = {}
        text = self._cutter.finish()
        if text:
            delta["content"] = text
        choice: Document = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop"}
        self._finish(choice, delta)
        return framed({**self._last, "choices": [choice]})


def framed(document: Document) -> bytes:
    """One event of a stream."""
    return sse.event(_encode(document))
