"""OpenAI's `/v1/chat/completions`, streamed and not."""

import contextlib
import itertools
import re
import time
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

from gateway.simulators.openai_errors import Refusal, missing, outage, pretty
from gateway.simulators.openai_fields import CHAT, check, check_options, wrong_type
from gateway.simulators.openai_model import Model
from gateway.simulators.openai_speech import Call, Speech, chat_speech, logprobs_of, prompt_tokens
from gateway.simulators.reply import DONE, Events, Reply, event

Body = Mapping[str, Any]

ROLES = ("developer", "system", "user", "assistant", "tool", "function")
FORMATS = ("json_object", "json_schema", "text")
NEWER = re.compile(r"gpt-[5-9]|o\d")
"""Models that know `max_completion_tokens` alone."""


async def chat(body: Body, model: Model) -> Reply:
    """Raises `Refusal` before anything has been sent."""
    check(body, CHAT, "model", "messages")
    check_options(body)
    model.must_exist(body["model"])
    _check_messages(body["messages"])
    _check_combinations(body)
    _check_tools(body.get("tools") or [])
    _check_format(body)
    prompt = prompt_tokens(body["messages"])
    model.must_fit(prompt, "messages")
    choices = [chat_speech(body, index, model.limits) for index in range(body.get("n") or 1)]
    if body.get("stream"):
        return Events(_events(body, prompt, choices, model))
    await model.say_whole(body["model"], prompt, sum(choice.made for choice in choices))
    told = [_choice(index, choice, body) for index, choice in enumerate(choices)]
    return pretty({**_head("chat.completion", body), "choices": told, "usage": _usage(prompt, choices), **_tail(model)})


def _check_messages(messages: list[Any]) -> None:
    if not messages:
        message = "Invalid 'messages': empty array. Expected an array with minimum length 1."
        raise Refusal(400, message, param="messages", code="empty_array")
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict):
            raise wrong_type(where, "an object", message)
        if message.get("role") is None:
            raise missing(f"{where}.role")
        if message["role"] not in ROLES:
            text = f"Invalid value: '{message['role']}'. Supported values are: {', '.join(map(repr, ROLES))}."
            raise Refusal(400, text, param=f"{where}.role", code="invalid_value")
        if message.get("content") is None and message["role"] != "assistant":
            raise wrong_type(f"{where}.content", "a string or an array", None)


def _check_combinations(body: Body) -> None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        text = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise Refusal(400, text, param="max_tokens", code="invalid_parameter_combination")
    if body.get("max_tokens") is not None and NEWER.match(body["model"]):
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise Refusal(400, text, param="max_tokens", code="unsupported_parameter")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        text = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        raise Refusal(400, text, param="top_logprobs")
    if body.get("tool_choice") is not None and not body.get("tools"):
        raise Refusal(400, "'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")


def _check_tools(tools: list[Any]) -> None:
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        if not isinstance(tool, dict):
            raise wrong_type(where, "an object", tool)
        if tool.get("type") == "function" and not isinstance(tool.get("function"), dict):
            raise missing(f"{where}.function")
        if tool.get("type") == "function" and not isinstance(tool["function"].get("name"), str):
            raise missing(f"{where}.function.name")


def _check_format(body: Body) -> None:
    form = body.get("response_format") or {"type": "text"}
    if form.get("type") not in FORMATS:
        text = f"Invalid value: '{form.get('type')}'. Supported values are: {', '.join(map(repr, FORMATS))}."
        raise Refusal(400, text, param="response_format.type", code="invalid_value")
    if form["type"] == "json_schema":
        _check_schema(form.get("json_schema"))
    if form["type"] == "json_object" and "json" not in str(body["messages"]).lower():
        text = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        raise Refusal(400, text, param="messages")


def _check_schema(form: Any) -> None:
    if not isinstance(form, dict):
        raise missing("response_format.json_schema")
    if not form.get("name"):
        raise missing("response_format.json_schema.name")
    schema = form.get("schema") or {}
    if not isinstance(schema, dict):
        raise wrong_type("response_format.json_schema.schema", "an object", schema)
    if form.get("strict") and schema.get("additionalProperties") is not False:
        text = (
            f"Invalid schema for response_format '{form['name']}': 'additionalProperties' must be given and be false."
        )
        raise Refusal(400, text, param="response_format")


def _choice(index: int, choice: Speech, body: Body) -> dict[str, Any]:
    content = None if choice.calls else "".join(choice.text)
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None, "annotations": []}
    if choice.calls:
        message["tool_calls"] = [_whole_call(call) for call in choice.calls]
    told = logprobs_of(choice.text, body.get("top_logprobs") or 0) if body.get("logprobs") else None
    return {"index": index, "message": message, "logprobs": told, "finish_reason": choice.finish}


def _whole_call(call: Call) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": "".join(call.arguments)}}


async def _events(body: Body, prompt: int, choices: list[Speech], model: Model) -> AsyncGenerator[bytes, None]:
    """Role first, a token a chunk, the finish alone, the usage where asked for, `[DONE]`."""
    head, tail = _head("chat.completion.chunk", body), _tail(model)
    options = body.get("stream_options") or {}
    wants_usage = bool(options.get("include_usage"))
    extra: dict[str, Any] = {"usage": None} if wants_usage else {}

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None, told: Any = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": told, "finish_reason": finish}
        return event(model.obfuscated({**head, **tail, "choices": [choice], **extra}, options))

    if model.faults.error_event_first:
        yield event({"error": outage(500).error})
        return
    async with contextlib.aclosing(model.say(body["model"], prompt, sum(choice.made for choice in choices))) as steps:
        await anext(steps)
        for index, choice in enumerate(choices):
            content = None if choice.calls else ""
            yield chunk(index, {"role": "assistant", "content": content, "refusal": None})
        for index, delta, told in _in_turn(choices, body):
            await anext(steps, None)
            yield chunk(index, delta, None, told)
        for index, choice in enumerate(choices):
            yield chunk(index, {}, choice.finish)
        await anext(steps, None)
    if wants_usage:
        yield event(model.obfuscated({**head, **tail, "choices": [], "usage": _usage(prompt, choices)}, options))
    yield DONE


def _in_turn(choices: list[Speech], body: Body) -> Iterator[tuple[int, dict[str, Any], Any]]:
    """The choices grow side by side."""
    for row in itertools.zip_longest(*(_deltas(choice, body) for choice in choices)):
        for index, step in enumerate(row):
            if step is not None:
                yield index, *step


def _deltas(choice: Speech, body: Body) -> Iterator[tuple[dict[str, Any], Any]]:
    for piece in choice.text:
        told = logprobs_of((piece,), body.get("top_logprobs") or 0) if body.get("logprobs") else None
        yield {"content": piece}, told
    for index, call in enumerate(choice.calls):
        opening = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield {"tool_calls": [opening]}, None
        for piece in call.arguments:
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, None


def _head(kind: str, body: Body) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex[:29]}",
        "object": kind,
        "created": int(time.time()),
        "model": body["model"],
    }


def _tail(model: Model) -> dict[str, Any]:
    return {"service_tier": "default", "system_fingerprint": model.fingerprint}


def _usage(prompt: int, choices: list[Speech]) -> dict[str, Any]:
    completion = sum(choice.made for choice in choices)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
