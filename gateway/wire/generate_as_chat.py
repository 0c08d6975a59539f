"""TGI's own generation routes answered by a backend that speaks OpenAI's chat."""

from collections.abc import Mapping

import msgspec

from gateway.core.types import Envelope
from gateway.wire.exchange import Answer, Rewriter
from gateway.wire.generate_answer import GenerateTranslation, told_as_generated
from gateway.wire.generate_request import chat_document, is_streamed, wanted
from gateway.wire.tgi_events import TranslatedStream


class GenerateAsChat:
    """Implements `exchange.Exchange`: the prompt becomes one user message.

    `model` is the backend's name for its model. Raises AttemptFailed(UNABLE) where the request has no equivalent, and
    GatewayError where it is wrong.
    """

    method = "POST"
    path = "/v1/chat/completions"
    content_type = "application/json"

    def __init__(self, envelope: Envelope, model: str) -> None:
        self.body = msgspec.json.encode(chat_document(envelope, model))
        self.expects_stream = is_streamed(envelope)
        self._wanted = wanted(envelope)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        return told_as_generated(status, headers, body, self._wanted)

    def rewriter(self) -> Rewriter:
        return TranslatedStream(GenerateTranslation(self._wanted))
