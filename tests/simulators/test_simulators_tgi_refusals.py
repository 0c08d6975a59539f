"""What TGI refuses, word for word: text/plain for what its router cannot read, JSON for what it will not do."""

import json

import aiohttp
import pytest
from asking import BICYCLE, CHAT, HELLO, WEATHER, Asking

from gateway.simulators.server import serve
from gateway.simulators.tgi import TgiSettings, tgi_app

UNREADABLE = "Failed to deserialize the JSON body into the target type: "

MISFITS = {
    "stop as a string": ({"stop": "###"}, 'stop: invalid type: string "###", expected a sequence'),
    "an empty logit_bias": ({"logit_bias": {}}, "logit_bias: invalid type: map, expected a sequence"),
    "response_format text": (
        {"response_format": {"type": "text"}},
        "response_format: unknown variant `text`, expected one of `json`, `json_object`, `regex`, `json_schema`",
    ),
    "OpenAI's json_schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "b", "schema": BICYCLE}}},
        "response_format: missing field `value`",
    ),
    "bare json_object": ({"response_format": {"type": "json_object"}}, "response_format: missing field `value`"),
    "a tool without parameters": (
        {"tools": [{"type": "function", "function": {"name": "ring_bell"}}]},
        "tools[0].function: missing field `arguments`",
    ),
    "both max-token names": ({"max_tokens": 9, "max_completion_tokens": 9}, "duplicate field `max_tokens`"),
    "null stream_options": (
        {"stream_options": None},
        "stream_options: invalid type: null, expected struct StreamOptions",
    ),
    "null stream": ({"stream": None}, "stream: invalid type: null, expected a boolean"),
    "a negative seed": ({"seed": -1}, "seed: invalid value: integer `-1`, expected u64"),
    "a fraction of a token": ({"max_tokens": 1.5}, "max_tokens: invalid type: floating point `1.5`, expected u32"),
    "temperature in words": ({"temperature": "hot"}, 'temperature: invalid type: string "hot", expected f32'),
    "a number in stop": ({"stop": [7]}, "stop[0]: invalid type: integer `7`, expected a string"),
    "tool_choice of OpenAI's other kind": (
        {"tools": [WEATHER], "tool_choice": {"type": "allowed_tools"}},
        "tool_choice: data did not match any variant of untagged enum ToolTypeDeserializer",
    ),
    "null assistant content": (
        {"messages": [*HELLO, {"role": "assistant", "content": None}]},
        "messages[1]: data did not match any variant of untagged enum MessageBody",
    ),
    "an audio part": (
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        "messages[0]: data did not match any variant of untagged enum MessageBody",
    ),
    "messages as a string": ({"messages": "hi"}, 'messages: invalid type: string "hi", expected a sequence'),
    "a message without a role": ({"messages": [{"content": "hi"}]}, "messages[0]: missing field `role`"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("what", list(MISFITS))
async def test_what_does_not_fit_is_a_422_in_plain_text_streamed_or_not(tgi: Asking, what: str, stream: bool) -> None:
    fields, says = MISFITS[what]
    got = await tgi.chat(**{"stream": stream, **fields})
    assert got.status == 422
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    assert got.text.startswith(f"{UNREADABLE}{says} at line 1 column ")


async def test_the_column_is_where_serde_stands(tgi: Asking) -> None:
    body = b'{"messages": [],\n "stop": "x"}'
    assert (await tgi.post(CHAT, body)).text.endswith("at line 2 column 12")
    body = b'{"logit_bias": {}, "messages": []}'
    assert (await tgi.post(CHAT, body)).text.endswith("at line 1 column 15")
    assert (
        await tgi.post(CHAT, b'{"model": "tgi"}')
    ).text == f"{UNREADABLE}missing field `messages` at line 1 column 16"


UNREAD = {
    "no JSON type": (b"{}", "text/plain", 415, "Expected request with `Content-Type: application/json`"),
    "nothing": (b"", "application/json", 400, "EOF while parsing a value at line 1 column 0"),
    "cut short": (b'{"messages": [', "application/json", 400, "EOF while parsing a value at line 1 column 14"),
    "not JSON": (b"hello", "application/json", 400, "expected value at line 1 column 1"),
    "two documents": (b"{}{}", "application/json", 400, "trailing characters at line 1 column "),
    "200 deep": (b"[" * 200 + b"]" * 200, "application/json", 400, "recursion limit exceeded at line 1 column 128"),
    "10,000 deep": (b"[" * 10_000 + b"]" * 10_000, "application/json", 400, "recursion limit exceeded"),
    "invalid UTF-8": (b'{"model": "\xff"}', "application/json", 400, "invalid unicode code point"),
    "over the payload limit": (b" " * 2_000_001, "application/json", 413, "length limit exceeded"),
}


@pytest.mark.parametrize("path", [CHAT, "/generate", "/", "/v1/completions", "/tokenize", "/chat_tokenize"])
@pytest.mark.parametrize("what", list(UNREAD))
async def test_what_is_no_json_is_refused_in_plain_text(tgi: Asking, what: str, path: str) -> None:
    data, kind, status, says = UNREAD[what]
    got = await tgi.send("POST", path, data, content_type=kind)
    assert got.status == status
    assert says in got.text
    assert got.headers["content-type"] == "text/plain; charset=utf-8"


REFUSED = {
    "top_p 1": ({"top_p": 1}, "`top_p` must be > 0.0 and < 1.0"),
    "top_p 0": ({"top_p": 0}, "`top_p` must be > 0.0 and < 1.0"),
    "a negative temperature": ({"temperature": -0.1}, "`temperature` must be strictly positive"),
    "presence_penalty -2": ({"presence_penalty": -2}, "`repetition_penalty` must be strictly positive"),
    "frequency_penalty 3": ({"frequency_penalty": 3}, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
    "no tokens": ({"max_tokens": 0}, "`max_new_tokens` must be strictly positive"),
    "five stops": ({"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
    "six top_logprobs": (
        {"logprobs": True, "top_logprobs": 6},
        "`top_n_tokens` must be >= 0 and <= 5. Given: 6",
    ),
    "a schema without properties": (
        {"response_format": {"type": "json", "value": {"type": "object"}}},
        "grammar is not valid: Grammar must have a 'properties' field",
    ),
    "too long a prompt": (
        {"messages": [{"role": "user", "content": "word " * 33_000}]},
        "`inputs` must have less than 32000 tokens. Given: 66014",
    ),
}


@pytest.mark.parametrize("what", list(REFUSED))
async def test_what_is_out_of_range_is_a_422_in_tgis_own_json(tgi: Asking, what: str) -> None:
    fields, says = REFUSED[what]
    got = await tgi.chat(**fields)
    assert got.status == 422
    assert got.json["error_type"] == "validation"
    assert got.json["error"].startswith("Input validation error: ")
    assert says in got.json["error"] or what == "too long a prompt"


@pytest.mark.parametrize("what", list(REFUSED))
async def test_the_same_in_a_stream_is_a_200_with_an_error_event(tgi: Asking, what: str) -> None:
    fields, _ = REFUSED[what]
    got = await tgi.chat(**fields, stream=True)
    error, done = got.events
    assert got.status == 200
    assert error["error"]["message"].startswith("Input validation error: ")
    assert error["error"]["http_status_code"] == 422
    assert done == "[DONE]"


async def test_length_is_prompt_and_at_most_the_first_1024_new_tokens(http: aiohttp.ClientSession) -> None:
    async with serve(tgi_app(TgiSettings(max_total_tokens=1_040, max_input_tokens=1_000))) as running:
        tgi = Asking(running, http)
        refused = await tgi.chat(max_tokens=10_000_000)
        assert refused.json["error"] == (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1040. "
            "Given: 17 `inputs` tokens and 1024 `max_new_tokens`"
        )
    async with serve(tgi_app()) as running:
        assert (await Asking(running, http).chat(max_tokens=10_000_000)).status == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_beside_response_format_are_refused_with_a_status_even_in_a_stream(
    tgi: Asking, stream: bool
) -> None:
    form = {"type": "json", "value": BICYCLE}
    for tools in ([], [WEATHER]):
        got = await tgi.chat(tools=tools, response_format=form, stream=stream)
        told = {"error": "Tool error: Grammar and tools are mutually exclusive", "error_type": "tool_error"}
        assert (got.status, got.json) == (422, told)


async def test_an_unknown_tool_name_is_refused(tgi: Asking) -> None:
    got = await tgi.chat(tools=[WEATHER], tool_choice="get_money")
    assert got.json == {"error": "Tool error: Tool with name get_money not found", "error_type": "tool_error"}


@pytest.mark.parametrize(
    ("fields", "error_type"),
    [({"prompt": "x", "suffix": "y"}, "suffix not supported"), ({"prompt": ["x"] * 5}, "batch size exceeded")],
)
async def test_completions_refuse_suffixes_and_large_batches(tgi: Asking, fields: dict, error_type: str) -> None:
    got = await tgi.post("/v1/completions", fields)
    assert (got.status, got.json["error_type"]) == (422, error_type)


async def test_overload_is_a_429_at_once_and_in_a_stream_a_200(http: aiohttp.ClientSession) -> None:
    async with serve(tgi_app(TgiSettings(max_concurrent_requests=0))) as running:
        tgi = Asking(running, http)
        whole, streamed = await tgi.chat(), await tgi.chat(stream=True)
        native = await tgi.post("/generate_stream", {"inputs": "x"})
        assert (whole.status, whole.json) == (429, {"error": "Model is overloaded", "error_type": "overloaded"})
        assert "retry-after" not in whole.headers
        assert streamed.status == 200
        assert streamed.events == [{"error": {"message": "Model is overloaded", "http_status_code": 422}}, "[DONE]"]
        assert native.events == [{"error": "Model is overloaded", "error_type": "overloaded"}]
        assert await tgi.meter('tgi_request_failure{err="overloaded"}') == 3


async def test_a_wrong_key_is_a_401_without_a_word(http: aiohttp.ClientSession) -> None:
    async with serve(tgi_app(TgiSettings(api_key="Invented-Key"))) as running:
        tgi = Asking(running, http)
        body = {"messages": HELLO}
        for path in (CHAT, "/generate", "/", "/tokenize", "/invocations", "/vertex"):
            got = await tgi.post(path, body, authorization="Bearer wrong")
            assert (got.status, got.body) == (401, b"")
        assert (await tgi.post(CHAT, body, authorization="bearer invented-key")).status == 200
        assert (await tgi.post("/chat_tokenize", body)).status == 200
        for path in ("/", "/health", "/ping", "/info", "/v1/models", "/metrics"):
            assert (await tgi.get(path)).status == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/generate", 405), ("POST", "/v1/embeddings", 404)])
async def test_other_routes_are_refused_without_a_body(tgi: Asking, method: str, path: str, status: int) -> None:
    got = await tgi.send(method, path)
    assert (got.status, got.body) == (status, b"")


async def test_null_is_as_good_as_absent_where_rust_has_an_option(tgi: Asking) -> None:
    names = ["temperature", "top_p", "stop", "logit_bias", "tools", "tool_choice", "response_format", "seed", "n"]
    assert (await tgi.chat(**dict.fromkeys(names))).status == 200


async def test_unknown_fields_are_ignored(tgi: Asking) -> None:
    got = await tgi.chat(user="someone", store=True, metadata={"a": "b"}, x_future={"deep": [1]})
    assert got.status == 200
    assert json.loads(got.body)["choices"]
