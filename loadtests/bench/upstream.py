"""A mock upstream about as fast as Python gets: fixed OpenAI answers, whole or streamed, on a raw asyncio protocol."""

import argparse
import asyncio
import json
from typing import cast

import httptools
import uvloop

CHUNKS = 20
ANSWER_BYTES = 836
_MODEL = "mock"
_CREATED = 1_764_000_000


def _response(status: str, body: bytes, type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _answer(text: str) -> bytes:
    return json.dumps(
        {
            "id": "chatcmpl-mock",
            "object": "chat.completion",
            "created": _CREATED,
            "model": _MODEL,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 200, "completion_tokens": 110, "total_tokens": 310},
        },
        separators=(",", ":"),
    ).encode()


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": _CREATED, "model": _MODEL}
    return b"data: " + json.dumps({**chunk, "choices": [choice]}, separators=(",", ":")).encode() + b"\n\n"


def _framed(event: bytes) -> bytes:
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"


_WORDS = "The parts are in the second hall, ready to be sent today. "
_BARE = len(_answer(""))
ANSWER = _answer((_WORDS * 20)[: ANSWER_BYTES - _BARE])
WHOLE = _response("200 OK", ANSWER)
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
EVENTS = (
    [_event({"role": "assistant", "content": "part "})]
    + [_event({"content": f"number {n} "}) for n in range(2, CHUNKS + 1)]
    + [_event({}, "stop"), b"data: [DONE]\n\n"]
)
_FRAMES = [_framed(event) for event in EVENTS[:CHUNKS]] + [b"".join(map(_framed, EVENTS[CHUNKS:])) + b"0\r\n\r\n"]
_MODELS = {"object": "list", "data": [{"id": _MODEL, "object": "model", "created": _CREATED, "owned_by": "mock"}]}
_GETS = {
    b"/health": _response("200 OK", b""),
    b"/v1/models": _response("200 OK", json.dumps(_MODELS).encode()),
    b"/info": _response("200 OK", json.dumps({"model_id": _MODEL, "max_input_tokens": 16384}).encode()),
}
_UNKNOWN = _response("404 Not Found", b'{"error":{"message":"unknown url","type":"invalid_request_error"}}')


class Upstream(asyncio.Protocol):
    """One connection. Reads no more of a request than its path and whether it asks for a stream."""

    def __init__(self, pace_s: float) -> None:
        self._pace_s = pace_s
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._path = b""
        self._body.clear()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._path != b"/v1/chat/completions":
            self._transport.write(_GETS.get(self._path, _UNKNOWN))
        elif b'"stream":true' in self._body or b'"stream": true' in self._body:
            self._transport.write(STREAM_HEAD + _FRAMES[0])
            self._later(1)
        else:
            self._transport.write(WHOLE)

    def _later(self, place: int) -> None:
        loop = asyncio.get_running_loop()
        if self._pace_s:
            loop.call_later(self._pace_s, self._frame, place)
        else:
            loop.call_soon(self._frame, place)

    def _frame(self, place: int) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(_FRAMES[place])
        if place + 1 < len(_FRAMES):
            self._later(place + 1)


async def serve(port: int, pace_s: float) -> None:
    """Until cancelled."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Upstream(pace_s), "127.0.0.1", port, backlog=4096, reuse_address=True
    )
    print(f"upstream: listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8081, help="default 8081; 0 for any free one, which is printed")
    parser.add_argument(
        "--pace-ms", type=float, default=5.0, help="between two chunks of a stream (default 5; 0: none)"
    )
    given = parser.parse_args()
    uvloop.run(serve(given.port, given.pace_ms / 1000))


if __name__ == "__main__":
    main()
