"""What the simulated OpenAI model says to a chat or a prompt: text, JSON or tool calls, in tokens."""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.simulators.openai_errors import Refusal
from gateway.simulators.schema import example, example_text
from gateway.simulators.wording import logprob, rivals, seed_of, tokens, wording

Body = Mapping[str, Any]
Limits = tuple[int, int]
"""The length of an unbounded answer in tokens, from and to."""

MOST_STOPS = 4
PER_MESSAGE = 4
"""Prompt tokens a message costs beside its text."""


class Call(msgspec.Struct, frozen=True):
    """One tool call; its arguments in the pieces they are streamed in."""

    id: str
    name: str
    arguments: tuple[str, ...]


class Speech(msgspec.Struct, frozen=True):
    """One choice. It has text or calls, never both; `made` is the number of tokens charged for."""

    text: tuple[str, ...]
    calls: tuple[Call, ...]
    finish: str

    @property
    def made(self) -> int:
        return len(self.text) + sum(len(call.arguments) + 1 for call in self.calls)


def chat_speech(body: Body, index: int, limits: Limits) -> Speech:
    """Choice number `index`. The same conversation gets the same words, however else it is asked."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    tools = _chosen_tools(body)
    if tools:
        calls = tuple(_call(tool["function"]) for tool in tools)
        return _limited_calls(calls, limit, "stop" if isinstance(body.get("tool_choice"), dict) else "tool_calls")
    seed = seed_of(_transcript(body["messages"]), str(body.get("seed") or ""), str(index or ""))
    return _spoken(_words(body.get("response_format"), seed, limits), body.get("stop"), limit)


def text_speech(prompt: str, body: Body, index: int, limits: Limits) -> Speech:
    """A legacy completion; 16 tokens where no limit is given."""
    seed = seed_of(prompt, str(body.get("seed") or ""), str(index or ""))
    return _spoken(wording(seed, *limits), body.get("stop"), body.get("max_tokens") or 16)


def prompt_tokens(messages: list[dict[str, Any]]) -> int:
    return sum(PER_MESSAGE + len(tokens(_text_of(message))) for message in messages) + 3


def logprobs_of(pieces: tuple[str, ...], top: int) -> dict[str, Any]:
    content = [
        {**_likelihood(piece, logprob(piece)), "top_logprobs": [_likelihood(*each) for each in rivals(piece, top)]}
        for piece in pieces
    ]
    return {"content": content, "refusal": None}


def _likelihood(piece: str, value: float) -> dict[str, Any]:
    return {"token": piece, "logprob": value, "bytes": list(piece.encode())}


def _words(form: Body | None, seed: int, limits: Limits) -> tuple[str, ...]:
    match (form or {}).get("type", "text"):
        case "json_schema":
            return tuple(tokens(example_text(form["json_schema"].get("schema") or {})))  # type: ignore[index]
        case "json_object":
            return tuple(tokens(json.dumps({"answer": "".join(wording(seed, *limits))})))
        case _:
            return wording(seed, *limits)


def _spoken(words: tuple[str, ...], stop: Any, limit: int | None) -> Speech:
    """The stop text and all behind it is not said."""
    stops = [stop] if isinstance(stop, str) else stop or []
    if len(stops) > MOST_STOPS:
        message = f"Invalid 'stop': array too long. Expected an array with maximum length {MOST_STOPS}."
        raise Refusal(400, message, param="stop", code="array_above_max_length")
    text = "".join(words)
    found = [at for at in (text.find(each) for each in stops if each) if at >= 0]
    said = tuple(tokens(text[: min(found)])) if found else words
    return Speech(said, (), "stop") if limit is None or len(said) <= limit else Speech(said[:limit], (), "length")


def _limited_calls(calls: tuple[Call, ...], limit: int | None, finish: str) -> Speech:
    if limit is None or Speech((), calls, finish).made <= limit:
        return Speech((), calls, finish)
    return Speech((), (msgspec.structs.replace(calls[0], arguments=calls[0].arguments[: limit - 1]),), "length")


def _chosen_tools(body: Body) -> list[Any]:
    """The tools the model calls: those it must, else those the user's last words speak of."""
    offered = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    choice = body.get("tool_choice")
    last = body["messages"][-1]
    spoken = [tool for tool in offered if _speaks_of(_text_of(last), tool["function"]["name"])]
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name")
        return [tool for tool in offered if tool["function"]["name"] == name][:1]
    if choice == "none" or (choice != "required" and last["role"] != "user"):
        return []
    if choice == "required" and not spoken:
        spoken = offered[:1]
    return spoken if body.get("parallel_tool_calls") is not False else spoken[:1]


def _speaks_of(text: str, name: str) -> bool:
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if len(word) > 3]
    return any(word in text.lower() for word in words)


def _call(function: Body) -> Call:
    parameters = function.get("parameters") or {}
    arguments = example(parameters) if parameters.get("properties") else {}
    said = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    return Call(f"call_{uuid.uuid4().hex[:24]}", function["name"], tuple(tokens(said)))


def _transcript(messages: list[dict[str, Any]]) -> str:
    return "\x1e".join(f"{message['role']}\x1f{_text_of(message)}" for message in messages)


def _text_of(message: Body) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    calls = [str(call.get("function")) for call in message.get("tool_calls") or []]
    return " ".join(texts + calls)
