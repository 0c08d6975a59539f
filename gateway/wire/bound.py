"""The most tokens that an attempt can be billed for, before it is made; and making that true where the client did not.

A prompt's bound does not estimate: no tokeniser in use makes more tokens of a text than it has bytes, and what a chat's
template adds is small. What is not text may be any number of tokens, so only the model's own window bounds it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.core.types import BackendKind, Endpoint, Envelope, Need
from gateway.wire.generate_request import DEFAULT_MAX_TOKENS
from gateway.wire.needs import parameters
from gateway.wire.openai_exchange import is_newer
from gateway.wire.splice import with_more

DEFAULT_TOKENS = 4_096
"""How long an answer may be where neither the client nor the policy says."""
LEAST_TOKENS = 256
"""How far a bound of the gateway's own may shrink to what is still affordable."""
TEMPLATE_TOKENS, TOOLS_TOKENS = 128, 512
"""More than any known chat template adds to what the client wrote; and where it has to explain tools."""

_USUAL_COMPLETION = 16
"""What OpenAI's older completions, and servers that follow it, answer with where no bound is given."""
_ENGINES = frozenset({BackendKind.VLLM, BackendKind.SGLANG})
_COMPLETING = _ENGINES | {BackendKind.OPENAI}
RESPONSES = "/v1/responses"
_USUAL_TIERS = frozenset({None, "auto", "default", "flex"})
_TEXTS = frozenset({"text", "refusal", "input_text", "output_text"})
_ITEMS = frozenset({None, "message", "function_call", "function_call_output"})
_FUNCTIONS = frozenset({"function", "custom"})
_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
"""What a request to `/v1/responses` has of its prompt outside of itself."""
_MARKDOWN_IMAGES = (b"](", b"\\u00")
"""Of which TGI makes pictures: as they are written, or may be."""
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
    if envelope.endpoint is Endpoint.UNKNOWN and not is_responses(envelope):
        return "what a route that the gateway does not know costs cannot be told beforehand; ask on one that it does"
    surcharge = _surcharge(envelope)
    if surcharge is not None:
        return surcharge
    prompt = _prompt(envelope, kind, window)
    if prompt is None:
        return (
            "how many tokens images, recordings, files and what else is no text in the request are can only be told "
            "where the backend's `context_tokens` is; say it in the policy"
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
        given = parameters(document) if document.get("parameters") is not None else {"do_sample": True}
        changes: dict[str, Any] = {"parameters": {**given, "max_new_tokens": tokens}}  # TGI samples if there are none
    elif envelope.endpoint is Endpoint.UNKNOWN:
        changes = {"max_output_tokens": tokens}
    else:
        is_chat = envelope.endpoint is Endpoint.CHAT
        changes = {"max_completion_tokens" if is_chat and is_newer(model) else "max_tokens": tokens}
    body = with_more(envelope.body, document, changes)
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
    body = with_more(envelope.body, envelope.document, changes)
    return msgspec.structs.replace(envelope, body=body, document={**envelope.document, **changes}, keeps_usage=True)


def is_responses(envelope: Envelope) -> bool:
    """Of the routes that the gateway passes through as they are, the one whose bound it can tell."""
    path = envelope.path.split("?", 1)[0]
    return path == RESPONSES and envelope.method == "POST" and type(envelope.document) is dict


def _surcharge(envelope: Envelope) -> str | None:
    """What in a request may cost more than its tokens at their price, or more of them than its bound says."""
    document: Mapping[str, Any] = envelope.document
    if Need.WEB_SEARCH in envelope.needs or _runs_tools(document.get("tools")):
        return "what a web search and other tools of the provider cost cannot be told beforehand; leave them out"
    if document.get("prediction") is not None:
        return "what a `prediction` that is not met costs comes on top of the answer; leave it out"
    tier = document.get("service_tier")
    if type(tier) not in (str, type(None)) or tier not in _USUAL_TIERS:
        return "a `service_tier` has a price of its own; leave it out"
    choices = (document.get(name) for name in ("n", "best_of"))
    if any(each is not None and type(each) is not int for each in choices):
        return "how many answers are asked for cannot be read; say `n` and `best_of` as whole numbers"
    return None


def _runs_tools(tools: Any) -> bool:
    """Whether some are the provider's own, or none that we know."""
    if type(tools) is not list:
        return tools is not None
    return any(type(tool) is not dict or tool.get("type", "function") not in _FUNCTIONS for tool in tools)


def _prompt(envelope: Envelope, kind: BackendKind, window: int | None) -> int | None:
    if not _is_text(envelope, kind):
        return window
    has_tools = Need.TOOLS in envelope.needs or envelope.document.get("tools")
    most = len(envelope.body) + TEMPLATE_TOKENS + (TOOLS_TOKENS if has_tools else 0)
    return most if window is None else min(most, window * _prompts(envelope.document))


def _is_text(envelope: Envelope, kind: BackendKind) -> bool:
    """Whether the bytes of the body are all that the model reads."""
    document: Mapping[str, Any] = envelope.document
    if envelope.needs & _UNCOUNTABLE or document.get("chat_template") is not None:
        return False
    if kind is BackendKind.TGI and any(sign in envelope.body for sign in _MARKDOWN_IMAGES):
        return False
    if envelope.endpoint is Endpoint.UNKNOWN:
        given = document.get("input")
        is_here = all(document.get(name) is None for name in _ELSEWHERE)
        return is_here and (type(given) is str or (type(given) is list and all(map(_is_text_item, given))))
    messages = document.get("messages") if envelope.endpoint is Endpoint.CHAT else None
    return all(_is_text_content(each.get("content")) for each in messages or ())


def _is_text_item(item: Any) -> bool:
    if type(item) is not dict or item.get("type") not in _ITEMS:
        return False
    return _is_text_content(item.get("content")) and _is_text_content(item.get("output"))


def _is_text_content(content: Any) -> bool:
    if content is None or type(content) is str:
        return True
    return type(content) is list and all(type(part) is dict and part.get("type") in _TEXTS for part in content)


def _usual(envelope: Envelope, kind: BackendKind, longest: int | None) -> int:
    """What is answered where nobody says, if that is less than what the policy, or we, would say."""
    if envelope.endpoint is Endpoint.COMPLETIONS and kind in _COMPLETING:
        return _USUAL_COMPLETION
    most = DEFAULT_TOKENS if longest is None else longest
    return min(most, DEFAULT_MAX_TOKENS) if envelope.endpoint in _GENERATIONS and kind in _ENGINES else most


def _said(envelope: Envelope) -> int | None:
    """The larger of the two names that chats have for it: which of them a server follows is its own affair."""
    if envelope.endpoint in _GENERATIONS:
        return envelope.max_tokens
    names = ("max_output_tokens",) if envelope.endpoint is Endpoint.UNKNOWN else ("max_tokens", "max_completion_tokens")
    given = [envelope.document.get(name) for name in names]
    return max((each for each in given if type(each) is int and each >= 0), default=None)


def _choices(envelope: Envelope) -> int:
    """How many answers are made, shown or not, of how many prompts."""
    document: Mapping[str, Any] = envelope.document
    given = [document.get(name) for name in ("n", "best_of")]
    if envelope.endpoint in _GENERATIONS:
        given = [parameters(document).get("best_of")]
    several = max((each for each in given if type(each) is int), default=1)
    return max(1, several) * _prompts(document)


def _prompts(document: Mapping[str, Any]) -> int:
    """A list of messages counts as several, which is only too many."""
    prompts = next((each for name in ("prompt", "input") if type(each := document.get(name)) is list), [])
    return len(prompts) if prompts and type(prompts[0]) is not int else 1
