"""An envelope as the gateway makes it, a backend of a test's own, and a bare server that answers as a test wants."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from gateway.app import SystemClock
from gateway.backends.http_backend import HttpBackend
from gateway.core.types import (
    ANONYMOUS,
    BackendKind,
    BackendSpec,
    Endpoint,
    Envelope,
    Route,
    Sensitivity,
    Zone,
)
from gateway.simulators.server import serve

ON_PREM = Zone("on_prem", Sensitivity.RESTRICTED)
OUTSIDE = Zone("openai", Sensitivity.INTERNAL)
ROUTE = Route("frontier")
COMPLETION = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}'
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def envelope(endpoint: Endpoint = Endpoint.CHAT, path: str = "/v1/chat/completions", **fields: Any) -> Envelope:
    document = {"model": "m", "messages": [{"role": "user", "content": "Say hello"}], **fields}
    return Envelope(
        id="req_0123456789abcdef01234567",
        caller=ANONYMOUS,
        endpoint=endpoint,
        method="POST",
        path=path,
        model="m",
        stream=fields.get("stream", False),
        needs=frozenset(),
        prompt_tokens=7,
        max_tokens=None,
        received_at=0.0,
        deadline_s=60.0,
        body=json.dumps(document).encode(),
        document=document,
    )


class Server:
    """Answers every request with `status`, `headers` and `pieces`, and keeps the requests it got."""

    def __init__(self, *pieces: bytes, status: int = 200, **headers: str) -> None:
        self.pieces = pieces
        self.status = status
        self.headers = {"content-type": "application/json", **{key.replace("_", "-"): v for key, v in headers.items()}}
        self.seen: list[Message] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        while (await receive()).get("more_body", False):
            pass
        self.seen.append(scope)
        head = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": head})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def backend(
    *urls: str, kind: BackendKind = BackendKind.OPENAI, zone: Zone = ON_PREM, **more: Any
) -> AsyncIterator[HttpBackend]:
    models = {"": "m", "chat": "m", "completions": "m", "embeddings": "m"}
    opened = HttpBackend(BackendSpec("frontier", kind, zone, urls, models, **more), SystemClock())
    opened.open()
    try:
        yield opened
    finally:
        await opened.aclose()


@contextlib.asynccontextmanager
async def answered_by(server: Server, **more: Any) -> AsyncIterator[HttpBackend]:
    async with serve(server) as running, backend(running.url, **more) as opened:
        yield opened


async def until(claim: Callable[[], bool], within_s: float = 1.0) -> None:
    """Look again at every turn of the loop until it is so; fails when time is up."""
    async with asyncio.timeout(within_s):
        while not claim():
            await asyncio.sleep(0.005)
