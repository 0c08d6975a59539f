"""What a request asks for that not every backend can do."""

import json
from typing import Any

import pytest

from gateway.core.types import Endpoint, Need
from gateway.wire.requests import read

TOOL = {"type": "function", "function": {"name": "ring_bell"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
CHATS: dict[str, tuple[dict[str, Any], set[Need]]] = {
    "tools": ({"tools": [TOOL]}, {Need.TOOLS}),
    "functions": ({"functions": [TOOL["function"]]}, {Need.TOOLS}),
    "no tools": ({"tools": [], "parallel_tool_calls": None}, set()),
    "parallel calls": ({"parallel_tool_calls": True}, {Need.PARALLEL_TOOL_CALLS}),
    "no parallel calls": ({"parallel_tool_calls": False}, set()),
    "text": ({"response_format": {"type": "text"}}, set()),
    "JSON mode": ({"response_format": {"type": "json_object"}}, {Need.JSON_OBJECT}),
    "OpenAI's schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
        {Need.JSON_SCHEMA},
    ),
    "Hugging Face's schema": ({"response_format": {"type": "json", "value": SCHEMA}}, {Need.JSON_SCHEMA}),
    "Hugging Face's object": ({"response_format": {"type": "json_object", "value": SCHEMA}}, {Need.JSON_SCHEMA}),
    "Hugging Face's name": (
        {"response_format": {"type": "json_schema", "value": {"name": "a", "schema": SCHEMA}}},
        {Need.JSON_SCHEMA},
    ),
    "a regex": ({"response_format": {"type": "regex", "value": "[0-9]+"}}, {Need.REGEX}),
    "tools and a format": (
        {"tools": [TOOL], "response_format": {"type": "json_object"}},
        {Need.TOOLS, Need.JSON_OBJECT, Need.TOOLS_WITH_RESPONSE_FORMAT},
    ),
    "one choice": ({"n": 1}, set()),
    "two choices": ({"n": 2}, {Need.SEVERAL_CHOICES}),
    "a bias": ({"logit_bias": {"50256": -100}}, {Need.LOGIT_BIAS}),
    "an empty bias": ({"logit_bias": {}}, set()),
    "five logprobs": ({"logprobs": True, "top_logprobs": 5}, set()),
    "six logprobs": ({"logprobs": True, "top_logprobs": 6}, {Need.MANY_LOGPROBS}),
    "four stops": ({"stop": ["a", "b", "c", "d"]}, set()),
    "five stops": ({"stop": ["a", "b", "c", "d", "e"]}, {Need.MANY_STOPS}),
    "a long stop": ({"stop": "abcdef"}, set()),
    "the web": ({"web_search_options": {}}, {Need.WEB_SEARCH}),
    "a voice": ({"modalities": ["text", "audio"], "audio": {"voice": "alloy"}}, {Need.AUDIO}),
    "text as modality": ({"modalities": ["text"], "audio": None}, set()),
    "nonsense": ({"n": "2", "stop": 7, "tools": "x", "logit_bias": 1, "response_format": "x", "modalities": 1}, set()),
}


@pytest.mark.parametrize("what", list(CHATS))
def test_a_chat_needs(what: str) -> None:
    fields, needs = CHATS[what]
    body = json.dumps({"messages": [{"role": "user", "content": "x"}], **fields}).encode()
    assert read(Endpoint.CHAT, body).needs == needs | {Need.CHAT}


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"n": 2}, {Need.SEVERAL_CHOICES}),
        ({"best_of": 2}, {Need.SEVERAL_CHOICES}),
        ({"n": 1, "best_of": 1, "stop": None}, set()),
        ({"logprobs": 6}, {Need.MANY_LOGPROBS}),
        ({"logit_bias": {"1": 1}}, {Need.LOGIT_BIAS}),
    ],
)
def test_a_completion_needs(fields: dict[str, Any], needs: set[Need]) -> None:
    body = json.dumps({"prompt": "x", **fields}).encode()
    assert read(Endpoint.COMPLETIONS, body).needs == needs | {Need.COMPLETIONS}


@pytest.mark.parametrize("endpoint", [Endpoint.GENERATE_ROOT, Endpoint.GENERATE, Endpoint.GENERATE_STREAM])
@pytest.mark.parametrize(
    ("parameters", "needs"),
    [
        ({"grammar": {"type": "json", "value": SCHEMA}}, {Need.JSON_SCHEMA}),
        ({"grammar": {"type": "regex", "value": "a+"}}, {Need.REGEX}),
        ({"grammar": None, "best_of": 2, "details": True}, set()),
        ({"top_n_tokens": 6}, {Need.MANY_LOGPROBS}),
        ({"stop": ["a", "b", "c", "d", "e"]}, {Need.MANY_STOPS}),
    ],
)
def test_a_generation_needs(endpoint: Endpoint, parameters: dict[str, Any], needs: set[Need]) -> None:
    body = json.dumps({"inputs": "x", "parameters": parameters}).encode()
    assert read(endpoint, body).needs == needs | {Need.GENERATE}
