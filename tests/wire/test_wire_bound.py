"""What an attempt can take at most: no word of a request makes it more, and what nobody can bound is told."""

import json
from typing import Any

import msgspec
import pytest
from tgi_says import envelope

from gateway.core.types import BackendKind, Endpoint, Envelope
from gateway.wire.bound import DEFAULT_TOKENS, Bound, bound, capped
from gateway.wire.generate_request import chat_document
from gateway.wire.requests import read, read_unknown

HELLO = [{"role": "user", "content": "hello"}]


def request(endpoint: Endpoint = Endpoint.CHAT, path: str = "/", **document: Any) -> Envelope:
    return written(json.dumps(document).encode(), endpoint, path)


def written(body: bytes, endpoint: Endpoint, path: str = "/") -> Envelope:
    reading = read_unknown("application/json", body) if endpoint is Endpoint.UNKNOWN else read(endpoint, body)
    told = envelope(reading.document, endpoint, body, path)
    return msgspec.structs.replace(
        told, needs=reading.needs, stream=reading.stream, max_tokens=reading.max_tokens, model=reading.model
    )


def limits(asked: Envelope, kind: BackendKind = BackendKind.OPENAI, window: int | None = None) -> Bound:
    found = bound(asked, kind, window, None)
    assert isinstance(found, Bound), found
    return found


def test_a_prompt_is_bounded_by_its_bytes_and_never_by_more_than_the_window() -> None:
    asked = request(messages=HELLO, max_tokens=7)
    assert limits(asked).prompt >= len(asked.body)
    assert limits(asked, window=50) == Bound(50, 7)


@pytest.mark.parametrize(
    ("fields", "completions"),
    [
        ({"max_tokens": 10}, 10),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 20),
        ({"max_tokens": 10, "n": 3}, 30),
        ({"max_tokens": None}, DEFAULT_TOKENS),
    ],
)
def test_the_larger_bound_counts_for_each_answer(fields, completions) -> None:
    assert limits(request(messages=HELLO, **fields)).completions == completions


def test_every_prompt_has_its_answers() -> None:
    asked = request(Endpoint.COMPLETIONS, prompt=["one", "two"], max_tokens=5, n=2, best_of=3)
    assert limits(asked).completions == 2 * 3 * 5


@pytest.mark.parametrize("kind", [BackendKind.OPENAI, BackendKind.VLLM, BackendKind.SGLANG])
def test_a_completion_is_as_long_as_where_nobody_says_how_long(kind) -> None:
    assert limits(request(Endpoint.COMPLETIONS, prompt="one"), kind).completions == 16


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"n": "3"}, "how many answers"),
        ({"n": 2.0}, "how many answers"),
        ({"prediction": {"type": "content", "content": "long"}}, "`prediction`"),
        ({"service_tier": "priority"}, "`service_tier`"),
        ({"web_search_options": {}}, "web search"),
        ({"tools": [{"type": "mcp", "server_url": "http://x"}]}, "other tools of the provider"),
        ({"chat_template": "{{ 'a' * 1000000 }}"}, "`context_tokens`"),
        ({"messages": [{"role": "user", "content": [{"type": "input_video", "url": "x"}]}]}, "`context_tokens`"),
    ],
)
def test_what_may_cost_more_than_its_bound_has_none(fields, why) -> None:
    found = bound(request(**{"messages": HELLO, **fields}), BackendKind.OPENAI, None, None)
    assert isinstance(found, str)
    assert why in found


def test_what_is_no_text_is_bounded_by_the_window() -> None:
    video = [{"role": "user", "content": [{"type": "input_video", "url": "x"}]}]
    assert limits(request(messages=video), window=8000).prompt == 8000


@pytest.mark.parametrize("inputs", [rb"![](http://x/a.png)", rb"!\u005b\u005d(http://x/a.png)"])
def test_a_picture_in_markdown_is_a_picture_to_tgi(inputs) -> None:
    asked = written(b'{"inputs":"' + inputs + b'"}', Endpoint.GENERATE)
    assert isinstance(bound(asked, BackendKind.TGI, None, None), str)


def test_a_generation_without_parameters_is_sampled_as_before_once_it_is_bounded() -> None:
    asked = request(Endpoint.GENERATE, inputs="hello")
    sent = capped(asked, 20, "gpt-4o")
    assert json.loads(sent.body)["parameters"] == {"do_sample": True, "max_new_tokens": 20}
    assert chat_document(sent, "gpt-4o") == {**chat_document(asked, "gpt-4o"), "max_completion_tokens": 20}


@pytest.mark.parametrize(
    ("fields", "is_bounded"),
    [
        ({"input": "hello"}, True),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}]}, True),
        ({"input": "hello", "previous_response_id": "resp_1"}, False),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, False),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, False),
        ({"input": "hello", "tools": [{"type": "web_search"}]}, False),
        ({"input": "hello", "tools": [{"type": "function", "name": "f"}]}, True),
    ],
)
def test_a_response_is_bounded_where_all_of_its_prompt_is_there(fields, is_bounded) -> None:
    asked = request(Endpoint.UNKNOWN, "/v1/responses", model="gpt-5.5", **fields)
    found = bound(asked, BackendKind.OPENAI, None, None)
    assert isinstance(found, Bound) is is_bounded
    if is_bounded:
        assert json.loads(capped(asked, 9, "gpt-5.5").body)["max_output_tokens"] == 9


@pytest.mark.parametrize("path", ["/v1/responses/", "/v1/responses/compact", "/v1/images/generations"])
def test_other_routes_have_no_bound(path) -> None:
    assert isinstance(bound(request(Endpoint.UNKNOWN, path, input="x"), BackendKind.OPENAI, 8000, 10), str)
