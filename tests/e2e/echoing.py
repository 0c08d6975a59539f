"""A model that says what it was told: OpenAI's formats around an echo, in small pieces, at a pace that a test sets."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from gateway.simulators.server import serve


class Echo:
    """An ASGI application. `bodies` is what it was sent; each stream stops behind its first piece until `go_on`."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.size = 3
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if scope["method"] != "POST":
            await _whole(send, {"object": "list", "data": []})
            return
        self.bodies.append(body)
        asked = json.loads(body)
        if asked.get("stream"):
            await self._stream(send, asked)
        else:
            await _whole(send, {"id": "e", "object": "x", "choices": _choices(asked), "usage": _USAGE})

    async def _stream(self, send: Any, asked: dict[str, Any]) -> None:
        await _head(send, b"text/event-stream")
        first = True
        for choice in _choices(asked):
            for delta in self._pieces(choice):
                if not first:
                    await self.go_on.wait()
                await _event(send, {"index": choice["index"], "finish_reason": None, **delta})
                first = False
            last = {"text": ""} if "text" in choice else {"delta": {}}
            await _event(send, {"index": choice["index"], "finish_reason": choice["finish_reason"], **last})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    def _pieces(self, choice: dict[str, Any]) -> list[dict[str, Any]]:
        if "text" in choice:
            return [{"text": piece} for piece in self._cut(choice["text"])]
        calls = choice["message"].get("tool_calls")
        if not calls:
            return [{"delta": {"content": piece}} for piece in self._cut(choice["message"]["content"])]
        function = calls[0]["function"]
        opening = {"index": 0, "id": "c", "type": "function", "function": {"name": function["name"], "arguments": ""}}
        rest = [{"index": 0, "function": {"arguments": piece}} for piece in self._cut(function["arguments"])]
        return [{"delta": {"tool_calls": [call]}} for call in (opening, *rest)]

    def _cut(self, text: str) -> list[str]:
        return [text[at : at + self.size] for at in range(0, len(text), self.size)]


_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


@contextlib.asynccontextmanager
async def an_echo() -> AsyncIterator[Echo]:
    echo = Echo()
    async with serve(echo) as running:
        echo.url = running.url
        yield echo


def _choices(asked: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"index": number, "finish_reason": "stop", **_said(asked)} for number in range(asked.get("n") or 1)]


def _said(asked: dict[str, Any]) -> dict[str, Any]:
    if "prompt" in asked:
        return {"text": asked["prompt"], "logprobs": None}
    text = asked["messages"][-1]["content"]
    if asked.get("tools"):
        function = {"name": asked["tools"][0]["function"]["name"], "arguments": json.dumps({"text": text})}
        call = {"id": "c", "type": "function", "function": function}
        return {"message": {"role": "assistant", "content": None, "tool_calls": [call]}}
    if (asked.get("response_format") or {}).get("type") == "json_object":
        text = json.dumps({"answer": text})
    return {"message": {"role": "assistant", "content": text}}


async def _live(receive: Any, send: Any) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _head(send: Any, content_type: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})


async def _whole(send: Any, answer: object) -> None:
    await _head(send, b"application/json")
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _event(send: Any, choice: dict[str, Any]) -> None:
    row = json.dumps({"id": "e", "object": "chat.completion.chunk", "choices": [choice]}).encode()
    await send({"type": "http.response.body", "body": b"data: " + row + b"\n\n", "more_body": True})
