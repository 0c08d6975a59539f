"""Tool calls the TGI way: a grammar over all functions, one call at most, and a stream cut out of the model's JSON."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.simulators.schema import example
from gateway.simulators.tgi_job import TgiError, Token
from gateway.simulators.wording import tokens

NO_TOOL = "no_tool"
_NO_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "description": "Open ended response with no specific tool selected",
        "name": NO_TOOL,
        "arguments": {"type": "object"},
    },
}


class ToolSpeech(msgspec.Struct, frozen=True):
    """The JSON the model says, in tokens, and the function it names."""

    name: str
    tokens: tuple[str, ...]


def tool_schema(tools: list[dict[str, Any]], choice: Any) -> list[dict[str, Any]]:
    """The tools the model may choose from. Raises `TgiError` for a name that is not among them."""
    match choice:
        case None | "auto":
            return [*tools, _NO_TOOL]
        case "required":
            return tools
        case "none":
            return []
        case _:
            name = choice if isinstance(choice, str) else choice["function"]["name"]
            found = [tool for tool in tools if tool["function"]["name"] == name]
            if not found:
                raise TgiError(422, "tool_error", f"Tool error: Tool with name {name} not found")
            return found[:1]


def tool_speech(tools: list[dict[str, Any]], prompt: str) -> ToolSpeech:
    """The first tool the prompt speaks of; else "no tool" where that may be said; else the first."""
    spoken = [tool for tool in tools if speaks_of(prompt, tool["function"]["name"])]
    chosen = (spoken or [tool for tool in tools if tool is _NO_TOOL] or tools)[0]["function"]
    schema = chosen.get("arguments", chosen.get("parameters"))
    arguments = example(schema) if isinstance(schema, Mapping) and schema.get("properties") else {}
    name = json.dumps(chosen["name"])
    if not arguments:
        return ToolSpeech(chosen["name"], ('{"', "function", '":', ' {"_', "name", '":', " " + name, "}", "}"))
    rest = json.dumps(arguments, ensure_ascii=False)[1:]
    said = ('{"', "function", '":', ' {"_', "name", '":', f" {name[:-1]}", '",', *tokens(" " + rest[:-1]), "}", "}")
    return ToolSpeech(chosen["name"], said)


def speaks_of(prompt: str, name: str) -> bool:
    """Whether the prompt has a telling word of the function's name."""
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if len(word) > 3]
    return any(word in prompt.lower() for word in words)


def called(text: str) -> dict[str, Any]:
    """The whole call in an answer that is not streamed. Raises `TgiError` where the limit cut it off."""
    try:
        function = json.loads(text)["function"]
    except ValueError:
        reason = f"EOF while parsing a value at line 1 column {len(text)}"
        raise TgiError(
            422, "tool_error", f"Tool error: Failed to parse generated text: {reason} {json.dumps(text)}"
        ) from None
    name = function.pop("_name")
    arguments = json.dumps(function, separators=(",", ":"), ensure_ascii=False)
    return {"id": "0", "type": "function", "function": {"description": None, "name": name, "arguments": arguments}}


class ToolStream:
    """Cuts the arguments out of the model's JSON while it is being said; the end of text is swallowed."""

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._text = ""
        self._is_in_call = False

    def push(self, token: Token) -> dict[str, Any] | None:
        """The choice of the chunk to send for this token, if any. None has a finish reason but by the token limit."""
        self._text += token.text
        if not self._is_in_call:
            name = _name_in(self._text.rstrip(" \n,}") + "}}")
            if name is None:
                return None
            self._is_in_call = True
            return self._choice(token, "{", name)
        if _name_in(self._text) is None:
            return self._choice(token, token.text, None)
        self._is_in_call = False
        return self._choice(token, token.text.rstrip().removesuffix("}"), None)

    def _choice(self, token: Token, arguments: str, name: str | None) -> dict[str, Any]:
        function = {"name": name, "arguments": arguments}
        call = {"index": 0, "id": self._identity, "type": "function", "function": function}
        delta = {"role": "assistant", "tool_calls": [call]}
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": token.finish}


def _name_in(text: str) -> str | None:
    try:
        function = json.loads(text)["function"]
        return str(function["_name"])
    except (ValueError, KeyError, TypeError):
        return None
