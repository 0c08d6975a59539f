"""Which format pair serves a request at a backend: one table, endpoint by kind of backend."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.types import BackendKind, BackendSpec, Endpoint, Envelope
from gateway.wire.exchange import Exchange
from gateway.wire.generate_as_chat import GenerateAsChat
from gateway.wire.generate_as_completions import GenerateAsCompletions
from gateway.wire.openai_exchange import OpenAIExchange, UnknownExchange
from gateway.wire.tgi_chat import ChatExchange, CompletionsExchange
from gateway.wire.tgi_native import NativeExchange

_Maker = Callable[[Envelope, BackendSpec], Exchange]


def choose(envelope: Envelope, spec: BackendSpec) -> Exchange:
    """The exchange for one attempt at `spec`. Raises AttemptFailed(UNABLE) where there is none.

    It may raise GatewayError too, where only the translation shows that the client made a mistake.
    """
    maker = _EXCHANGES[spec.kind].get(envelope.endpoint)
    if maker is None:
        raise _unable(f"a backend of kind `{spec.kind}` cannot answer `{envelope.endpoint}`")
    return maker(envelope, spec)


def _openai(envelope: Envelope, spec: BackendSpec) -> Exchange:
    return OpenAIExchange(envelope, _model(spec, envelope.endpoint), spec.kind)


def _unknown(envelope: Envelope, spec: BackendSpec) -> Exchange:
    return UnknownExchange(envelope)


def _tgi_chat(envelope: Envelope, spec: BackendSpec) -> Exchange:
    return ChatExchange(envelope, _model(spec, Endpoint.CHAT))


def _tgi_completions(envelope: Envelope, spec: BackendSpec) -> Exchange:
    return CompletionsExchange(envelope, _model(spec, Endpoint.COMPLETIONS))


def _native(envelope: Envelope, spec: BackendSpec) -> Exchange:
    return NativeExchange(envelope)


def _generate_as_chat(envelope: Envelope, spec: BackendSpec) -> Exchange:
    return GenerateAsChat(envelope, _model(spec, Endpoint.CHAT))


def _generate_as_completions(envelope: Envelope, spec: BackendSpec) -> Exchange:
    return GenerateAsCompletions(envelope, _model(spec, Endpoint.COMPLETIONS))


def _model(spec: BackendSpec, endpoint: Endpoint) -> str:
    model = spec.model_for(endpoint)
    if model is None:
        raise _unable(f"backend `{spec.name}` names no model for `{endpoint}`")
    return model


def _unable(detail: str) -> AttemptFailed:
    return AttemptFailed(FailureKind.UNABLE, detail, is_retryable=False)


_GENERATIONS = (Endpoint.GENERATE_ROOT, Endpoint.GENERATE, Endpoint.GENERATE_STREAM)
_OPENAI_ROUTES: Mapping[Endpoint, _Maker] = {
    Endpoint.CHAT: _openai,
    Endpoint.COMPLETIONS: _openai,
    Endpoint.EMBEDDINGS: _openai,
}
_CHATS: Mapping[Endpoint, _Maker] = {**_OPENAI_ROUTES, **dict.fromkeys(_GENERATIONS, _generate_as_chat)}
_ENGINE: Mapping[Endpoint, _Maker] = {
    **_OPENAI_ROUTES,
    **dict.fromkeys(_GENERATIONS, _generate_as_completions),
    Endpoint.UNKNOWN: _unknown,
}
_EXCHANGES: Mapping[BackendKind, Mapping[Endpoint, _Maker]] = MappingProxyType(
    {
        BackendKind.OPENAI: {**_CHATS, Endpoint.UNKNOWN: _unknown},
        BackendKind.LITELLM: _CHATS,
        BackendKind.VLLM: _ENGINE,
        BackendKind.SGLANG: _ENGINE,
        BackendKind.TGI: {
            Endpoint.CHAT: _tgi_chat,
            Endpoint.COMPLETIONS: _tgi_completions,
            **dict.fromkeys(_GENERATIONS, _native),
            Endpoint.TOKENIZE: _native,
            Endpoint.CHAT_TOKENIZE: _native,
            Endpoint.UNKNOWN: _unknown,
        },
    }
)
