"""Every string that a request carries, message by message, and what in it cannot be read as text.

Keys are content too, and so are numbers: `{"4111111111111111": 1}` and `{"card": 4111111111111111}` both count.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

_LARGE = 1_000_000  # smaller numbers hold nothing by themselves
_MAX_NUMBER_BITS = 4096
# The formats' own words: they say nothing as keys, and their values need no announcement.
_WIRE_KEYS = frozenset(
    str.split(
        "model messages role content type text name function arguments tool_calls tool_call_id id index temperature "
        "top_p top_k n stream stream_options include_usage max_tokens max_completion_tokens presence_penalty "
        "frequency_penalty logit_bias logprobs top_logprobs seed stop tools tool_choice parallel_tool_calls "
        "response_format json_schema schema strict description parameters properties required additionalProperties "
        "items enum user metadata store input prompt inputs details do_sample max_new_tokens repetition_penalty "
        "return_full_text truncate typical_p watermark best_of decoder_input_details encoding_format dimensions "
        "suffix echo refusal url detail image_url"
    )
)
_WIRE_VALUES = frozenset(str.split("system user assistant tool developer function text object string auto none"))
# A key or a `type` that says that the content is no text, and what we call it.
_MEDIA: Mapping[str, str] = MappingProxyType(
    {
        "image": "image",
        "image_url": "image",
        "input_image": "image",
        "input_audio": "audio",
        "audio_url": "audio",
        "video": "video",
        "video_url": "video",
        "file": "file",
        "input_file": "file",
        "file_id": "file",
        "file_data": "file",
        "document_url": "file",
    }
)
_TOKEN_KEYS = frozenset({"input", "prompt"})  # OpenAI takes token ids in place of text here


def is_wire_word(word: str) -> bool:
    """Whether the formats themselves say it, as a key or as a value: then it is not the client's, and has to stay."""
    return word in _WIRE_KEYS or word in _WIRE_VALUES


class Group(msgspec.Struct, frozen=True):
    """The strings that stand together: one message, or one field of the request. `role` is empty outside messages."""

    role: str
    parts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Group(role={self.role!r}, parts=<{len(self.parts)}>)"


class Flat(msgspec.Struct, frozen=True):
    """All strings of a request, and the kinds of content in it that are not text."""

    groups: tuple[Group, ...]
    unreadable: tuple[str, ...] = ()


def strings(document: object) -> Flat:
    """Flatten a parsed body of any form and depth."""
    walk = _Walk()
    if type(document) is not dict:
        return Flat((Group("", walk.parts("", document)),), walk.kinds())
    groups: list[Group] = []
    loose: list[str] = []
    for key, value in document.items():
        if key == "messages" and type(value) is list:
            groups.extend(_message(message, walk) for message in value)
        elif type(value) is dict or type(value) is list:
            groups.append(Group("", walk.parts(key, value)))
        else:
            loose.extend(walk.parts(key, value))
        if key not in _WIRE_KEYS:
            loose.append(key)
    if loose:
        groups.append(Group("", tuple(loose)))
    return Flat(tuple(groups), walk.kinds())


def _message(message: object, walk: "_Walk") -> Group:
    if type(message) is not dict:
        return Group("", walk.parts("", message))
    role = message.get("role")
    content = message.get("content")
    if len(message) == 2 and type(content) is str and role in _WIRE_VALUES:  # nearly every message
        return Group(role, (content,))
    return Group(role if type(role) is str and role in _WIRE_VALUES else "", walk.parts("", message))


def told(key: str, node: object) -> str:
    """How a string, a number or a list of whole numbers is told under its key; empty for everything else."""
    if type(node) is str:
        return node if key in _WIRE_KEYS or not key else f"{key}: {node}"
    if type(node) is list:
        return f"{key}: " + " ".join(_written(item) for item in node) if _is_whole_numbers(node) else ""
    if isinstance(node, int | float) and not -_LARGE < node < _LARGE:
        return f"{key}: {_written(node)}"
    return ""


def _is_whole_numbers(node: list[object]) -> bool:
    return bool(node) and all(type(item) is int for item in node)


class _Walk:
    """Walks values without recursion, and collects on the way what is not text."""

    __slots__ = ("_unreadable",)

    def __init__(self) -> None:
        self._unreadable: set[str] = set()

    def kinds(self) -> tuple[str, ...]:
        return tuple(sorted(self._unreadable)) if self._unreadable else ()

    def parts(self, key: str, value: object) -> tuple[str, ...]:
        """The strings below a value, in order; a string under a key of the client's own is told with its key."""
        found: list[str] = []
        stack: list[tuple[str, object]] = [(key, value)]
        while stack:
            key, node = stack.pop()
            if type(node) is str:
                if node and node not in _WIRE_VALUES:
                    found.append(told(key, node))
            elif type(node) is dict:
                self._note_media(node)
                found.extend(name for name in node if name not in _WIRE_KEYS)
                stack.extend(reversed(node.items()))
            elif type(node) is list:
                if not self._is_numbers(key, node, found):
                    stack.extend((key, item) for item in reversed(node))
            elif node is not None and type(node) is not bool:
                self._number(key, node, found)
        return tuple(found)

    def _note_media(self, node: dict[str, object]) -> None:
        kind = node.get("type")
        if type(kind) is str and kind in _MEDIA:
            self._unreadable.add(_MEDIA[kind])
        for name in _MEDIA.keys() & node.keys():
            if type(node[name]) in (dict, str) and "type" in node:
                self._unreadable.add(_MEDIA[name])

    def _is_numbers(self, key: str, node: list[object], found: list[str]) -> bool:
        """A list of whole numbers: token ids where a text is expected, else digits that may belong together."""
        if not _is_whole_numbers(node):
            return False
        if key in _TOKEN_KEYS:
            self._unreadable.add("tokens")
        else:
            found.append(told(key, node))
        return True

    def _number(self, key: str, node: object, found: list[str]) -> None:
        if not isinstance(node, int | float):
            self._unreadable.add("binary")
        elif not -_LARGE < node < _LARGE:
            found.append(told(key, node))


def _written(number: object) -> str:
    if isinstance(number, float):
        return f"{number:.0f}" if number.is_integer() else repr(number)
    return str(number) if isinstance(number, int) and number.bit_length() <= _MAX_NUMBER_BITS else ""
