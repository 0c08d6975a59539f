"""TGI's streamed text completions as OpenAI's, chunk by chunk."""

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.usage import Usage
from gateway.wire import sse
from gateway.wire.tgi_answer import Document, finish_reason
from gateway.wire.tgi_errors import event_failure
from gateway.wire.tgi_stops import StopCutter
from gateway.wire.tgi_stream import framed
from gateway.wire.tgi_terms import Terms
from gateway.wire.usage import from_answer


class CompletionsTranslation:
    """Implements `tgi_events.Translation` for `/v1/completions`, where the prompts of a batch share one stream.

    TGI reports usage in the last chunk of each prompt; OpenAI once, at the end, and only to who asked.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._cutters: dict[int, StopCutter] = {}
        self._pieces = 0
        self._reported: list[Usage] = []
        self._last: Document | None = None

    @property
    def usage(self) -> Usage | None:
        if not self._reported:
            return Usage(self._terms.prompt_tokens, self._pieces, is_estimate=True) if self._pieces else None
        return Usage(
            sum(usage.prompt_tokens for usage in self._reported),
            sum(usage.completion_tokens for usage in self._reported),
        )

    def event(self, document: Document, data: bytes) -> bytes:
        if "error" in document:
            raise event_failure(data)
        document["id"], document["model"] = self._terms.id, self._terms.model
        if document.pop("usage", None) is not None and (reported := from_answer(data)) is not None:
            self._reported.append(reported)
        if self._terms.wants_usage:
            document["usage"] = None
        self._last = document
        self._pieces += 1
        return framed(document) if self._has_news(document["choices"][0]) else b""

    def done(self) -> bytes:
        usage = self.usage
        if self._last is None or usage is None:
            raise AttemptFailed(FailureKind.BAD_ANSWER, "TGI ended its stream without an answer")
        if not self._terms.wants_usage:
            return sse.DONE
        counts = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        }
        return framed({**self._last, "choices": [], "usage": counts}) + sse.DONE

    def _has_news(self, choice: Document) -> bool:
        index = choice["index"]
        cutter = self._cutters.get(index)
        if cutter is None:
            cutter = self._cutters[index] = StopCutter(self._terms.stops)
        # The token that ends a text is shown by its own name here, as in "</s>"; it is no part of the text.
        piece = "" if choice.get("finish_reason") == "eos_token" else choice["text"]
        reason = finish_reason(choice.get("finish_reason"))
        text = cutter.feed(piece)
        if reason is not None:
            text += cutter.finish()
            reason = "stop" if cutter.is_cut else reason
        choice["text"], choice["finish_reason"] = text, reason
        return bool(text) or not piece or reason is not None
