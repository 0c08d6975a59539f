"""Requests of OpenAI clients to servers that speak OpenAI: bytes as they are, both ways, but for the model's name."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.types import BackendKind, Endpoint, Envelope
from gateway.wire.exchange import Answer, Rewriter
from gateway.wire.hugging_face import openai_changes
from gateway.wire.openai_errors import openai_failure, unsupported
from gateway.wire.openai_stream import OpenAIStream, PassingStream
from gateway.wire.splice import ABSENT, with_fields, with_model
from gateway.wire.usage import from_answer
from gateway.wire.usage_aside import UsageAside

_JSON = "application/json"
_BYTES = "application/octet-stream"
_NEWER = re.compile(r"gpt-([5-9]|\d\d)|o\d")
"""OpenAI's reasoning models, by the names it has given them so far. Servers with names of their own go on reading
`max_tokens`, which some of them alone know."""
_PATHS: Mapping[Endpoint, str] = MappingProxyType(
    {
        Endpoint.CHAT: "/v1/chat/completions",
        Endpoint.COMPLETIONS: "/v1/completions",
        Endpoint.EMBEDDINGS: "/v1/embeddings",
    }
)


class OpenAIExchange:
    """Implements `exchange.Exchange` for chat, completions and embeddings with a backend of one of OpenAI's kinds.

    The client's query string stays here: on these routes nobody needs it, and nobody has classified it. Raises
    AttemptFailed(UNABLE) or GatewayError where a request in Hugging Face's dialect cannot be put in OpenAI's form.
    """

    __slots__ = ("_is_our_choice", "_keeps_usage", "_prompt_tokens", "body", "expects_stream", "path")

    method = "POST"
    content_type = _JSON

    def __init__(self, envelope: Envelope, model: str, kind: BackendKind) -> None:
        self.path = _PATHS[envelope.endpoint]
        self.body = _body(envelope, model, kind)
        self.expects_stream = envelope.stream and envelope.endpoint is not Endpoint.EMBEDDINGS
        self._keeps_usage = envelope.keeps_usage
        self._prompt_tokens = envelope.prompt_tokens
        self._is_our_choice = envelope.document.get("model") != model

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        content_type = headers.get("content-type", _JSON)
        if status >= 300:
            failure = openai_failure(status, headers, body)
            if failure is None and self._is_our_choice:
                failure = unsupported(status, body)
            if failure is not None:
                raise failure
            return Answer(status, body, None, content_type)
        usage = from_answer(body)
        if usage is None and not _is_object(body):
            raise AttemptFailed(FailureKind.BAD_ANSWER, "the backend answered with something that is not JSON")
        return Answer(status, body, usage, content_type)

    def rewriter(self) -> Rewriter:
        stream = OpenAIStream(self._prompt_tokens)
        return UsageAside(stream) if self._keeps_usage else stream


class UnknownExchange:
    """Implements `exchange.Exchange` for routes we do not know: everything as it is, both ways.

    Any answer is one, save that our own key was refused or that the server failed.
    """

    __slots__ = ("body", "content_type", "expects_stream", "method", "path")

    def __init__(self, envelope: Envelope) -> None:
        self.method = envelope.method
        self.path = envelope.path
        self.body = envelope.body
        self.content_type = _content_type(envelope)
        self.expects_stream = envelope.stream

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        if status == 401 or status >= 500:
            failure = openai_failure(status, headers, body)
            if failure is not None:
                raise failure
        content_type = headers.get("content-type", _BYTES)
        usage = from_answer(body) if "json" in content_type else None
        return Answer(status, body, usage, content_type)

    def rewriter(self) -> Rewriter:
        return PassingStream()


def _body(envelope: Envelope, model: str, kind: BackendKind) -> bytes:
    document: dict[str, Any] = envelope.document
    changes = openai_changes(document, kind) | _bound(document, model) if envelope.endpoint is Endpoint.CHAT else {}
    if changes:
        return with_fields(envelope.body, {"model": model, **changes})
    return with_model(envelope.body, document, model)


def _bound(document: Mapping[str, Any], model: str) -> dict[str, Any]:
    """OpenAI's newer models refuse `max_tokens`. Who was given one without asking for it cannot know."""
    bound = document.get("max_tokens")
    if bound is None or document.get("max_completion_tokens") is not None:
        return {}
    if document.get("model") == model or not is_newer(model):
        return {}
    return {"max_completion_tokens": bound, "max_tokens": ABSENT}


def is_newer(model: str) -> bool:
    """Whether it is one of OpenAI's reasoning models, which think in tokens that are billed and not shown."""
    return _NEWER.match(model) is not None


def _is_object(body: bytes) -> bool:
    try:
        return type(msgspec.json.decode(body)) is dict
    except (ValueError, RecursionError):
        return False


def _content_type(envelope: Envelope) -> str:
    """The client's own only where the body could not be read: it has the strictest class then, parameters and all.

    What was read as JSON was classified without this header, so none of the client's words in it may leave.
    """
    if envelope.document is not None:
        return _JSON
    return next((value.decode("latin-1") for name, value in envelope.headers if name == b"content-type"), _BYTES)
