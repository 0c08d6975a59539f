"""Reading a request once: its document, and what routing has to know of it.

Refused is what no backend could understand, or what would mean different things to us and to a backend. Everything
else, unknown fields included, is left to whoever answers.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from gateway.core.errors import GatewayError
from gateway.core.types import Endpoint, Need
from gateway.wire import content, needs
from gateway.wire.document import parse
from gateway.wire.mistakes import wrong_type, wrong_value

_BYTES_A_TOKEN = 4
_MOST_TOKENS = 2**31 - 1
_LARGE_BODY = 2_000_000
_PASSTHROUGH = frozenset({Need.PASSTHROUGH})


class Reading(msgspec.Struct, frozen=True):
    """What a body says. `document` is None where it could not be read; `model` is "" where none is named.

    `prompt_tokens` is an estimate: a quarter of the body's bytes, where every inline image, recording or file counts
    as `content.MEDIUM_TOKENS` and not by its bytes.
    """

    document: Any
    model: str
    stream: bool
    max_tokens: int | None
    prompt_tokens: int
    needs: frozenset[Need]

    def __repr__(self) -> str:
        return f"Reading(stream={self.stream}, prompt_tokens={self.prompt_tokens}, needs={sorted(self.needs)})"


def read(endpoint: Endpoint, body: bytes) -> Reading:
    """The body of a known endpoint. Raises GatewayError(400), with `param` where a field is at fault."""
    document = parse(body)
    if type(document) is not dict:
        raise GatewayError(400, "invalid_type", "the body must be a JSON object")
    shape = _SHAPES[endpoint]
    carried = shape.content(document)
    found = shape.needs(document)
    if carried.needs:
        found |= carried.needs
    if len(body) > _LARGE_BODY:
        found |= {Need.LARGE_BODY}
    return Reading(
        document,
        _model(document),
        _stream(document) or endpoint is Endpoint.GENERATE_STREAM,
        shape.max_tokens(document),
        max(len(body) - carried.media_bytes, 0) // _BYTES_A_TOKEN + carried.media_tokens,
        found,
    )


def read_unknown(content_type: str, body: bytes) -> Reading:
    """The body of a route we do not know; never an error. What is not JSON, or not sound JSON, counts as unreadable."""
    document = _document(content_type, body)
    fields = document if type(document) is dict else {}
    model, stream = fields.get("model"), fields.get("stream")
    return Reading(
        document,
        model if type(model) is str else "",
        stream is True,
        None,
        len(body) // _BYTES_A_TOKEN,
        _PASSTHROUGH,
    )


def _document(content_type: str, body: bytes) -> Any:
    if not body:
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return None
    try:
        return parse(body)
    except GatewayError:
        return None


def _model(document: Mapping[str, Any]) -> str:
    """A null is as good as no model: TGI's clients send it."""
    model = document.get("model")
    if model is None:
        return ""
    if type(model) is not str:
        raise wrong_type("model", "a string")
    return model


def _stream(document: Mapping[str, Any]) -> bool:
    stream = document.get("stream")
    if stream is not None and type(stream) is not bool:
        raise wrong_type("stream", "true or false")
    return stream is True


def _bound(fields: Mapping[str, Any], name: str) -> int | None:
    """Nobody means more than two billion tokens, and a number without bounds would not fit into the record."""
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is not int:
        raise wrong_type(name, "a whole number")
    if not 0 <= value <= _MOST_TOKENS:
        raise wrong_value(name, f"a whole number from 0 to {_MOST_TOKENS}")
    return value


def _completion_bound(document: Mapping[str, Any]) -> int | None:
    newer, older = _bound(document, "max_completion_tokens"), _bound(document, "max_tokens")
    return older if newer is None else newer


def _new_token_bound(document: Mapping[str, Any]) -> int | None:
    return _bound(needs.parameters(document), "max_new_tokens")


def _no_bound(document: Mapping[str, Any]) -> None:
    return None


class _Shape(NamedTuple):
    """How an endpoint's fields are read."""

    content: Callable[[Mapping[str, Any]], content.Content]
    needs: Callable[[Mapping[str, Any]], frozenset[Need]]
    max_tokens: Callable[[Mapping[str, Any]], int | None]


_GENERATION = _Shape(content.inputs, needs.generate, _new_token_bound)
_SHAPES: Mapping[Endpoint, _Shape] = MappingProxyType(
    {
        Endpoint.CHAT: _Shape(content.messages, needs.chat, _completion_bound),
        Endpoint.COMPLETIONS: _Shape(content.prompt, needs.completions, _completion_bound),
        Endpoint.EMBEDDINGS: _Shape(content.embedded, needs.embeddings, _no_bound),
        Endpoint.GENERATE_ROOT: _GENERATION,
        Endpoint.GENERATE: _GENERATION,
        Endpoint.GENERATE_STREAM: _GENERATION,
        Endpoint.TOKENIZE: _Shape(content.inputs, needs.tokenize, _no_bound),
        Endpoint.CHAT_TOKENIZE: _Shape(content.messages, needs.tokenize, _no_bound),
    }
)
