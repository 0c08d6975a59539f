"""Every endpoint has its format pair at every kind of backend, or it is known that it has none."""

import pytest
from tgi_says import chat, envelope

from gateway.core.capabilities import CANNOT
from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.types import BackendKind, BackendSpec, Endpoint, Envelope, Need, Sensitivity, Zone
from gateway.wire.choose import choose

GENERATE = {"inputs": "Once"}
ASKED: dict[Endpoint, Envelope] = {
    Endpoint.CHAT: envelope(chat()),
    Endpoint.COMPLETIONS: envelope({"prompt": "Once"}, Endpoint.COMPLETIONS),
    Endpoint.EMBEDDINGS: envelope({"input": "Once"}, Endpoint.EMBEDDINGS),
    Endpoint.GENERATE_ROOT: envelope(GENERATE, Endpoint.GENERATE_ROOT),
    Endpoint.GENERATE: envelope(GENERATE, Endpoint.GENERATE, path="/generate"),
    Endpoint.GENERATE_STREAM: envelope(GENERATE, Endpoint.GENERATE_STREAM, path="/generate_stream"),
    Endpoint.TOKENIZE: envelope(GENERATE, Endpoint.TOKENIZE, path="/tokenize"),
    Endpoint.CHAT_TOKENIZE: envelope(chat(), Endpoint.CHAT_TOKENIZE, path="/chat_tokenize"),
    Endpoint.UNKNOWN: envelope({}, Endpoint.UNKNOWN, path="/v1/future"),
}
NEEDED = {
    Endpoint.EMBEDDINGS: Need.EMBEDDINGS,
    Endpoint.TOKENIZE: Need.TOKENIZE,
    Endpoint.CHAT_TOKENIZE: Need.TOKENIZE,
    Endpoint.UNKNOWN: Need.PASSTHROUGH,
}


def spec(kind: BackendKind, models: dict[str, str]) -> BackendSpec:
    return BackendSpec("some", kind, Zone("here", Sensitivity.PUBLIC), ("http://127.0.0.1:9",), models)


@pytest.mark.parametrize("kind", list(BackendKind))
@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_what_a_kind_can_do_by_the_table_has_an_exchange(kind: BackendKind, endpoint: Endpoint) -> None:
    backend = spec(kind, {"chat": "a-model", "embeddings": "an-embedder"})
    if NEEDED.get(endpoint) in CANNOT[kind]:
        with pytest.raises(AttemptFailed) as caught:
            choose(ASKED[endpoint], backend)
        assert caught.value.kind is FailureKind.UNABLE
        assert not caught.value.is_retryable
    else:
        exchange = choose(ASKED[endpoint], backend)
        assert exchange.method == "POST"
        assert exchange.path.startswith("/")
        assert exchange.rewriter().usage is None


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (BackendKind.TGI, "/generate"),
        (BackendKind.OPENAI, "/v1/chat/completions"),
        (BackendKind.LITELLM, "/v1/chat/completions"),
        (BackendKind.VLLM, "/v1/completions"),
        (BackendKind.SGLANG, "/v1/completions"),
    ],
)
def test_a_generation_goes_where_the_kind_generates(kind: BackendKind, path: str) -> None:
    assert choose(ASKED[Endpoint.GENERATE], spec(kind, {"chat": "a-model"})).path == path


@pytest.mark.parametrize("kind", list(BackendKind))
def test_a_backend_without_a_model_for_the_endpoint_is_unable(kind: BackendKind) -> None:
    with pytest.raises(AttemptFailed) as caught:
        choose(ASKED[Endpoint.CHAT], spec(kind, {"embeddings": "an-embedder"}))
    assert caught.value.kind is FailureKind.UNABLE
    assert not caught.value.is_retryable
