"""OpenAI's completions, chat or text, told as TGI's own generation answers and streams."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.usage import Usage
from gateway.wire import sse
from gateway.wire.exchange import Answer
from gateway.wire.generate_request import Wanted
from gateway.wire.openai_errors import event_failure, openai_failure, said, told, unsupported
from gateway.wire.usage import from_answer

_encode = msgspec.json.encode
_BYTES_PER_TOKEN = 4

Document = dict[str, Any]


def told_as_generated(status: int, headers: Mapping[str, str], body: bytes, wanted: Wanted) -> Answer:
    """The answer in TGI's form. Raises GatewayError or AttemptFailed for anything but a completion."""
    if status >= 400:
        raise openai_failure(status, headers, body) or unsupported(status, body) or told(status, said(body))
    try:
        document = msgspec.json.decode(body)
        usage = from_answer(body) or Usage(wanted.prompt_tokens, len(body) // _BYTES_PER_TOKEN, is_estimate=True)
        return Answer(200, _generated(document, wanted, usage), usage)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise AttemptFailed(FailureKind.BAD_ANSWER, "the backend answered with no completion") from error


def _generated(document: Document, wanted: Wanted, usage: Usage) -> bytes:
    """A whole answer, as `/generate` gives it, or `/` with a list around it. `usage` is the document's own."""
    choice = document["choices"][0]
    answer: Document = {"generated_text": wanted.prompt + _text(choice)}
    if wanted.details:
        answer["details"] = {
            "finish_reason": _finish_reason(choice),
            "generated_tokens": usage.completion_tokens,
            "seed": None,
            "prefill": [],
            "tokens": [],
        }
    return _encode([answer] if wanted.is_list else answer)


class GenerateTranslation:
    """Implements `tgi_events.Translation`: an event for each piece of text, and a last one with the whole.

    A piece stands where TGI has a token. Its id is not known and said to be 0; its log probability is null, which is
    how TGI itself writes one that it does not have.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._pieces: list[str] = []
        self._finish_reason: str | None = None
        self._reported: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        if self._reported is not None or not self._pieces:
            return self._reported
        return Usage(self._wanted.prompt_tokens, len(self._pieces), is_estimate=True)

    def event(self, document: Document, data: bytes) -> bytes:
        if document.get("error") is not None or document.get("object") == "error":
            error = said(data)
            if error is None:
                raise AttemptFailed(FailureKind.SERVER_ERROR, "the backend sent an error without a message")
            raise event_failure(error)
        if document.get("usage") is not None:
            self._reported = from_answer(data)
        if not document["choices"]:
            return b""
        choice = document["choices"][0]
        if choice.get("finish_reason"):
            self._finish_reason = _finish_reason(choice)
        text = _text(choice)
        if not text:
            return b""
        self._pieces.append(text)
        return self._event(text)

    def done(self) -> bytes:
        """The event with the whole text: TGI's streams have no `[DONE]`."""
        if self._finish_reason is None and not self._pieces:
            raise AttemptFailed(FailureKind.BAD_ANSWER, "the backend ended its stream without an answer")
        details: Document | None = None
        usage = self.usage or Usage(self._wanted.prompt_tokens, 0)
        if self._wanted.details:
            details = {
                "finish_reason": self._finish_reason or "eos_token",
                "generated_tokens": usage.completion_tokens,
                "seed": None,
                "input_length": usage.prompt_tokens,
            }
        return self._event("", self._wanted.prompt + "".join(self._pieces), details)

    def _event(self, text: str, generated_text: str | None = None, details: Document | None = None) -> bytes:
        is_last = generated_text is not None
        document = {
            "index": len(self._pieces) + is_last,
            "token": {"id": 0, "text": text, "logprob": None, "special": is_last},
            "generated_text": generated_text,
            "details": details,
        }
        return sse.event(_encode(document))


def _text(choice: Document) -> str:
    """A refusal is the model's text too."""
    part = choice.get("delta", choice.get("message"))
    if part is None:
        return choice.get("text") or ""
    return part.get("content") or part.get("refusal") or ""


def _finish_reason(choice: Document) -> str:
    """TGI's word. Only engines say which stop sequence it was (vLLM `stop_reason`, SGLang `matched_stop`)."""
    if choice.get("finish_reason") == "length":
        return "length"
    stopped_by = choice.get("stop_reason", choice.get("matched_stop"))
    return "stop_sequence" if isinstance(stopped_by, str) else "eos_token"
