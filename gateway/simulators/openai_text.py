"""OpenAI's `/v1/completions`: one or many prompts, one or many choices each, in order."""

import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from gateway.simulators.openai_errors import Refusal, outage, pretty
from gateway.simulators.openai_fields import COMPLETION, check, check_options
from gateway.simulators.openai_model import Model
from gateway.simulators.openai_speech import Speech, text_speech
from gateway.simulators.reply import DONE, Events, Reply, event
from gateway.simulators.wording import logprob, rivals, tokens

Body = Mapping[str, Any]


async def completions(body: Body, model: Model) -> Reply:
    """Raises `Refusal` before anything has been sent."""
    check(body, COMPLETION, "model", "prompt")
    check_options(body)
    model.must_exist(body["model"])
    prompts = prompts_of(body["prompt"])
    counted = sum(count for _, count in prompts)
    model.must_fit(counted, "prompt")
    choices = [
        text_speech(prompt, body, index, model.limits) for prompt, _ in prompts for index in range(body.get("n") or 1)
    ]
    if body.get("stream"):
        return Events(_events(body, counted, choices, model))
    await model.say_whole(body["model"], counted, sum(choice.made for choice in choices))
    told = [_choice(index, choice.text, choice.finish, body) for index, choice in enumerate(choices)]
    return pretty({**_head(body), "choices": told, "usage": _usage(counted, choices)})


def prompts_of(given: Any, param: str = "prompt") -> list[tuple[str, int]]:
    """The prompts as text with their token counts: a string, strings, token numbers, or lists of token numbers."""
    many = given if isinstance(given, list) and not all(isinstance(each, int) for each in given) else [given]
    if given == [] or not all(isinstance(each, str | list) for each in many):
        message = f"Invalid type for '{param}': expected strings or tokens."
        raise Refusal(400, message, param=param, code="invalid_type")
    return [(each, len(tokens(each))) if isinstance(each, str) else (str(each), len(each)) for each in many]


async def _events(body: Body, prompt: int, choices: list[Speech], model: Model) -> AsyncGenerator[bytes, None]:
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    head = {**_head(body), "usage": None} if wants_usage else _head(body)
    if model.faults.error_event_first:
        yield event({"error": outage(500).error})
        return
    async with contextlib.aclosing(model.say(body["model"], prompt, sum(choice.made for choice in choices))) as steps:
        await anext(steps)
        for index, choice in enumerate(choices):
            for piece in choice.text:
                await anext(steps)
                yield event({**head, "choices": [_choice(index, (piece,), None, body)]})
            yield event({**head, "choices": [_choice(index, (), choice.finish, body)]})
        await anext(steps, None)
    if wants_usage:
        yield event({**head, "choices": [], "usage": _usage(prompt, choices)})
    yield DONE


def _choice(index: int, pieces: tuple[str, ...], finish: str | None, body: Body) -> dict[str, Any]:
    told = None if body.get("logprobs") is None or not pieces else _logprobs(pieces, body["logprobs"])
    return {"text": "".join(pieces), "index": index, "logprobs": told, "finish_reason": finish}


def _logprobs(pieces: tuple[str, ...], top: int) -> dict[str, Any]:
    offsets = [sum(map(len, pieces[:index])) for index in range(len(pieces))]
    return {
        "tokens": list(pieces),
        "token_logprobs": [logprob(piece) for piece in pieces],
        "top_logprobs": [dict(rivals(piece, top)) for piece in pieces],
        "text_offset": offsets,
    }


def _head(body: Body) -> dict[str, Any]:
    identity = f"cmpl-{uuid.uuid4().hex[:29]}"
    return {"id": identity, "object": "text_completion", "created": int(time.time()), "model": body["model"]}


def _usage(prompt: int, choices: list[Speech]) -> dict[str, int]:
    completion = sum(choice.made for choice in choices)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
