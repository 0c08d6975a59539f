"""OpenAI requests as calls of litellm, and what it returns as OpenAI's answers.

litellm has arguments that steer itself: where it sends, with which key, what it calls back. So only OpenAI's own fields
pass, and nothing that would make it fetch an address out of the request. What does not pass is never dropped in
silence: the request goes to a backend that can take it.
"""

import base64
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind

Document = dict[str, Any]

_GENERATION = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "max_tokens",
        "model",
        "n",
        "presence_penalty",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
        "user",
    }
)
_CHAT = _GENERATION | {
    "audio",
    "function_call",
    "functions",
    "logprobs",
    "max_completion_tokens",
    "messages",
    "modalities",
    "parallel_tool_calls",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "service_tier",
    "store",
    "tool_choice",
    "tools",
    "top_logprobs",
    "verbosity",
    "web_search_options",
}
_FUNCTIONS: Mapping[str, tuple[str, frozenset[str]]] = MappingProxyType(
    {
        "/v1/chat/completions": ("acompletion", _CHAT),
        "/v1/completions": ("acompletion", _GENERATION | {"prompt"}),
        "/v1/embeddings": ("aembedding", frozenset({"dimensions", "encoding_format", "input", "model", "user"})),
    }
)
_TOOLS = frozenset({"function", "custom"})  # others are servers that litellm itself would ask
_PARTS = frozenset({"text", "refusal", "image_url", "input_audio", "file"})
_PART_FIELDS = _PARTS | {"type", "cache_control"}
_FILE = frozenset({"file_data", "filename"})


class Call(NamedTuple):
    """`function` of litellm and its arguments. `is_base64`: how the client wants its embeddings.

    `is_text`: a text completion, which becomes a chat here. litellm has a function for that too, whose stream cannot
    be closed: the provider would go on computing for a client that has left.
    """

    function: str
    arguments: Document
    is_base64: bool
    is_text: bool

    def __repr__(self) -> str:
        return f"Call({self.function!r})"


def call(path: str, body: bytes) -> Call:
    """The call for a body in OpenAI's form. Raises AttemptFailed(UNABLE) where litellm may not be given it."""
    function, fields = _FUNCTIONS[path]
    document: Document = {name: value for name, value in msgspec.json.decode(body).items() if value is not None}
    if not fields.issuperset(document):
        raise _unable("a field that is not one of OpenAI's")
    _check_tools(document.get("tools"))
    for message in _objects(document.get("messages")):
        for part in _objects(message.get("content")):
            _check_part(part)
    is_text = "prompt" in fields
    if is_text:
        document["messages"] = _messages(document.pop("prompt", None))
    is_base64 = document.pop("encoding_format", "float") == "base64"  # few providers have it, and it is ours to do
    return Call(function, document, is_base64, is_text)


def answered(document: Document, call: Call) -> bytes:
    """A whole answer of litellm's as OpenAI writes it: what may be null but not absent is there."""
    for choice in _objects(document.get("choices")):
        choice.setdefault("finish_reason", None)
        message = choice.setdefault("message", {})
        message.setdefault("content", None)
        message.setdefault("refusal", None)
    for row in _objects(document.get("data")):
        if call.is_base64 and isinstance(row.get("embedding"), list):
            row["embedding"] = _base64(row["embedding"])
    return _encoded(_as_text(document, "message") if call.is_text else document)


def chunk(document: Document, call: Call) -> bytes:
    """One event's data."""
    for choice in _objects(document.get("choices")):
        choice.setdefault("finish_reason", None)
    return _encoded(_as_text(document, "delta") if call.is_text else document)


def _as_text(document: Document, part: str) -> Document:
    choices = [
        {
            "text": choice.get(part, {}).get("content") or "",
            "index": choice.get("index", 0),
            "logprobs": None,
            "finish_reason": choice["finish_reason"],
        }
        for choice in _objects(document.get("choices"))
    ]
    return {**document, "object": "text_completion", "choices": choices}


def _encoded(document: Document) -> bytes:
    if isinstance(usage := document.get("usage"), dict):
        usage.pop("cost", None)  # its own guess, and 0 for what it does not know
        if not usage.get("prompt_tokens") and not usage.get("completion_tokens"):
            del document["usage"]  # the provider reported none, and litellm has been told not to guess
    return msgspec.json.encode(document)


def _base64(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode("ascii")


def _messages(prompt: Any) -> list[Document]:
    if not isinstance(prompt, str):
        raise _unable("several prompts, or one in tokens")
    return [{"role": "user", "content": prompt}]


def _check_tools(tools: Any) -> None:
    if any(tool.get("type") not in _TOOLS for tool in _objects(tools)):
        raise _unable("a tool that is not a function")


def _check_part(part: Document) -> None:
    """INVARIANT: no address and no file's name that a client wrote is given to litellm, which would fetch it."""
    if part.get("type") not in _PARTS or not _PART_FIELDS.issuperset(part):
        raise _unable("a kind of content that is not one of OpenAI's")
    image, file, audio = part.get("image_url"), part.get("file"), part.get("input_audio")
    if image is not None and not _is_inline(image.get("url") if isinstance(image, dict) else image):
        raise _unable("an image by its address")
    if file is not None and not (isinstance(file, dict) and file.keys() <= _FILE and _is_inline(file.get("file_data"))):
        raise _unable("a file that is not in the request")
    if audio is not None and not (isinstance(audio, dict) and ":" not in str(audio.get("data"))):
        raise _unable("a sound by its address")


def _is_inline(url: Any) -> bool:
    return isinstance(url, str) and url.startswith("data:")


def _objects(value: Any) -> list[Document]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _unable(what: str) -> AttemptFailed:
    return AttemptFailed(FailureKind.UNABLE, f"litellm is not given {what}", is_retryable=False)
