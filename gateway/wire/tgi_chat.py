"""OpenAI's chat and text completions spoken with a TGI backend."""

from collections.abc import Callable, Mapping

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.types import Envelope
from gateway.wire.exchange import Answer, Rewriter
from gateway.wire.tgi_answer import Document, chat_answer, completions_answer
from gateway.wire.tgi_errors import tgi_failure
from gateway.wire.tgi_events import TranslatedStream
from gateway.wire.tgi_request import chat_body, completions_body
from gateway.wire.tgi_stream import ChatTranslation
from gateway.wire.tgi_terms import Terms, terms
from gateway.wire.tgi_text_stream import CompletionsTranslation
from gateway.wire.usage import from_answer

_Mend = Callable[[Document, Terms], Document]


class ChatExchange:
    """Implements `exchange.Exchange` for `/v1/chat/completions`. `model` is the name the client is to read.

    Raises AttemptFailed(UNABLE) where TGI cannot express the request.
    """

    method = "POST"
    path = "/v1/chat/completions"
    content_type = "application/json"

    def __init__(self, envelope: Envelope, model: str) -> None:
        self.body = chat_body(envelope)
        self.expects_stream = envelope.stream
        self._terms = terms(envelope, "chatcmpl-", model)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        return _mended(status, headers, body, self._terms, chat_answer)

    def rewriter(self) -> Rewriter:
        return TranslatedStream(ChatTranslation(self._terms))


class CompletionsExchange:
    """Implements `exchange.Exchange` for `/v1/completions`, likewise."""

    method = "POST"
    path = "/v1/completions"
    content_type = "application/json"

    def __init__(self, envelope: Envelope, model: str) -> None:
        self.body = completions_body(envelope)
        self.expects_stream = envelope.stream
        self._terms = terms(envelope, "cmpl-", model)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        return _mended(status, headers, body, self._terms, completions_answer)

    def rewriter(self) -> Rewriter:
        return TranslatedStream(CompletionsTranslation(self._terms))


def _mended(status: int, headers: Mapping[str, str], body: bytes, terms: Terms, mend: _Mend) -> Answer:
    """The answer in OpenAI's form. Raises GatewayError or AttemptFailed for anything but a completion."""
    if status >= 400:
        raise tgi_failure(status, headers, body)
    try:
        document = msgspec.json.decode(body)
        mended = mend(document, terms)
        return Answer(200, msgspec.json.encode(mended), from_answer(body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AttemptFailed(FailureKind.BAD_ANSWER, "TGI answered with something that is not a completion") from error
