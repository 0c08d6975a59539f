"""TGI's whole answers as OpenAI's: ids, the model's name, finish reasons, stop text, tool calls, logprobs.

Documents are changed in place: they were decoded for this answer and belong to nobody else.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.wire.tgi_stops import cut
from gateway.wire.tgi_terms import Terms

_encode = msgspec.json.encode

_FINISH = {"stop_sequence": "stop", "eos_token": "stop", "": None}

Document = dict[str, Any]


def finish_reason(reason: Any) -> Any:
    """OpenAI's word for TGI's; unknown ones stay."""
    return _FINISH.get(reason, reason) if isinstance(reason, str) else reason


def chat_answer(document: Document, terms: Terms) -> Document:
    """A chat completion, mended."""
    document["id"], document["model"] = terms.id, terms.model
    for choice in document["choices"]:
        choice["finish_reason"] = finish_reason(choice.get("finish_reason"))
        message = choice["message"]
        if message.get("tool_calls"):
            _called(choice, message, terms)
        else:
            _said(choice, message, terms.stops)
        message["refusal"] = None
        complete_logprobs(choice.get("logprobs"))
    return document


def completions_answer(document: Document, terms: Terms) -> Document:
    """A text completion, mended. TGI orders a batch by which prompt was done first."""
    document["id"], document["model"] = terms.id, terms.model
    document["choices"].sort(key=lambda choice: choice["index"])
    for choice in document["choices"]:
        choice["finish_reason"] = finish_reason(choice.get("finish_reason"))
        choice["text"], is_cut = cut(choice["text"], terms.stops)
        if is_cut:
            choice["finish_reason"] = "stop"
    return document


def _called(choice: Document, message: Document, terms: Terms) -> None:
    message["content"] = None
    for index, call in enumerate(message["tool_calls"]):
        call["id"] = f"{terms.call}{index}"
        call["function"].pop("description", None)
        call["function"]["arguments"] = as_text(call["function"].get("arguments"))
    if choice["finish_reason"] != "length":
        choice["finish_reason"] = "tool_calls"


def _said(choice: Document, message: Document, stops: Sequence[str]) -> None:
    text, is_cut = cut(message.get("content") or "", stops)
    message["content"] = text
    if is_cut:
        choice["finish_reason"] = "stop"
        _cut_logprobs(choice.get("logprobs"), len(text))


def _cut_logprobs(logprobs: Any, length: int) -> None:
    """Only the tokens that begin within the text that is left."""
    if not isinstance(logprobs, dict):
        return
    kept, at = [], 0
    for token in logprobs["content"]:
        if at >= length:
            break
        kept.append(token)
        at += len(token["token"])
    logprobs["content"] = kept


def complete_logprobs(logprobs: Any) -> None:
    """What OpenAI has and TGI leaves out: the bytes of each token, and the list for refusals."""
    if not isinstance(logprobs, dict):
        return
    logprobs["refusal"] = None
    for token in logprobs.get("content") or ():
        token["bytes"] = list(token["token"].encode())
        for other in token.get("top_logprobs") or ():
            other["bytes"] = list(other["token"].encode())


def as_text(arguments: Any) -> str:
    """Arguments are a JSON text to OpenAI's clients; older TGI sends the object itself."""
    if isinstance(arguments, str):
        return arguments
    return "{}" if arguments is None else _encode(arguments).decode()
