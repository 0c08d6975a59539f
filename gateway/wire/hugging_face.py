"""Hugging Face's dialect of a chat request, which its clients speak to any address, put in OpenAI's form."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.types import BackendKind
from gateway.wire.mistakes import wrong_type
from gateway.wire.splice import ABSENT

_SCHEMA_NAME = "response"  # OpenAI wants one, Hugging Face's dialect has none

# Where an engine takes a regular expression. vLLM before 0.12 also had `guided_regex`; OpenAI has nothing like it.
_REGEX_FIELDS: Mapping[BackendKind, tuple[str, ...]] = MappingProxyType(
    {BackendKind.VLLM: ("structured_outputs", "regex"), BackendKind.SGLANG: ("regex",)}
)


def openai_changes(document: Mapping[str, Any], kind: BackendKind) -> dict[str, Any]:
    """The fields to change, ABSENT to leave one out; empty for a request in OpenAI's own form.

    Raises AttemptFailed(UNABLE) where `kind` has no equivalent, and GatewayError where a schema is none.
    """
    changes: dict[str, Any] = {}
    if "tool_prompt" in document:
        changes["tool_prompt"] = ABSENT
    choice = document.get("tool_choice")
    if type(choice) is dict and "type" not in choice and "function" in choice:
        changes["tool_choice"] = {"type": "function", **choice}
    given = document.get("response_format")
    if type(given) is dict and "value" in given:
        changes |= _format(given.get("type"), given["value"], kind)
    return changes


def _format(type_: Any, value: Any, kind: BackendKind) -> dict[str, Any]:
    if type_ == "regex":
        return {"response_format": ABSENT, **_regex(value, kind)}
    if type(value) is not dict:
        raise wrong_type("response_format.value", "a JSON schema")
    named = {"name": _SCHEMA_NAME, **value} if type_ == "json_schema" else {"name": _SCHEMA_NAME, "schema": value}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _regex(value: Any, kind: BackendKind) -> dict[str, Any]:
    if type(value) is not str:
        raise wrong_type("response_format.value", "a regular expression as a string")
    fields = _REGEX_FIELDS.get(kind)
    if fields is None:
        raise AttemptFailed(FailureKind.UNABLE, "the backend takes no regular expressions", is_retryable=False)
    found: Any = value
    for field in reversed(fields):
        found = {field: found}
    return dict(found)
