"""Single fields of an OpenAI request that TGI refuses or understands differently, each mended by a function of its own.

Each takes the value and gives back what TGI is to be sent: see `tgi_fix.Fix`. What is simply wrong stays as it is, so
that TGI refuses it and the client hears about it.
"""

from typing import Any

from gateway.wire.splice import ABSENT
from gateway.wire.tgi_fix import Fix, unable

_SMALLEST_TOP_P = 1e-6
_U64 = 2**64 - 1


def presence_penalty(value: Any) -> Any:
    """TGI adds 2.0 and takes the sum as repetition penalty; sent is what makes that sum come out right."""
    if not is_number(value):
        return value
    return ABSENT if value == 0 else as_repetition_penalty(value) - 2.0


def as_repetition_penalty(presence: float) -> float:
    """TGI has no presence penalty. Its repetition penalty is neutral at 1 and useful from about 0.8 to 1.2, which
    OpenAI's whole range of -2 to 2 is laid upon: same sign, same order, no cliff."""
    return round(1.0 + presence / 10.0, 6)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def unless_null(value: Any) -> Any:
    return ABSENT if value is None else value


def stop(value: Any) -> Any:
    if isinstance(value, str):
        return [value] if value else ABSENT
    if isinstance(value, list) and "" in value:  # matches everything at once
        return [stop for stop in value if stop != ""]
    return value


def top_p(value: Any) -> Any:
    """TGI takes 0 < top_p < 1. One keeps every token; zero keeps only the first, as does the smallest number."""
    if not is_number(value):
        return value
    if value == 1:
        return ABSENT
    return _SMALLEST_TOP_P if value == 0 else value


def seed(value: Any) -> Any:
    """Unsigned at TGI. A seed is only a name for a sequence, so another name does, if it is always the same one."""
    return value & _U64 if isinstance(value, int) and not 0 <= value <= _U64 else value


def stream_options(value: Any) -> Any:
    if value is None:
        return ABSENT
    if isinstance(value, dict) and "include_usage" in value and value["include_usage"] is None:
        return {name: option for name, option in value.items() if name != "include_usage"}
    return value


def logit_bias(value: Any) -> Any:
    if isinstance(value, dict):
        if value:
            raise unable("`logit_bias`")
        return ABSENT
    return value


def suffix(value: Any) -> Any:
    if value:
        raise unable("`suffix`")
    return unless_null(value or None)


def prompt(value: Any) -> Any:
    if isinstance(value, list) and any(not isinstance(item, str) for item in value):
        raise unable("prompts of token ids")
    return value


def at_most_one(name: str) -> Fix:
    def fix(value: Any) -> Any:
        if isinstance(value, int) and value > 1:
            raise unable(f"`{name}` above 1")
        return value

    return fix


def never(name: str) -> Fix:
    """TGI ignores the field in silence; a request that means it goes elsewhere."""

    def fix(value: Any) -> Any:
        if value is not None and value is not False and value != [] and value != {}:
            raise unable(f"`{name}`")
        return value

    return fix


def modalities(value: Any) -> Any:
    if isinstance(value, list) and any(modality != "text" for modality in value):
        raise unable("answers other than text")
    return value
