"""A stand-in for the Hub's endpoints API, which knows one endpoint."""

import json
from typing import Any

from asked import Message, Receive, Send

CREATED = "2026-11-01T08:00:00.000Z"


class Hub:
    """The endpoints API for `acme/llama`: answers with `state`, or with `status` and `body` where those are set."""

    def __init__(self, state: Any = "running", url: Any = "http://10.0.0.1:8080/") -> None:
        self.state, self.url = state, url
        self.status, self.body, self.is_silent = 200, b"", False
        self.asked: list[tuple[str, str]] = []
        self.keys: set[bytes] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.asked.append((scope["method"], scope["path"]))
        self.keys |= {value for name, value in scope["headers"] if name == b"authorization"}
        while self.is_silent and (await receive())["type"] != "http.disconnect":
            pass
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": head})
        await send({"type": "http.response.body", "body": self.body or self._endpoint(scope["path"])})

    def _endpoint(self, path: str) -> bytes:
        if path.endswith("/resume"):
            self.state = "initializing"
        status = {"state": self.state, "createdAt": CREATED, "updatedAt": CREATED, "message": ""}
        model = {"repository": "acme/llama", "framework": "custom", "revision": "main", "task": "text-generation"}
        endpoint = {"name": "llama", "type": "protected", "healthRoute": "/health", "model": model, "status": status}
        return json.dumps(
            endpoint | {"status": status | ({"url": self.url} if self.state == "running" else {})}
        ).encode()
