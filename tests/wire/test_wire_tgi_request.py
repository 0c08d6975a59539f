"""What OpenAI's clients send every day, as TGI takes it; what TGI takes anyway goes untouched."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tgi_says import MODEL, chat, envelope

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.types import Endpoint
from gateway.wire.tgi_chat import ChatExchange, CompletionsExchange

SCHEMA = {"type": "object", "properties": {"gears": {"type": "integer"}}, "required": ["gears"]}
WITH_DEFS = {"type": "object", "properties": {"bike": {"$ref": "#/$defs/Bike"}}, "$defs": {"Bike": SCHEMA}}
INLINED = {"type": "object", "properties": {"bike": SCHEMA}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "ring", "arguments": "{}"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://pictures.example/bell.png"}}
GONE = object()


def sent(document: dict[str, Any]) -> dict[str, Any]:
    return json.loads(ChatExchange(envelope(document), MODEL).body)


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "ring", **function}}


@pytest.mark.parametrize(
    ("field", "value", "becomes"),
    [
        ("stop", "###", ["###"]),
        ("stop", "", GONE),
        ("stop", ["", "a"], ["a"]),
        ("top_p", 1, GONE),
        ("top_p", 1.0, GONE),
        ("top_p", 0, 1e-6),
        ("seed", -1, 2**64 - 1),
        ("seed", 2**70 + 3, 3),
        ("presence_penalty", 0, GONE),
        ("presence_penalty", 0.0, GONE),
        ("presence_penalty", 2, -0.8),
        ("presence_penalty", -2, -1.2),
        ("logit_bias", {}, GONE),
        ("stream", None, GONE),
        ("stream_options", None, GONE),
        ("stream_options", {"include_usage": None}, {}),
        ("response_format", {"type": "text"}, GONE),
        (
            "response_format",
            {"type": "json_schema", "json_schema": {"name": "b", "strict": True, "schema": SCHEMA}},
            {"type": "json_object", "value": SCHEMA},
        ),
        (
            "response_format",
            {"type": "json_schema", "json_schema": {"name": "b", "schema": WITH_DEFS}},
            {"type": "json_object", "value": INLINED},
        ),
        ("tools", [], GONE),
        ("tools", [tool()], [tool(parameters={"type": "object", "properties": {}})]),
        ("tools", [tool(parameters=None)], [tool(parameters={"type": "object", "properties": {}})]),
        ("tools", [tool(parameters=WITH_DEFS, strict=True)], [tool(parameters=INLINED, strict=True)]),
        ("tool_choice", {"function": {"name": "ring"}}, {"type": "function", "function": {"name": "ring"}}),
    ],
)
def test_a_field_that_tgi_would_refuse_is_mended(field: str, value: Any, becomes: Any) -> None:
    expected = {**chat(), "model": "tgi"} if becomes is GONE else {**chat(**{field: becomes}), "model": "tgi"}
    assert sent(chat(**{field: value})) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"stop": ["###"]},
        {"stop": None},
        {"top_p": 0.9},
        {"temperature": 0},
        {"seed": 7},
        {"n": 1},
        {"n": None},
        {"frequency_penalty": 1.5},
        {"logit_bias": None},
        {"max_tokens": 9},
        {"max_completion_tokens": 9},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"response_format": {"type": "json", "value": WITH_DEFS}},
        {"response_format": {"type": "json_object", "value": SCHEMA}},
        {"response_format": {"type": "regex", "value": "[a-z]+"}},
        {"response_format": {"type": "json_schema", "value": {"name": "b", "schema": SCHEMA}}},
        {"tools": [tool(parameters=SCHEMA)], "tool_choice": "auto"},
        {"tools": [tool(parameters=SCHEMA)], "tool_choice": "required"},
        {"tools": [tool(parameters=SCHEMA)], "tool_choice": "none"},
        {"tools": [tool(parameters=SCHEMA)], "tool_choice": "ring"},
        {"tools": [tool(parameters=SCHEMA)], "tool_choice": {"type": "function", "function": {"name": "ring"}}},
        {"tools": [tool(arguments=SCHEMA)]},
        {"user": "someone", "store": True, "metadata": {"a": "b"}, "service_tier": "auto", "parallel_tool_calls": True},
        {"modalities": ["text"], "audio": None, "functions": None},
    ],
)
def test_what_tgi_takes_goes_byte_for_byte_but_for_the_model(fields: dict[str, Any]) -> None:
    document = chat(**fields, x_future={"deep": [1, 2.50]})
    body = json.dumps(document, indent=1).encode()
    assert ChatExchange(envelope(document, body=body), MODEL).body == body.replace(b'"auto"', b'"tgi"', 1)


@pytest.mark.parametrize(
    ("given", "bound"),
    [({"max_tokens": 9, "max_completion_tokens": 5}, 5), ({"max_tokens": None, "max_completion_tokens": 5}, 5)],
)
def test_of_two_bounds_one_is_sent(given: dict[str, Any], bound: int) -> None:
    body = sent(chat(**given))
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] == bound


@pytest.mark.parametrize(
    ("message", "becomes"),
    [
        ({"role": "developer", "content": "Be brief"}, {"role": "system", "content": "Be brief"}),
        ({"role": "assistant", "content": None}, {"role": "assistant", "content": ""}),
        ({"role": "assistant"}, {"role": "assistant", "content": ""}),
        (
            {"role": "assistant", "content": None, "refusal": "I will not"},
            {"role": "assistant", "content": "I will not", "refusal": "I will not"},
        ),
        (
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "assistant", "content": "", "tool_calls": []},
        ),
        (
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
        ),
        (
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "No"}]},
        ),
    ],
)
def test_a_message_that_tgi_would_refuse_is_mended(message: dict[str, Any], becomes: dict[str, Any]) -> None:
    user = {"role": "user", "content": "x", "x_kept": 1}
    assert sent(chat(messages=[user, message]))["messages"] == [user, becomes]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "content": "It rang", "tool_call_id": "call_1"},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, IMAGE], "name": "Ada"},
    ],
)
def test_a_message_that_tgi_takes_is_left_alone(message: dict[str, Any]) -> None:
    document = chat(messages=[message])
    body = json.dumps(document).encode()
    assert ChatExchange(envelope(document), MODEL).body == body.replace(b'"auto"', b'"tgi"', 1)


def test_text_beside_tool_calls_does_not_make_tgi_forget_the_calls() -> None:
    message = {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL]}
    content = sent(chat(messages=[message]))["messages"][0]["content"]
    assert content.startswith("Let me see.\n")
    assert json.loads(content.split("\n", 1)[1]) == [CALL]


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"logit_bias": {"50256": -100}},
        {"functions": [{"name": "ring"}]},
        {"audio": {"voice": "x"}},
        {"modalities": ["text", "audio"]},
        {"web_search_options": {"size": "low"}},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "b", "schema": {"type": "array"}}}},
        {"response_format": {"type": "json_schema"}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"properties": {"a": {"$ref": "#"}}}}}},
        {"response_format": {"type": "json", "value": SCHEMA}, "tools": [tool(parameters=SCHEMA)]},
        {"tools": [{"type": "custom", "custom": {"name": "x"}}]},
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "custom", "custom": {}}]}]},
        {"messages": [{"role": "assistant", "content": None, "function_call": {"name": "ring", "arguments": "{}"}}]},
    ],
)
def test_what_tgi_cannot_do_goes_elsewhere(fields: dict[str, Any]) -> None:
    with pytest.raises(AttemptFailed) as caught:
        ChatExchange(envelope(chat(**fields)), MODEL)
    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.UNABLE, False)


def test_a_format_without_a_grammar_may_stand_beside_tools() -> None:
    body = sent(chat(response_format={"type": "text"}, tools=[tool(parameters=SCHEMA)]))
    assert "response_format" not in body
    assert body["tools"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(unknown=st.dictionaries(st.text(max_size=6).map(lambda name: "x_" + name), JSON, max_size=4))
def test_unknown_fields_survive_a_mended_request(unknown: dict[str, Any]) -> None:
    message = {"role": "developer", "content": "Be brief", **unknown}
    body = sent(chat(messages=[message], stop="x", **unknown))
    assert {name: body[name] for name in unknown} == unknown
    assert body["messages"] == [{**message, "role": "system"}]


@given(
    value=JSON, name=st.sampled_from(["messages", "stop", "top_p", "seed", "tools", "tool_choice", "response_format"])
)
def test_a_field_of_the_wrong_kind_is_left_for_tgi_to_refuse(value: Any, name: str) -> None:
    try:
        body = ChatExchange(envelope(chat(**{name: value})), MODEL).body
    except AttemptFailed as failure:
        body = b'{"model": "tgi"}' if failure.kind is FailureKind.UNABLE else b"{}"
    assert json.loads(body)["model"] == "tgi"


def test_numbers_of_any_length_survive_a_mended_request() -> None:
    body = json.dumps(chat(stop="x", x_pi=0.5)).encode().replace(b"0.5", b"3.14159265358979323846")
    assert b"3.14159265358979323846" in ChatExchange(envelope(json.loads(body), body=body), MODEL).body


def test_the_document_of_the_envelope_is_not_touched() -> None:
    document = chat(stop="x", top_p=1, messages=[{"role": "developer", "content": None}])
    before = json.dumps(document)
    ChatExchange(envelope(document), MODEL)
    assert json.dumps(document) == before


def text(**fields: Any) -> dict[str, Any]:
    return {"model": "auto", "prompt": "Once", **fields}


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ({"stop": "x"}, {"stop": ["x"]}),
        ({"top_p": 1}, {}),
        ({"stream": None}, {}),
        ({"suffix": ""}, {}),
        ({"presence_penalty": 1}, {"presence_penalty": 1, "repetition_penalty": 1.1}),
        ({"presence_penalty": 0}, {"presence_penalty": 0}),
        ({"best_of": 1, "echo": False, "logprobs": None}, {"best_of": 1, "echo": False, "logprobs": None}),
    ],
)
def test_a_text_completion_is_mended_likewise(given: dict[str, Any], becomes: dict[str, Any]) -> None:
    exchange = CompletionsExchange(envelope(text(**given), Endpoint.COMPLETIONS), MODEL)
    assert json.loads(exchange.body) == {**text(**becomes), "model": "tgi"}
    assert exchange.path == "/v1/completions"


@pytest.mark.parametrize(
    "fields",
    [
        {"suffix": "the end"},
        {"echo": True},
        {"logprobs": 0},
        {"best_of": 2},
        {"n": 3},
        {"prompt": [1, 2, 3]},
        {"prompt": [[1], [2]]},
        {"logit_bias": {"1": 1}},
    ],
)
def test_a_text_completion_that_tgi_cannot_do_goes_elsewhere(fields: dict[str, Any]) -> None:
    with pytest.raises(AttemptFailed) as caught:
        CompletionsExchange(envelope(text(**fields), Endpoint.COMPLETIONS), MODEL)
    assert caught.value.kind is FailureKind.UNABLE
