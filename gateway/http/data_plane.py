"""The plain ASGI room in front of FastAPI: everything that carries content goes through here."""

import os
import time
from collections.abc import Awaitable, Callable

from gateway.core.errors import GatewayError
from gateway.core.keys import KeyRing
from gateway.core.tracing import Tracing
from gateway.core.types import Endpoint, Envelope
from gateway.core.usage import Usage
from gateway.http.accept import Acceptance, ClientLeft, Receive, Scope, accept
from gateway.http.respond import AsgiResponder, CutConnection, Headers, Send
from gateway.pipeline import Pipeline
from gateway.turnstile import Turnstile

ENDPOINTS: dict[str, Endpoint] = {
    "/v1/chat/completions": Endpoint.CHAT,
    "/v1/completions": Endpoint.COMPLETIONS,
    "/v1/embeddings": Endpoint.EMBEDDINGS,
    "/": Endpoint.GENERATE_ROOT,
    "/generate": Endpoint.GENERATE,
    "/generate_stream": Endpoint.GENERATE_STREAM,
    "/tokenize": Endpoint.TOKENIZE,
    "/chat_tokenize": Endpoint.CHAT_TOKENIZE,
}


def endpoint_of(method: str, path: str) -> Endpoint | None:
    """What the client called; None: not the data plane's. `GET /v1/models` is answered by the gateway itself."""
    if method == "POST":
        endpoint = ENDPOINTS.get(path)
        if endpoint is not None:
            return endpoint
    if not path.startswith("/v1/") or (method == "GET" and (path == "/v1/models" or path.startswith("/v1/models/"))):
        return None
    return Endpoint.UNKNOWN


class DataPlane:
    """Accept, run the pipeline, answer. `pipeline` is asked once per request, so a reload is one assignment.

    `tracing`: which requests a collector is told of; None: there is none.
    `turned_away` is told the code of each refusal that came before there was an Envelope, and so leaves no Record.
    """

    def __init__(
        self,
        pipeline: Callable[[], Pipeline],
        max_body_bytes: int,
        turned_away: Callable[[str], None],
        tracing: Tracing | None = None,
        keys: KeyRing | None = None,
    ) -> None:
        self._keys = keys
        self._pipeline = pipeline
        self._max_body_bytes = max_body_bytes
        self._tracing = tracing
        self._turned_away = turned_away

    async def __call__(self, scope: Scope, receive: Receive, send: Send, endpoint: Endpoint) -> None:
        pipeline = self._pipeline()
        pipeline.in_flight += 1
        responder = AsgiResponder(send, endpoint)
        request_id = f"req_{int(time.time() * 1000):012x}{os.urandom(6).hex()}"  # in order, so that indexes append
        try:
            acceptance = Acceptance(
                request_id, endpoint, pipeline.policy, self._max_body_bytes, self._tracing, self._keys
            )
            envelope = await accept(scope, receive, acceptance)
            if pipeline.turnstile is None:
                await pipeline.serve(envelope, _leaving(receive), responder)
            else:
                await _through(pipeline.turnstile, pipeline, envelope, receive, responder)
        except GatewayError as error:  # before there was an envelope: the pipeline answers its own
            self._turned_away(error.code)
            await responder.refuse(error, _at_the_gate(request_id, error))
        except (ClientLeft, CutConnection):
            return
        finally:
            pipeline.in_flight -= 1


async def _through(
    turnstile: Turnstile, pipeline: Pipeline, envelope: Envelope, receive: Receive, responder: AsgiResponder
) -> None:
    """As a request that its caller's rate limits let in, and are told the end of. Raises GatewayError 429."""
    admission = await turnstile.admit(envelope)
    responder.rates = admission.headers
    usage: Usage | None = None
    try:
        usage = await pipeline.serve(envelope, _leaving(receive), responder)
    finally:
        admission.end(usage)


def _at_the_gate(request_id: str, error: GatewayError) -> Headers:
    """Headers of a refusal before there was an Envelope. An unread body must not be taken for the next request."""
    headers: Headers = [(b"x-request-id", request_id.encode())]
    if error.status == 413:
        headers.append((b"connection", b"close"))
    return headers


def _leaving(receive: Receive) -> Callable[[], Awaitable[None]]:
    async def client_left() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    return client_left
