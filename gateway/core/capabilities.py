"""What each kind of backend cannot do, as one table: a request that needs it goes elsewhere or is refused, never bent.

Sources: TGI's router (v3.3.7), the vLLM and SGLang documentation, OpenAI's API reference. A policy may take a word out
of a backend's row with `can:` (a TGI that serves a vision model can do images) or add one with `cannot:`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.types import BackendKind, Need

TELL_THEIR_QUEUE = frozenset({BackendKind.TGI, BackendKind.VLLM, BackendKind.SGLANG})
"""Kinds whose servers say how many requests wait: only of those can be known that they are saturated."""

_ENGINE = frozenset({Need.AUDIO, Need.FILES, Need.IMAGES, Need.WEB_SEARCH})

CANNOT: Mapping[BackendKind, frozenset[Need]] = MappingProxyType(
    {
        BackendKind.TGI: _ENGINE
        | {
            Need.PARALLEL_TOOL_CALLS,
            Need.TOOLS_WITH_RESPONSE_FORMAT,
            Need.JSON_OBJECT,
            Need.SEVERAL_CHOICES,
            Need.LOGIT_BIAS,
            Need.MANY_LOGPROBS,
            Need.MANY_STOPS,
            Need.LARGE_BODY,
            Need.EMBEDDINGS,
        },
        BackendKind.VLLM: _ENGINE | {Need.TOKENIZE},
        BackendKind.SGLANG: _ENGINE | {Need.TOKENIZE},
        BackendKind.OPENAI: frozenset({Need.REGEX, Need.TOKENIZE}),
        BackendKind.LITELLM: frozenset({Need.REGEX, Need.TOKENIZE, Need.PASSTHROUGH}),
    }
)
