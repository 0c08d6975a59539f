"""TGI's own requests in OpenAI's words, and what has no words there."""

import json
from typing import Any

import pytest
from tgi_says import envelope

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError
from gateway.core.types import Endpoint
from gateway.wire.generate_as_chat import GenerateAsChat
from gateway.wire.generate_as_completions import GenerateAsCompletions
from gateway.wire.generate_request import wanted

SCHEMA = {"type": "object", "properties": {"gears": {"type": "integer"}}}
AS_OPENAI = {"type": "json_schema", "json_schema": {"name": "grammar", "schema": SCHEMA}}


def request(**parameters: Any) -> dict[str, Any]:
    return {"inputs": "Once", "parameters": parameters}


def as_chat(document: Any, endpoint: Endpoint = Endpoint.GENERATE) -> dict[str, Any]:
    return json.loads(GenerateAsChat(envelope(document, endpoint), "gpt-5.5").body)


def as_text(document: Any, endpoint: Endpoint = Endpoint.GENERATE) -> dict[str, Any]:
    return json.loads(GenerateAsCompletions(envelope(document, endpoint), "served").body)


def test_a_prompt_becomes_one_message() -> None:
    assert as_chat({"inputs": "Once"}) == {"model": "gpt-5.5", "messages": [{"role": "user", "content": "Once"}]}
    assert GenerateAsChat(envelope({"inputs": "Once"}, Endpoint.GENERATE), "m").path == "/v1/chat/completions"


def test_a_prompt_stays_a_prompt_for_an_engine() -> None:
    assert as_text({"inputs": "Once"}) == {"model": "served", "prompt": "Once", "max_tokens": 1024}
    assert GenerateAsCompletions(envelope({"inputs": "Once"}, Endpoint.GENERATE), "m").path == "/v1/completions"


@pytest.mark.parametrize(
    ("parameters", "chat", "text"),
    [
        ({"max_new_tokens": 9}, {"max_completion_tokens": 9}, {"max_tokens": 9}),
        ({"temperature": 0.5}, {"temperature": 0.5}, {"temperature": 0.5}),
        ({"top_p": 0.5}, {"top_p": 0.5}, {"top_p": 0.5}),
        ({"frequency_penalty": 1}, {"frequency_penalty": 1}, {"frequency_penalty": 1}),
        ({"seed": 2**64 - 1}, {"seed": 2**63 - 1}, {"seed": 2**63 - 1}),
        ({"stop": ["#"]}, {"stop": ["#"]}, {"stop": ["#"], "include_stop_str_in_output": True, "no_stop_trim": True}),
        (
            {"grammar": {"type": "json", "value": SCHEMA}},
            {"response_format": AS_OPENAI},
            {"response_format": AS_OPENAI},
        ),
        (
            {"grammar": {"type": "json", "value": json.dumps(SCHEMA)}},
            {"response_format": AS_OPENAI},
            {"response_format": AS_OPENAI},
        ),
        (
            {"grammar": {"type": "json_schema", "value": {"name": "x", "schema": SCHEMA}}},
            {"response_format": AS_OPENAI},
            {"response_format": AS_OPENAI},
        ),
        (
            {"best_of": 1, "watermark": False, "truncate": None, "top_n_tokens": 0, "repetition_penalty": None},
            {},
            {},
        ),
        ({"decoder_input_details": False, "details": True, "return_full_text": False, "x_future": 1}, {}, {}),
    ],
)
def test_parameters_have_other_names(parameters: dict[str, Any], chat: dict[str, Any], text: dict[str, Any]) -> None:
    given = {"do_sample": True, **parameters}
    ours = {key: value for key, value in as_chat(request(**given)).items() if key not in ("model", "messages")}
    theirs = {key: value for key, value in as_text(request(**given)).items() if key not in ("model", "prompt")}
    assert ours == chat
    assert theirs == {"max_tokens": 1024, **text}


