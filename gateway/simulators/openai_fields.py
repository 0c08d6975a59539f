"""The types and ranges OpenAI checks before anything else, as one table a body."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from gateway.simulators.openai_errors import Refusal, missing
from gateway.simulators.reply import Arrived


class Field(NamedTuple):
    """Accepted Python types, the word for them, and the range of a number. `null` is accepted everywhere."""

    types: tuple[type, ...]
    word: str
    lowest: float | None = None
    highest: float | None = None


TEXT = Field((str,), "a string")
FLAG = Field((bool,), "a boolean")
LIST = Field((list,), "an array")
OBJECT = Field((dict,), "an object")
TEXT_OR_LIST = Field((str, list), "a string or an array of strings")
COUNT = Field((int,), "an integer", 1)
WHOLE = Field((int,), "an integer")


def _decimal(lowest: float, highest: float) -> Field:
    return Field((int, float), "a decimal", lowest, highest)


_SAMPLING: Mapping[str, Field] = {
    "model": TEXT,
    "temperature": _decimal(0, 2),
    "top_p": _decimal(0, 1),
    "presence_penalty": _decimal(-2, 2),
    "frequency_penalty": _decimal(-2, 2),
    "max_tokens": COUNT,
    "n": Field((int,), "an integer", 1, 128),
    "seed": WHOLE,
    "stop": TEXT_OR_LIST,
    "stream": FLAG,
    "stream_options": OBJECT,
    "logit_bias": OBJECT,
    "user": TEXT,
}

CHAT: Mapping[str, Field] = {
    **_SAMPLING,
    "messages": LIST,
    "max_completion_tokens": COUNT,
    "logprobs": FLAG,
    "top_logprobs": Field((int,), "an integer", 0, 20),
    "tools": LIST,
    "tool_choice": Field((str, dict), "a string or an object"),
    "parallel_tool_calls": FLAG,
    "response_format": OBJECT,
}
COMPLETION: Mapping[str, Field] = {
    **_SAMPLING,
    "prompt": Field((str, list), "a string or an array"),
    "logprobs": Field((int,), "an integer", 0, 5),
}
EMBEDDING: Mapping[str, Field] = {
    "model": TEXT,
    "input": Field((str, list), "a string or an array"),
    "dimensions": COUNT,
    "encoding_format": TEXT,
}
RESPONSE: Mapping[str, Field] = {
    "model": TEXT,
    "input": Field((str, list), "a string or an array"),
    "stream": FLAG,
    "max_output_tokens": COUNT,
}
MODERATION: Mapping[str, Field] = {"model": TEXT, "input": Field((str, list), "a string or an array")}


def read_object(arrived: Arrived) -> dict[str, Any]:
    """The body as a JSON object. Raises `Refusal`."""
    try:
        document = msgspec.json.decode(arrived.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        message = "We could not parse the JSON body of your request; it must be valid JSON."
        raise Refusal(400, message) from None
    if not isinstance(document, dict):
        raise Refusal(400, "The body of a request must be a JSON object.")
    return document


def check(body: Mapping[str, Any], fields: Mapping[str, Field], *required: str) -> None:
    """Raises `Refusal` for a missing field, a wrong type, or a number out of range; unknown fields are let be."""
    for name in required:
        if body.get(name) is None:
            raise missing(name)
    for name, value in body.items():
        field = fields.get(name)
        if field is not None and value is not None:
            _check_one(name, value, field)


def check_options(body: Mapping[str, Any]) -> None:
    """Raises `Refusal` for fields that make no sense without another."""
    if body.get("stream_options") is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Refusal(400, message, param="stream_options")
    for index, stop in enumerate(body["stop"] if isinstance(body.get("stop"), list) else ()):
        if not isinstance(stop, str):
            raise wrong_type(f"stop[{index}]", "a string", stop)


def wrong_type(name: str, expected: str, value: Any) -> Refusal:
    message = f"Invalid type for '{name}': expected {expected}, but got {_word(value)} instead."
    return Refusal(400, message, param=name, code="invalid_type")


def _check_one(name: str, value: Any, field: Field) -> None:
    is_fitting = isinstance(value, field.types) and (field is FLAG or not isinstance(value, bool))
    if not is_fitting:
        raise wrong_type(name, field.word, value)
    if isinstance(value, int | float):
        _check_range(name, value, field)


def _check_range(name: str, value: float, field: Field) -> None:
    kind = "integer" if field.types == (int,) else "decimal"
    if field.lowest is not None and value < field.lowest:
        message = (
            f"Invalid '{name}': {kind} below minimum value. Expected a value >= {field.lowest:g}, but got {value}."
        )
        raise Refusal(400, message, param=name, code=f"{kind}_below_min_value")
    if field.highest is not None and value > field.highest:
        message = (
            f"Invalid '{name}': {kind} above maximum value. Expected a value <= {field.highest:g}, but got {value}."
        )
        raise Refusal(400, message, param=name, code=f"{kind}_above_max_value")


def _word(value: Any) -> str:
    words = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return words.get(type(value), "null")
