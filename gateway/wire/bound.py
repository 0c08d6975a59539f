"""The most tokens that an attempt can be billed for, before it is made; and making that true where the client did not.

A prompt's bound does not estimate: no tokeniser in use makes more tokens of a text than it has bytes, and what a chat's
template adds is small. What is not text may be any number of tokens, so only the model's own window bounds it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.core.types import BackendKind, Endpoint, Envelope, Need
from gateway.wire.needs import parameters
from gateway.wire.openai_exchange import is_newer
from gateway.wire.splice import with_fields

DEFAULT_TOKENS = 4_096
"""How long an answer may be where neither the client nor the policy says."""
LEAST_TOKENS = 256
"""How far a bound of the gateway's own may shrink to what is still affordable."""
TEMPLATE_TOKENS, TOOLS_TOKENS = 128, 512
"""More than any known chat template adds to what the client wrote; and where it has to explain tools."""

_USUAL_COMPLETION = 16
"""What OpenAI's older completions, and servers that follow it, answer with where no bound is given."""
_GENERATIONS = frozenset({Endpoint.GENERATE_ROOT, Endpoint.GENERATE, Endpoint.GENERATE_STREAM})
_NO_ANSWER = frozenset({Endpoint.EMBEDDINGS, Endpoint.TOKENIZE, Endpoint.CHAT_TOKENIZE})
_UNCOUNTABLE = frozenset({Need.IMAGES, Need.AUDIO, Need.FILES})


class Bound(msgspec.Struct, frozen=True):
    """Tokens at most. `completion` is that of one answer, `choices` how many there are. `is_ours`: the client gave no
    bound, so the request has to go out with this one (`capped`)."""

    prompt: int
    completion: int
    choices: int = 1
    is_ours: bool = False

    @property
    def completions(self) -> int:
        return self.completion * self.choices


def bound(envelope: Envelope, kind: BackendKind, window: int | None, longest: int | None) -> Bound | str:
    """What an attempt at a backend of this kind can take; in words why nothing bounds it.

    `window`: tokens of prompt and answer together, where known. `longest`: the policy's own bound for answers.
    """
    if envelope.endpoint is Endpoint.UNKNOWN:
        return "what a route that the gateway does not know costs cannot be told beforehand"
    if Need.WEB_SEARCH in envelope.needs:
        return "what a web search costs cannot be told beforehand"
    prompt = _prompt(envelope, window)
    if prompt is None:
        return (
            "how many tokens images, recordings and files are can only be told where the backend's `context_tokens` is"
        )
    if envelope.endpoint in _NO_ANSWER:
        return Bound(prompt, 0)
    said = _said(envelope)
    tokens = _usual(envelope, kind, longest) if said is None else said
    return Bound(prompt, tokens if window is None else min(tokens, window), _choices(envelope), is_ours=said is None)


def capped(envelope: Envelope, tokens: int, model: str) -> Envelope:
    """The same request with a bound on its answer, in its own dialect and as the model has it. Other fields keep their
    bytes."""
    document: dict[str, Any] = envelope.document
    if envelope.endpoint in _GENERATIONS:
        changes: dict[str, Any] = {"parameters": {**parameters(document), "max_new_tokens": tokens}}
    else:
        is_chat = envelope.endpoint is Endpoint.CHAT
        changes = {"max_completion_tokens" if is_chat and is_newer(model) else "max_tokens": tokens}
    body = with_fields(envelope.body, changes)
    return msgspec.structs.replace(envelope, body=body, document={**document, **changes}, max_tokens=tokens)


def metered(envelope: Envelope) -> Envelope:
    """The same request with the usage asked for at the end of its stream, which is to stay with us."""
    if not envelope.stream or envelope.endpoint not in (Endpoint.CHAT, Endpoint.COMPLETIONS):
        return envelope
    given = envelope.document.get("stream_options")
    options: dict[str, Any] = given if type(given) is dict else {}
    if options.get("include_usage") is True:
        return envelope
    changes = {"stream_options": {**options, "include_usage": True}}
    body = with_fields(envelope.body, changes)
    return msgspec.structs.replace(envelope, body=body, document={**envelope.document, **changes}, keeps_usage=True)


def _prompt(envelope: Envelope, window: int | None) -> int | None:
    if envelope.needs & _UNCOUNTABLE:
        return window
    most = len(envelope.body) + TEMPLATE_TOKENS + (TOOLS_TOKENS if Need.TOOLS in envelope.needs else 0)
    return most if window is None else min(most, window * _prompts(envelope.document))


def _usual(envelope: Envelope, kind: BackendKind, longest: int | None) -> int:
    if envelope.endpoint is Endpoint.COMPLETIONS and kind in (BackendKind.OPENAI, BackendKind.VLLM):
        return _USUAL_COMPLETION
    return DEFAULT_TOKENS if longest is None else longest


def _said(envelope: Envelope) -> int | None:
    """The larger of the two names that chats have for it: which of them a server follows is its own affair."""
    if envelope.endpoint in _GENERATIONS:
        return envelope.max_tokens
    given = [envelope.document.get(name) for name in ("max_tokens", "max_completion_tokens")]
    return max((each for each in given if type(each) is int), default=None)


def _choices(envelope: Envelope) -> int:
    """How many answers are made, shown or not, of how many prompts."""
    document: Mapping[str, Any] = envelope.document
    given = [document.get(name) for name in ("n", "best_of")]
    if envelope.endpoint in _GENERATIONS:
        given = [parameters(document).get("best_of")]
    several = max((each for each in given if type(each) is int), default=1)
    return max(1, several) * _prompts(document)


def _prompts(document: Mapping[str, Any]) -> int:
    prompts = next((each for name in ("prompt", "input") if type(each := document.get(name)) is list), [])
    return len(prompts) if prompts and type(prompts[0]) is not int else 1
