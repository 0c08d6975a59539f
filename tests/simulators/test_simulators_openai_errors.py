"""OpenAI's refusals in its own words, its limits and headers, its outages as the client meets them, and the bill."""

from typing import Any

import openai
import pytest
from asking import CHAT, HELLO, WEATHER, Asking
from openai import AsyncOpenAI

from gateway.simulators.openai import OpenAISettings

pytestmark = pytest.mark.slow

KEYED = OpenAISettings(api_key="invented-key")


def message(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "x", **fields}]}


def schema(**fields: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "b", "schema": {}, **fields}}}


MISTAKES: dict[str, tuple[dict[str, Any], str | None, str | None]] = {
    "no model": ({"model": None}, "model", "missing_required_parameter"),
    "no messages": ({"messages": None}, "messages", "missing_required_parameter"),
    "empty messages": ({"messages": []}, "messages", "empty_array"),
    "a message that is a text": ({"messages": ["x"]}, "messages[0]", "invalid_type"),
    "a message without a role": (message(role=None), "messages[0].role", "missing_required_parameter"),
    "a role nobody has": (message(role="boss"), "messages[0].role", "invalid_value"),
    "null content": (message(content=None), "messages[0].content", "invalid_type"),
    "a model that is a number": ({"model": 7}, "model", "invalid_type"),
    "messages that are a text": ({"messages": "x"}, "messages", "invalid_type"),
    "a stream that is a word": ({"stream": "yes"}, "stream", "invalid_type"),
    "a number that is true": ({"temperature": True}, "temperature", "invalid_type"),
    "too hot": ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    "below the least": ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
    "no token at all": ({"max_completion_tokens": 0}, "max_completion_tokens", "integer_below_min_value"),
    "too many choices": ({"n": 129}, "n", "integer_above_max_value"),
    "too many rivals": ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    "five stops": ({"stop": list("abcde")}, "stop", "array_above_max_length"),
    "a stop that is a number": ({"stop": [1]}, "stop[0]", "invalid_type"),
    "two limits": ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens", "invalid_parameter_combination"),
    "the older name of the limit": ({"model": "gpt-5.5", "max_tokens": 9}, "max_tokens", "unsupported_parameter"),
    "options without a stream": ({"stream_options": {"include_usage": True}}, "stream_options", None),
    "rivals without logprobs": ({"top_logprobs": 2}, "top_logprobs", None),
    "a tool that is a text": ({"tools": ["x"]}, "tools[0]", "invalid_type"),
    "a tool without a function": ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter"),
    "a tool without a name": (
        {"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", "missing_required_parameter"
    ),
    "a choice without tools": ({"tool_choice": "auto"}, "tool_choice", None),
    "a format nobody has": ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
    "Hugging Face's format": (
        {"response_format": {"type": "json", "value": {}}}, "response_format.type", "invalid_value"
    ),
    "a schema that is none": (
        {"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing_required_parameter"
    ),
    "a schema without a name": (schema(name=None), "response_format.json_schema.name", "missing_required_parameter"),
    "a schema that is a text": (schema(schema="x"), "response_format.json_schema.schema", "invalid_type"),
    "a strict schema that is open": (schema(strict=True), "response_format", None),
    "JSON that nobody asked for": ({"response_format": {"type": "json_object"}}, "messages", None),
}  # fmt: skip


@pytest.mark.parametrize("what", list(MISTAKES))
async def test_a_mistake_in_a_chat_is_told_with_its_field_and_its_code(account: Asking, what: str) -> None:
    fields, param, code = MISTAKES[what]
    got = await account.chat(**fields)
    error = got.json["error"]
    assert (got.status, error["type"], error["param"], error["code"]) == (400, "invalid_request_error", param, code)
    assert list(error) == ["message", "type", "param", "code"]
    assert error["message"]
    assert got.body.startswith(b'{\n  "error": {\n')


OTHERS = {
    "a prompt that is a number": ("/v1/completions", {"prompt": 7}, "prompt"),
    "no prompt": ("/v1/completions", {}, "prompt"),
    "prompts of another kind": ("/v1/completions", {"prompt": [{}]}, "prompt"),
    "nothing to embed": ("/v1/embeddings", {"input": []}, "input"),
    "another encoding": ("/v1/embeddings", {"input": "x", "encoding_format": "hex"}, "encoding_format"),
    "too many to embed": ("/v1/embeddings", {"input": ["x"] * 2049}, "input"),
    "a response to nothing": ("/v1/responses", {}, "input"),
    "a moderation of nothing": ("/v1/moderations", {}, "input"),
}


@pytest.mark.parametrize("what", list(OTHERS))
async def test_a_mistake_elsewhere_is_told_with_its_field(account: Asking, what: str) -> None:
    path, body, param = OTHERS[what]
    got = await account.post(path, {"model": "gpt-5.5", **body})
    assert (got.status, got.json["error"]["param"]) == (400, param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"model": "\xff"}', b"[" * 10_000])
async def test_what_is_no_json_object_is_a_400(account: Asking, body: bytes) -> None:
    got = await account.post(CHAT, body)
    assert (got.status, set(got.json["error"])) == (400, {"message", "type", "param", "code"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nowhere", 404),
        ("POST", "/v1/modelsoup", 404),
        ("GET", "/v1/modelsoup", 404),
        ("GET", CHAT, 405),
        ("DELETE", "/v1/models", 405),
        ("GET", "/v1/models/gpt-0", 404),
    ],
)
async def test_a_wrong_address_is_told(account: Asking, method: str, path: str, status: int) -> None:
    got = await account.send(method, path)
    assert (got.status, set(got.json["error"])) == (status, {"message", "type", "param", "code"})


async def test_a_file_must_come_in_a_form(account: Asking) -> None:
    assert (await account.post("/v1/files", {"file": "x"})).status == 400
    empty = b'--x\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--x--\r\n'
    got = await account.send("POST", "/v1/files", empty, content_type="multipart/form-data; boundary=x")
    assert (got.status, got.json["error"]["param"]) == (400, "file")


async def test_a_null_is_as_good_as_nothing(client: AsyncOpenAI) -> None:
    nothing = dict.fromkeys(("stop", "stream_options", "tools", "tool_choice", "response_format", "n", "user"))
    answer = await client.chat.completions.create(model="gpt-5.5", messages=HELLO, **nothing)
    assert answer.choices[0].message.content


@pytest.mark.parametrize("openai_settings", [OpenAISettings(context_tokens=20)])
async def test_too_long_a_prompt_is_told_by_its_code(client: AsyncOpenAI) -> None:
    long = "Say hello " * 50
    calls = [
        client.chat.completions.create(model="gpt-5.5", messages=[{"role": "user", "content": long}], stream=True),
        client.completions.create(model="gpt-5.5", prompt=long),
        client.responses.create(model="gpt-5.5", input=long),
    ]
    for call in calls:
        with pytest.raises(openai.BadRequestError) as caught:
            await call
        assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize("openai_settings", [KEYED])
async def test_only_the_right_key_is_let_in(api, account: Asking, client: AsyncOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        await client.models.list()
    assert caught.value.code == "invalid_api_key"
    assert (await account.chat()).status == 401
    async with AsyncOpenAI(base_url=api.url + "/v1", api_key="invented-key", max_retries=0) as known:
        assert (await known.chat.completions.create(model="gpt-5.5", messages=HELLO)).id


@pytest.mark.parametrize("stream", [False, True])
async def test_every_answer_has_openais_headers(account: Asking, stream: bool) -> None:
    got, again = await account.chat(stream=stream), await account.chat(messages=[])
    for headers in (got.headers, again.headers):
        assert headers["x-request-id"].startswith("req_")
        assert headers["openai-version"] == "2020-10-01"
        assert headers["openai-organization"] == "northwind-gears"
        assert headers["openai-processing-ms"].isdecimal()
        assert headers["x-ratelimit-limit-requests"].isdecimal()
        assert headers["x-ratelimit-reset-tokens"]
        assert "set-cookie" in headers  # which a gateway has to keep to itself
    assert got.headers["x-request-id"] != again.headers["x-request-id"]


async def test_the_client_shows_the_request_id(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="gpt-5.5", messages=HELLO)
    assert answer._request_id.startswith("req_")


@pytest.mark.parametrize("openai_settings", [OpenAISettings(requests_per_minute=2)])
async def test_a_limit_counts_down_and_then_refuses(account: Asking, client: AsyncOpenAI) -> None:
    left = [(await account.chat()).headers["x-ratelimit-remaining-requests"] for _ in range(2)]
    assert left == ["1", "0"]
    assert (await account.get("/v1/models")).status == 200
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model="gpt-5.5", messages=HELLO, stream=True)
    assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "requests")
    assert caught.value.response.headers["retry-after-ms"] == "1000"


OUTAGES = {
    "quota": ({"insufficient_quota": True}, openai.RateLimitError, "insufficient_quota"),
    "overload": ({"overloaded": True}, openai.InternalServerError, "server_is_overloaded"),
    "rate limit": ({"fail_status": 429}, openai.RateLimitError, "rate_limit_exceeded"),
    "key": ({"fail_status": 401}, openai.AuthenticationError, "invalid_api_key"),
    "access": ({"fail_status": 403}, openai.PermissionDeniedError, "model_access_denied"),
    "server error": ({"fail_status": 500}, openai.InternalServerError, None),
    "a page": ({"html": True}, openai.InternalServerError, None),
    "a reset": ({"cut_after_events": 0}, openai.APIConnectionError, None),
    "half a body": ({"cut_body": True}, openai.APIConnectionError, None),
}


@pytest.mark.parametrize("outage", list(OUTAGES))
async def test_an_outage_is_the_exception_the_client_knows(api, client: AsyncOpenAI, outage: str) -> None:
    faults, exception, code = OUTAGES[outage]
    for name, value in faults.items():
        setattr(api.faults, name, value)
    with pytest.raises(exception) as caught:
        await client.chat.completions.create(model="gpt-5.5", messages=HELLO)
    assert caught.value.code == code


async def test_an_error_in_place_of_a_stream_is_raised_by_the_client(api, client: AsyncOpenAI) -> None:
    api.faults.error_event_first = True
    calls = [
        client.chat.completions.create(model="gpt-5.5", messages=HELLO, stream=True),
        client.completions.create(model="gpt-5.5", prompt="x", stream=True),
    ]
    for call in calls:
        stream = await call
        with pytest.raises(openai.APIError) as caught:
            _ = [chunk async for chunk in stream]
        assert caught.value.type == "server_error"


async def test_an_error_in_place_of_a_streamed_response_is_its_only_event(api, client: AsyncOpenAI) -> None:
    api.faults.error_event_first = True
    events = [event async for event in await client.responses.create(model="gpt-5.5", input="x", stream=True)]
    assert [event.type for event in events] == ["error"]
    assert events[0].message


async def test_the_client_tries_again_and_succeeds(api) -> None:
    api.faults.overloaded_first = 1
    async with AsyncOpenAI(base_url=api.url + "/v1", api_key="any", max_retries=1) as patient:
        assert (await patient.chat.completions.create(model="gpt-5.5", messages=HELLO)).id
    assert [entry.status for entry in api.log] == [503, 200]


async def test_the_bill_is_the_usage_by_model(account: Asking, client: AsyncOpenAI) -> None:
    bill = account.simulator.bill
    made = [
        await client.chat.completions.create(model="gpt-5.5", messages=HELLO, n=2),
        await client.chat.completions.create(model="gpt-5.5", messages=HELLO, tools=[WEATHER], tool_choice="required"),
        await client.completions.create(model="gpt-5.5", prompt="x"),
    ]
    embedded = await client.embeddings.create(model="text-embedding-3-small", input="gear hubs")
    assert bill["gpt-5.5"].requests == 3
    assert bill["gpt-5.5"].prompt_tokens == sum(answer.usage.prompt_tokens for answer in made)
    assert bill["gpt-5.5"].completion_tokens == sum(answer.usage.completion_tokens for answer in made)
    assert bill["text-embedding-3-small"].prompt_tokens == embedded.usage.prompt_tokens


async def test_what_is_refused_is_not_charged(account: Asking) -> None:
    account.simulator.faults.overloaded_first = 1
    await account.chat()
    await account.chat(messages=[])
    assert account.simulator.bill == {}


async def test_the_bill_can_be_read_and_torn_up_from_outside(either: Asking) -> None:
    usage = (await either.chat()).json["usage"]
    (told,) = (await either.get("/_simulator/bill")).json.values()
    counted = {name: usage[name] for name in ("prompt_tokens", "completion_tokens")}
    assert told == {"requests": 1, **counted}
    await either.send("DELETE", "/_simulator/bill")
    assert either.simulator.bill == {}


@pytest.mark.parametrize(("method", "name"), [("GET", "nothing"), ("POST", "faults"), ("DELETE", "faults")])
async def test_a_control_route_that_is_none_names_those_that_are(either: Asking, method: str, name: str) -> None:
    got = await either.send(method, f"/_simulator/{name}")
    assert got.status == 404
    assert "faults, log and bill" in got.json["error"]
    assert either.simulator.log == []