@pytest.mark.parametrize("name", ["top_k", "repetition_penalty"])
def test_an_engine_knows_more_than_openai(name: str) -> None:
    assert as_text(request(**{name: 2}))[name] == 2
    with pytest.raises(AttemptFailed):
        as_chat(request(**{name: 2}))


def test_an_engine_gets_a_regex_in_its_own_words() -> None:
    body = as_text(request(grammar={"type": "regex", "value": "[a-z]+"}))
    assert body["regex"] == "[a-z]+"
    assert body["structured_outputs"] == {"regex": "[a-z]+"}


@pytest.mark.parametrize(
    ("parameters", "is_greedy"),
    [({}, True), ({"do_sample": False}, True), ({"temperature": 1.0}, True), ({"top_k": 5}, False), (None, False)],
)
def test_an_engine_is_as_greedy_as_tgi(parameters: Any, is_greedy: bool) -> None:
    document = {"inputs": "Once"} if parameters is None else {"inputs": "Once", "parameters": parameters}
    assert (as_text(document).get("temperature") == 0) is is_greedy


@pytest.mark.parametrize(
    ("parameters", "expected"), [({}, None), ({"do_sample": False}, 0), ({"do_sample": True}, None)]
)
def test_a_chat_models_sampling_is_its_own_unless_asked(parameters: dict[str, Any], expected: int | None) -> None:
    assert as_chat(request(**parameters)).get("temperature") == expected


@pytest.mark.parametrize(
    "parameters",
    [
        {"typical_p": 0.9},
        {"watermark": True},
        {"truncate": 100},
        {"best_of": 2},
        {"adapter_id": "mine"},
        {"decoder_input_details": True},
        {"top_n_tokens": 3},
    ],
)
def test_what_has_no_equivalent_is_not_dropped_in_silence(parameters: dict[str, Any]) -> None:
    for translate in (as_chat, as_text):
        with pytest.raises(AttemptFailed) as caught:
            translate(request(**parameters))
        assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.UNABLE, False)


@pytest.mark.parametrize("parameters", [{"grammar": {"type": "regex", "value": "x"}}, {"stop": list("abcde")}])
def test_what_only_an_engine_can_do_does_not_go_to_chat(parameters: dict[str, Any]) -> None:
    with pytest.raises(AttemptFailed):
        as_chat(request(**parameters))
    assert as_text(request(**parameters))


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({}, "inputs"),
        ({"inputs": 5}, "inputs"),
        ([], "inputs"),
        ({"inputs": "x", "parameters": []}, "parameters"),
        ({"inputs": "x", "parameters": {"grammar": 5}}, "grammar"),
        ({"inputs": "x", "parameters": {"grammar": {"type": "json", "value": "{"}}}, "grammar"),
        ({"inputs": "x", "parameters": {"grammar": {"type": "json"}}}, "grammar"),
    ],
)
def test_a_wrong_request_is_the_clients_mistake(document: Any, param: str) -> None:
    for translate in (as_chat, as_text):
        with pytest.raises(GatewayError) as caught:
            translate(document)
        assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    ("endpoint", "stream", "is_streamed"),
    [
        (Endpoint.GENERATE, True, False),
        (Endpoint.GENERATE_STREAM, False, True),
        (Endpoint.GENERATE_ROOT, True, True),
        (Endpoint.GENERATE_ROOT, False, False),
    ],
)
def test_streams_ask_for_usage(endpoint: Endpoint, stream: bool, is_streamed: bool) -> None:
    document = {"inputs": "Once", "stream": stream}
    for translate in (as_chat, as_text):
        body = translate(document, endpoint)
        assert body.get("stream", False) is is_streamed
        assert ("stream_options" in body) is is_streamed


def test_the_prompt_does_not_show_in_a_repr() -> None:
    document = {"inputs": "a quiet word", "parameters": {"return_full_text": True}}
    assert "quiet" not in repr(wanted(envelope(document, Endpoint.GENERATE)))
