"""What a request carries for the model: whether it has the right form, and what in it is not text."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from gateway.core.types import Need
from gateway.wire.mistakes import missing, wrong_type

MEDIUM_TOKENS = 800
"""What one image, recording or file counts in a prompt: about an image of 1024 x 1024 pixels at OpenAI (765)."""

# A content part's `type`, or the key that stands for it where the type is left out.
_MEDIA: Mapping[str, Need] = MappingProxyType(
    {
        "image_url": Need.IMAGES,
        "image": Need.IMAGES,
        "input_image": Need.IMAGES,
        "video_url": Need.IMAGES,
        "video": Need.IMAGES,
        "input_audio": Need.AUDIO,
        "audio_url": Need.AUDIO,
        "audio": Need.AUDIO,
        "file": Need.FILES,
        "input_file": Need.FILES,
    }
)


class Content(NamedTuple):
    """What is not text: what it needs, the bytes it takes in the body, and the tokens it counts instead."""

    needs: frozenset[Need] = frozenset()
    media_bytes: int = 0
    media_tokens: int = 0


TEXT = Content()


def messages(document: Mapping[str, Any]) -> Content:
    """Of a chat: a list of objects, each with a role, and with text, parts or nothing as its content."""
    given = document.get("messages")
    if type(given) is not list:
        raise wrong_type("messages", "a list of messages") if "messages" in document else missing("messages")
    media: list[dict[str, Any]] = []
    for index, message in enumerate(given):
        if type(message) is not dict:
            raise wrong_type(f"messages[{index}]", "an object with `role` and `content`")
        if type(message.get("role")) is not str:
            raise wrong_type(f"messages[{index}].role", "a string")
        if type(message.get("content")) is not str:
            media.extend(_media(index, message))
    return _content(media) if media else TEXT


def prompt(document: Mapping[str, Any]) -> Content:
    """Of a completion."""
    return _text_or_tokens(document, "prompt")


def embedded(document: Mapping[str, Any]) -> Content:
    """Of an embedding."""
    return _text_or_tokens(document, "input")


def inputs(document: Mapping[str, Any]) -> Content:
    """Of a generation by TGI: one string."""
    if "inputs" not in document:
        raise missing("inputs")
    if type(document["inputs"]) is not str:
        raise wrong_type("inputs", "a string")
    return TEXT


def _media(index: int, message: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a message that are not text. What the model said aloud before stands beside the content."""
    parts = message.get("content")
    if parts is not None and type(parts) is not list:
        raise wrong_type(f"messages[{index}].content", "a string, a list of parts or null")
    found = [{"type": "audio", "audio": message["audio"]}] if message.get("audio") is not None else []
    for place, part in enumerate(parts or ()):
        if type(part) is not dict:
            raise wrong_type(f"messages[{index}].content[{place}]", "an object with a `type`")
        if _kind(part) in _MEDIA:
            found.append(part)
    return found


def _kind(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    return kind if type(kind) is str else next((key for key in part if key in _MEDIA), "")


def _content(media: list[dict[str, Any]]) -> Content:
    needs = frozenset(_MEDIA[_kind(part)] for part in media)
    return Content(needs, sum(map(_bytes, media)), MEDIUM_TOKENS * len(media))


def _bytes(part: dict[str, Any]) -> int:
    """The strings of a medium's part; what is an address and what are its bytes does not matter, neither is text."""
    total = 0
    for value in part.values():
        inner = value.values() if type(value) is dict else (value,)
        total += sum(len(text) for text in inner if type(text) is str)
    return total


def _text_or_tokens(document: Mapping[str, Any], field: str) -> Content:
    """A text or a list of texts, or the same as token ids."""
    if field not in document:
        raise missing(field)
    value = document[field]
    if type(value) is str:
        return TEXT
    kinds = set(map(type, value)) if type(value) is list else None
    is_right = kinds in (set(), {str}, {int}) or (
        kinds == {list} and all(set(map(type, ids)) <= {int} for ids in value)
    )
    if not is_right:
        raise wrong_type(field, "a string, a list of strings, or token ids as a list of whole numbers or of such lists")
    return TEXT
