"""One request of the demo through the official client, and what came back with it."""

from typing import Any, NamedTuple

import openai

from gateway.demo.traffic import Example


class Visit(NamedTuple):
    """What one request met, read from nothing but the answer and its headers."""

    title: str
    status: int
    sensitivity: str
    complexity: str
    rule: str
    backend: str
    failed: str
    prompt_tokens: int
    completion_tokens: int
    code: str


async def ask(client: openai.AsyncOpenAI, example: Example) -> Visit:
    """As an application would: `model="gpt-4-turbo"`, streamed or not."""
    request: dict[str, Any] = {"model": "gpt-4-turbo", "messages": example.messages, "max_tokens": 120, **example.extra}
    try:
        if example.stream:
            return await _streamed(client, example, request)
        raw = await client.chat.completions.with_raw_response.create(**request)
        usage = raw.parse().usage
        return _visit(example, raw.status_code, raw.headers, usage)
    except openai.APIStatusError as error:
        return _visit(example, error.status_code, error.response.headers, None, error.code or "")


async def _streamed(client: openai.AsyncOpenAI, example: Example, request: dict[str, Any]) -> Visit:
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    usage = None
    async with client.chat.completions.with_streaming_response.create(**request, **options) as raw:
        async for chunk in await raw.parse():
            usage = chunk.usage or usage
        return _visit(example, raw.status_code, raw.headers, usage)


def _visit(example: Example, status: int, headers: Any, usage: Any, code: str = "") -> Visit:
    return Visit(
        title=example.title + (" (stream)" if example.stream else ""),
        status=status,
        sensitivity=headers.get("x-gateway-sensitivity", ""),
        complexity=headers.get("x-gateway-complexity", ""),
        rule=headers.get("x-gateway-rule", ""),
        backend=headers.get("x-gateway-backend", ""),
        failed=headers.get("x-gateway-failed-attempts", ""),
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
        code=code,
    )
