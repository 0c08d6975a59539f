"""An OpenAI request as TGI takes it. What TGI would take as it is goes as it is, byte for byte but for the model.

Many everyday requests are refused by TGI or change their meaning there (`presence_penalty: 0` becomes a repetition
penalty of 2.0). Each row of the tables below mends one field; a field without a row goes on untouched, known or not.
"""

from collections.abc import Mapping
from typing import Any

from gateway.core.types import Envelope
from gateway.wire import tgi_fields as field
from gateway.wire.splice import ABSENT, with_fields, with_model
from gateway.wire.tgi_fix import Fix, unable
from gateway.wire.tgi_messages import messages
from gateway.wire.tgi_tools import response_format, tool_choice, tools

MODEL = "tgi"
"""Any other name is a LoRA adapter's to TGI."""

_CHAT_FIXES: Mapping[str, Fix] = {
    "messages": messages,
    "stream": field.unless_null,
    "stream_options": field.stream_options,
    "stop": field.stop,
    "top_p": field.top_p,
    "seed": field.seed,
    "presence_penalty": field.presence_penalty,
    "logit_bias": field.logit_bias,
    "response_format": response_format,
    "tools": tools,
    "tool_choice": tool_choice,
    "n": field.at_most_one("n"),
    "functions": field.never("functions"),
    "audio": field.never("audio"),
    "web_search_options": field.never("web_search_options"),
    "modalities": field.modalities,
}

_COMPLETIONS_FIXES: Mapping[str, Fix] = {
    "prompt": field.prompt,
    "stream": field.unless_null,
    "stop": field.stop,
    "top_p": field.top_p,
    "seed": field.seed,
    "suffix": field.suffix,
    "n": field.at_most_one("n"),
    "best_of": field.at_most_one("best_of"),
    "echo": field.never("echo"),
    "logprobs": field.never("logprobs"),
    "logit_bias": field.never("logit_bias"),
}


def chat_body(envelope: Envelope) -> bytes:
    """The body for TGI's `/v1/chat/completions`. Raises AttemptFailed(UNABLE)."""
    document = _document(envelope)
    changes = _changes(document, _CHAT_FIXES) | _one_bound(document)
    if document.get("tools") and _is_grammar(changes.get("response_format", document.get("response_format"))):
        raise unable("tools together with a response format")
    return _body(envelope, document, changes)


def completions_body(envelope: Envelope) -> bytes:
    """The body for TGI's `/v1/completions`. Raises AttemptFailed(UNABLE)."""
    document = _document(envelope)
    return _body(envelope, document, _changes(document, _COMPLETIONS_FIXES) | _repetition_penalty(document))


def _document(envelope: Envelope) -> dict[str, Any]:
    if not isinstance(envelope.document, dict):
        raise unable("a request that could not be read")
    return envelope.document


def _changes(document: Mapping[str, Any], fixes: Mapping[str, Fix]) -> dict[str, Any]:
    changes = {}
    for name, fix in fixes.items():
        if name in document:
            old = document[name]
            new = fix(old)
            if new is not old:
                changes[name] = new
    return changes


def _body(envelope: Envelope, document: dict[str, Any], changes: dict[str, Any]) -> bytes:
    if not changes:
        return with_model(envelope.body, document, MODEL)
    return with_fields(envelope.body, {**changes, "model": MODEL})


def _one_bound(document: Mapping[str, Any]) -> dict[str, Any]:
    """The two max-token names are one field to TGI, and a duplicate where both are sent: the lower bound holds."""
    if "max_tokens" not in document or "max_completion_tokens" not in document:
        return {}
    both = (document["max_completion_tokens"], document["max_tokens"])
    given = [bound for bound in both if bound is not None]
    numbers = [bound for bound in given if isinstance(bound, int)]
    bound = min(numbers) if numbers and len(numbers) == len(given) else next(iter(given), None)
    return {"max_completion_tokens": bound, "max_tokens": ABSENT}


def _is_grammar(format_: Any) -> bool:
    return format_ is not None and format_ is not ABSENT


def _repetition_penalty(document: Mapping[str, Any]) -> dict[str, Any]:
    """`/v1/completions` has no presence penalty at all; the repetition penalty it has stands in (see below)."""
    penalty: Any = document.get("presence_penalty")
    if not field.is_number(penalty) or penalty == 0 or document.get("repetition_penalty") is not None:
        return {}
    return {"repetition_penalty": field.as_repetition_penalty(penalty)}
