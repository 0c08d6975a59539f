"""The request bodies of TGI v3.3.7, field by field, as its router deserialises them."""

from typing import Any

from gateway.simulators.serde import (
    Mismatch,
    anything,
    boolean,
    expect,
    f32,
    i32,
    one_of,
    optional,
    sequence,
    string,
    struct,
    u32,
    u64,
    usize,
)

MAX_TOKENS_ALIAS = {"max_completion_tokens": "max_tokens"}

_FUNCTION = struct(
    "FunctionDefinition",
    {"description": (optional(string), False), "name": (string, True), "arguments": (anything, True)},
    aliases={"parameters": "arguments"},
)
_TOOL = struct("Tool", {"type": (string, True), "function": (_FUNCTION, True)})
_TOOL_CALL = struct("ToolCall", {"id": (string, True), "type": (string, True), "function": (_FUNCTION, True)})
_NAMED = struct("FunctionName", {"name": (string, True)})
_TYPED_CHOICE = struct("TypedChoice", {"type": (string, True), "function": (_NAMED, True)})
_URL = struct("Url", {"url": (string, True)})
_JSON_SCHEMA = struct("JsonSchemaConfig", {"name": (optional(string), False), "schema": (anything, True)})

_CHUNKS = {
    "text": struct("MessageChunk", {"text": (string, True)}),
    "image_url": struct("MessageChunk", {"image_url": (_URL, True)}),
}
_GRAMMARS = {"json": anything, "json_object": anything, "regex": string, "json_schema": _JSON_SCHEMA}


def _chunk(path: str, value: Any) -> None:
    expect(path, value, isinstance(value, dict), "internally tagged enum MessageChunk")
    _variant(path, value, _CHUNKS)
    _CHUNKS[value["type"]](path, value)


def _grammar(path: str, value: Any) -> None:
    expect(path, value, isinstance(value, dict), "adjacently tagged enum GrammarType")
    _variant(path, value, _GRAMMARS)
    if "value" not in value:
        raise Mismatch(path, "missing field `value`", path.split(".")[0])
    _GRAMMARS[value["type"]](f"{path}.value", value["value"])


def _variant(path: str, value: dict[str, Any], known: dict[str, Any]) -> None:
    if "type" not in value:
        raise Mismatch(path, "missing field `type`", path.split(".")[0])
    if value["type"] not in known:
        names = ", ".join(f"`{name}`" for name in known)
        raise Mismatch(path, f"unknown variant `{value['type']}`, expected one of {names}", path.split(".")[0])


_CONTENT = struct("MessageBody", {"content": (one_of("MessageContent", string, sequence(_chunk)), True)})
_CALLS = struct("MessageBody", {"tool_calls": (sequence(_TOOL_CALL), True)})
_BODY = one_of("MessageBody", _CONTENT, _CALLS)
_MESSAGE_HEAD = struct("Message", {"role": (string, True), "name": (optional(string), False)})


def _message(path: str, value: Any) -> None:
    _MESSAGE_HEAD(path, value)
    _BODY(path, value)


def _null(path: str, value: Any) -> None:
    expect(path, value, value is None, "unit variant")


_SAMPLING = {
    "temperature": (optional(f32), False),
    "top_p": (optional(f32), False),
    "frequency_penalty": (optional(f32), False),
    "seed": (optional(u64), False),
}

CHAT = struct(
    "ChatRequest",
    {
        **_SAMPLING,
        "model": (optional(string), False),
        "messages": (sequence(_message), True),
        "logit_bias": (optional(sequence(f32)), False),
        "logprobs": (optional(boolean), False),
        "top_logprobs": (optional(u32), False),
        "max_tokens": (optional(u32), False),
        "n": (optional(u32), False),
        "presence_penalty": (optional(f32), False),
        "stop": (optional(sequence(string)), False),
        "stream": (boolean, False),
        "tools": (optional(sequence(_TOOL)), False),
        "tool_prompt": (optional(string), False),
        "tool_choice": (one_of("ToolTypeDeserializer", _null, string, _TYPED_CHOICE), False),
        "response_format": (optional(_grammar), False),
        "stream_options": (struct("StreamOptions", {"include_usage": (boolean, False)}), False),
    },
    aliases=MAX_TOKENS_ALIAS,
)

COMPLETION = struct(
    "CompletionRequest",
    {
        **_SAMPLING,
        "model": (optional(string), False),
        "prompt": (one_of("PromptDeserializer", string, sequence(string)), True),
        "max_tokens": (optional(u32), False),
        "stream": (boolean, False),
        "suffix": (optional(string), False),
        "repetition_penalty": (optional(f32), False),
        "stop": (optional(sequence(string)), False),
    },
)

PARAMETERS = struct(
    "GenerateParameters",
    {
        **_SAMPLING,
        "best_of": (optional(usize), False),
        "repetition_penalty": (optional(f32), False),
        "top_k": (optional(i32), False),
        "typical_p": (optional(f32), False),
        "do_sample": (boolean, False),
        "max_new_tokens": (optional(u32), False),
        "return_full_text": (optional(boolean), False),
        "stop": (sequence(string), False),
        "truncate": (optional(usize), False),
        "watermark": (boolean, False),
        "details": (boolean, False),
        "decoder_input_details": (boolean, False),
        "top_n_tokens": (optional(u32), False),
        "grammar": (optional(_grammar), False),
        "adapter_id": (optional(string), False),
    },
)
GENERATE = struct("GenerateRequest", {"inputs": (string, True), "parameters": (PARAMETERS, False)})
COMPAT_GENERATE = struct(
    "CompatGenerateRequest",
    {"inputs": (string, True), "parameters": (PARAMETERS, False), "stream": (boolean, False)},
)
SAGEMAKER = one_of("SagemakerRequest", COMPAT_GENERATE, CHAT, COMPLETION)
VERTEX_GENERATE = struct(
    "GenerateVertexInstance", {"inputs": (string, True), "parameters": (optional(PARAMETERS), False)}
)
VERTEX = struct("VertexRequest", {"instances": (sequence(one_of("VertexInstance", VERTEX_GENERATE, CHAT)), True)})
