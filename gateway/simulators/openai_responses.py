"""OpenAI's `/v1/responses`, as small as a client accepts: one message of text, with its event types."""

import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from gateway.simulators.openai_errors import outage, pretty
from gateway.simulators.openai_fields import RESPONSE, check
from gateway.simulators.openai_model import Model
from gateway.simulators.openai_speech import Speech, chat_speech, prompt_tokens
from gateway.simulators.reply import Events, Reply, event

Body = Mapping[str, Any]


async def responses(body: Body, model: Model) -> Reply:
    """Raises `Refusal` before anything has been sent."""
    check(body, RESPONSE, "model", "input")
    model.must_exist(body["model"])
    messages = _messages(body)
    prompt = prompt_tokens(messages)
    model.must_fit(prompt, "input")
    speech = chat_speech({"messages": messages, "max_tokens": body.get("max_output_tokens")}, 0, model.limits)
    shell = _shell(body)
    if body.get("stream"):
        return Events(_events(shell, prompt, speech, model))
    await model.say_whole(body["model"], prompt, speech.made)
    return pretty(_done(shell, _item(speech), prompt, speech))


def _messages(body: Body) -> list[dict[str, Any]]:
    given = body["input"]
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    system = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    return system + [{"role": "user", **each} for each in messages if isinstance(each, dict)]


async def _events(shell: dict[str, Any], prompt: int, speech: Speech, model: Model) -> AsyncGenerator[bytes, None]:
    number = -1

    def told(kind: str, **fields: Any) -> bytes:
        nonlocal number
        number += 1
        return b"event: " + kind.encode() + b"\n" + event({"type": kind, "sequence_number": number, **fields})

    if model.faults.error_event_first:
        error = outage(500).error
        yield told("error", code=error["type"], message=error["message"], param=None)
        return
    item = {**_item(speech), "status": "in_progress", "content": []}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    async with contextlib.aclosing(model.say(shell["model"], prompt, speech.made)) as steps:
        await anext(steps)
        yield told("response.created", response=shell)
        yield told("response.in_progress", response=shell)
        yield told("response.output_item.added", output_index=0, item=item)
        yield told("response.content_part.added", **place, part=_part(()))
        for piece in speech.text:
            await anext(steps)
            yield told("response.output_text.delta", **place, delta=piece, logprobs=[])
        await anext(steps, None)
    finished = {**item, "status": "completed", "content": [_part(speech.text)]}
    yield told("response.output_text.done", **place, text="".join(speech.text), logprobs=[])
    yield told("response.content_part.done", **place, part=_part(speech.text))
    yield told("response.output_item.done", output_index=0, item=finished)
    whole = _done(shell, finished, prompt, speech)
    yield told("response.completed" if whole["status"] == "completed" else "response.incomplete", response=whole)


def _shell(body: Body) -> dict[str, Any]:
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
        "metadata": {},
    }


def _item(speech: Speech) -> dict[str, Any]:
    identity = f"msg_{uuid.uuid4().hex}"
    content = [_part(speech.text)]
    return {"id": identity, "type": "message", "status": "completed", "role": "assistant", "content": content}


def _part(pieces: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "output_text", "text": "".join(pieces), "annotations": [], "logprobs": []}


def _done(shell: dict[str, Any], item: dict[str, Any], prompt: int, speech: Speech) -> dict[str, Any]:
    is_cut = speech.finish == "length"
    usage = {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": speech.made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + speech.made,
    }
    cause = {"reason": "max_output_tokens"} if is_cut else None
    status = "incomplete" if is_cut else "completed"
    return {**shell, "status": status, "incomplete_details": cause, "output": [item], "usage": usage}
