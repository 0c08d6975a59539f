"""Which of the things that not every backend can do a request asks for, one row a field."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from gateway.core.types import Need
from gateway.wire.mistakes import wrong_type

Rule = Callable[[Any], Need | None]
"""What a field's value asks for. A value of a wrong type asks for nothing: the backend will say what is wrong."""


def _when(test: Callable[[Any], bool], need: Need) -> Rule:
    return lambda value: need if test(value) else None


def _is_true(value: Any) -> bool:
    return value is True


def _is_given(value: Any) -> bool:
    return value is not None and value is not False


def _is_filled(value: Any) -> bool:
    return type(value) in (list, dict) and len(value) > 0


def _is_above(limit: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and value > limit


def _is_longer_than(limit: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is list and len(value) > limit


def _speaks(value: Any) -> bool:
    return type(value) is list and "audio" in value


def _format(value: Any) -> Need | None:
    """OpenAI's response format, or TGI's grammar and Hugging Face's response format, where the schema is a `value`."""
    if type(value) is not dict:
        return None
    match value.get("type"):
        case "json" | "json_schema":
            return Need.JSON_SCHEMA
        case "json_object":
            return Need.JSON_SCHEMA if value.get("value") is not None else Need.JSON_OBJECT
        case "regex":
            return Need.REGEX
        case _:
            return None


_SAMPLING: Mapping[str, Rule] = {
    "n": _when(_is_above(1), Need.SEVERAL_CHOICES),
    "logit_bias": _when(_is_filled, Need.LOGIT_BIAS),
    "stop": _when(_is_longer_than(4), Need.MANY_STOPS),
}
_CHAT: Mapping[str, Rule] = MappingProxyType(
    {
        **_SAMPLING,
        "tools": _when(_is_filled, Need.TOOLS),
        "functions": _when(_is_filled, Need.TOOLS),
        "parallel_tool_calls": _when(_is_true, Need.PARALLEL_TOOL_CALLS),
        "response_format": _format,
        "top_logprobs": _when(_is_above(5), Need.MANY_LOGPROBS),
        "web_search_options": _when(_is_given, Need.WEB_SEARCH),
        "modalities": _when(_speaks, Need.AUDIO),
        "audio": _when(_is_given, Need.AUDIO),
    }
)
_COMPLETIONS: Mapping[str, Rule] = MappingProxyType(
    {
        **_SAMPLING,
        "best_of": _when(_is_above(1), Need.SEVERAL_CHOICES),
        "logprobs": _when(_is_above(5), Need.MANY_LOGPROBS),
        "response_format": _format,
    }
)
# `best_of` is no row: in TGI's own dialect it is TGI that can do it, and still answers with one text.
_PARAMETERS: Mapping[str, Rule] = MappingProxyType(
    {
        "grammar": _format,
        "top_n_tokens": _when(_is_above(5), Need.MANY_LOGPROBS),
        "stop": _when(_is_longer_than(4), Need.MANY_STOPS),
    }
)
_FORMATS = frozenset({Need.JSON_OBJECT, Need.JSON_SCHEMA, Need.REGEX})
_CHAT_ALONE = frozenset({Need.CHAT})
_COMPLETIONS_ALONE = frozenset({Need.COMPLETIONS})
_EMBEDDINGS_ALONE = frozenset({Need.EMBEDDINGS})
_GENERATE_ALONE = frozenset({Need.GENERATE})
_TOKENIZE_ALONE = frozenset({Need.TOKENIZE})


def chat(document: Mapping[str, Any]) -> frozenset[Need]:
    found = _derive(document, _CHAT, _CHAT_ALONE)
    if Need.TOOLS in found and found & _FORMATS:
        return found | {Need.TOOLS_WITH_RESPONSE_FORMAT}
    return found


def completions(document: Mapping[str, Any]) -> frozenset[Need]:
    return _derive(document, _COMPLETIONS, _COMPLETIONS_ALONE)


def embeddings(document: Mapping[str, Any]) -> frozenset[Need]:
    return _EMBEDDINGS_ALONE


def generate(document: Mapping[str, Any]) -> frozenset[Need]:
    return _derive(parameters(document), _PARAMETERS, _GENERATE_ALONE)


def tokenize(document: Mapping[str, Any]) -> frozenset[Need]:
    parameters(document)
    return _TOKENIZE_ALONE


def parameters(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """TGI's `parameters`, empty where none are given. Raises GatewayError where they are no object."""
    given = document.get("parameters")
    if given is None:
        return {}
    if type(given) is not dict:
        raise wrong_type("parameters", "an object")
    return given


def _derive(fields: Mapping[str, Any], rules: Mapping[str, Rule], alone: frozenset[Need]) -> frozenset[Need]:
    found = alone
    for name, value in fields.items():
        rule = rules.get(name)
        if rule is not None and (need := rule(value)) is not None:
            found |= {need}
    return found
