"""Messages of a conversation as TGI reads them: text or images as content, or tool calls, never both.

Every function returns the very object it was given where nothing has to change.
"""

from typing import Any

import msgspec

from gateway.wire.tgi_fix import fixed_items, unable

_encode = msgspec.json.encode


def messages(value: Any) -> Any:
    """All messages; what is not a list is left for TGI to refuse."""
    if not isinstance(value, list):
        return value
    return fixed_items(value, _message)


def _message(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    changes: dict[str, Any] = {}
    if message.get("role") == "developer":  # chat templates know nothing of it
        changes["role"] = "system"
    if message.get("function_call"):  # the older form, which TGI would forget in silence
        raise unable("`function_call`")
    if message.get("tool_calls"):
        _with_calls(message, changes)
    else:
        content = _content(message.get("content"), message.get("refusal"))
        if content is not message.get("content") or "content" not in message:
            changes["content"] = content
    return {**message, **changes} if changes else message


def _with_calls(message: dict[str, Any], changes: dict[str, Any]) -> None:
    """TGI reads the content or else the calls, and puts calls into its template as JSON text: with both, we do so."""
    calls = message["tool_calls"]
    if not isinstance(calls, list) or any(not _is_function(call) for call in calls):
        raise unable("tool calls other than functions")
    content = message.get("content")
    text = content if isinstance(content, str) else _text(content)
    if text:
        changes["content"] = text + "\n" + _encode(calls).decode()
    elif content is not None:
        changes["content"] = None


def _is_function(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("function"), dict)


def _text(parts: Any) -> str:
    if not isinstance(parts, list):
        return ""
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _content(content: Any, refusal: Any) -> Any:
    """Text and image parts go as they are; a refusal becomes text; nothing becomes the empty text."""
    if content is None:
        return refusal if isinstance(refusal, str) else ""
    if not isinstance(content, list):
        return content
    return fixed_items(content, _part)


def _part(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal", "")}
    if kind in ("input_audio", "audio", "file", "input_file", "video_url"):
        raise unable("audio or files")
    return part
