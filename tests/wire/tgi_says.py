"""Envelopes as the gateway makes them and events as TGI v3.3.7 writes them, for the tests of the TGI translations."""

import itertools
import json
from typing import Any

from gateway.core.errors import AttemptFailed, GatewayError, StreamBroken
from gateway.core.types import ANONYMOUS, Endpoint, Envelope
from gateway.wire.exchange import Rewriter

ID = "req_0123456789abcdef01234567"
MODEL = "meta-llama/Llama-3.3-70B-Instruct"


def envelope(document: Any, endpoint: Endpoint = Endpoint.CHAT, body: bytes | None = None, path: str = "/") -> Envelope:
    body = json.dumps(document).encode() if body is None else body
    is_stream = endpoint is Endpoint.GENERATE_STREAM or (isinstance(document, dict) and document.get("stream") is True)
    return Envelope(
        id=ID,
        caller=ANONYMOUS,
        endpoint=endpoint,
        method="POST",
        path=path,
        model="auto",
        stream=is_stream,
        needs=frozenset(),
        prompt_tokens=7,
        max_tokens=None,
        received_at=0.0,
        deadline_s=60.0,
        body=body,
        document=document,
    )


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": "Say hello"}], **fields}


def sse(*documents: Any, gap: str = " ") -> bytes:
    """An event stream; a text stands for itself, as in `[DONE]`."""
    rows = [row if isinstance(row, str) else json.dumps(row, separators=(",", ":")) for row in documents]
    return "".join(f"data:{gap}{row}\n\n" for row in rows).encode()


def chat_chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "logprobs": None, "finish_reason": reason, **more}
    return {**_head("chat.completion.chunk"), "choices": [choice], "usage": None}


def call_chunk(arguments: str, name: str | None = None) -> dict[str, Any]:
    call = {"index": 0, "id": "0", "type": "function", "function": {"name": name, "arguments": arguments}}
    return chat_chunk({"tool_calls": [call]})


def usage_chunk(prompt: int, completion: int) -> dict[str, Any]:
    return {**_head("chat.completion.chunk"), "choices": [], "usage": usage(prompt, completion)}


def text_chunk(text: str, reason: str = "", index: int = 0, reported: dict[str, int] | None = None) -> dict[str, Any]:
    choice = {"index": index, "text": text, "logprobs": None, "finish_reason": reason}
    chunk = {**_head("text_completion"), "choices": [choice]}
    return chunk if reported is None else {**chunk, "usage": reported}


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def chat_completion(message: dict[str, Any], reason: str = "stop", **more: Any) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "logprobs": None,
        "finish_reason": reason,
        **more,
    }
    return json.dumps({**_head("chat.completion"), "choices": [choice], "usage": usage(11, 5)}).encode()


def error_event(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "http_status_code": 422}}


def _head(kind: str) -> dict[str, Any]:
    return {"object": kind, "id": "", "created": 1700000000, "model": "served", "system_fingerprint": "3.3.7-native"}


def drive(rewriter: Rewriter, stream: bytes, cuts: list[int] | None = None) -> tuple[bytes, Exception | None]:
    """Everything a rewriter gives out when `stream` comes in pieces cut at `cuts`, and what it raised at last."""
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts or [])})
    out = b""
    try:
        for start, end in itertools.pairwise(edges):
            out += rewriter.feed(stream[start:end])
        out += rewriter.finish()
    except (AttemptFailed, GatewayError, StreamBroken) as error:
        return out, error
    return out, None


def events(raw: bytes) -> list[Any]:
    """The data of an event stream, JSON parsed; `[DONE]` stays text."""
    rows = [line[5:].strip() for line in raw.decode().split("\n") if line.startswith("data:")]
    return [row if row == "[DONE]" else json.loads(row) for row in rows]


def text_of(raw: bytes) -> str:
    choices = [row["choices"][0] for row in events(raw) if row != "[DONE]" and row["choices"]]
    return "".join((choice.get("delta", choice).get("content") or choice.get("text") or "") for choice in choices)


def deltas(raw: bytes) -> list[dict[str, Any]]:
    return [row["choices"][0]["delta"] for row in events(raw) if row != "[DONE]" and row["choices"]]


def reasons(raw: bytes) -> list[str | None]:
    return [row["choices"][0]["finish_reason"] for row in events(raw) if row != "[DONE]" and row["choices"]]
