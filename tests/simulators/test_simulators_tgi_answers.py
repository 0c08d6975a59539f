"""What surprises in TGI's answers: everything a gateway has to rewrite is there to be rewritten."""

import json
import re

import aiohttp
import pytest
from asking import BICYCLE, CHAT, HELLO, WEATHER, Asking, said

from gateway.simulators.server import serve
from gateway.simulators.tgi import TgiSettings, tgi_app

IN_LISBON = [{"role": "user", "content": "What is the weather in Lisbon?"}]


async def test_a_chat_answer_has_no_id_and_exactly_these_fields(tgi: Asking) -> None:
    answer = (await tgi.chat()).json
    assert list(answer) == ["object", "id", "created", "model", "system_fingerprint", "choices", "usage"]
    assert answer["id"] == ""
    assert answer["system_fingerprint"] == "3.3.7-native"
    (choice,) = answer["choices"]
    assert list(choice) == ["index", "message", "logprobs", "finish_reason"]
    assert list(choice["message"]) == ["role", "content"]
    assert choice["finish_reason"] == "stop"


async def test_the_model_is_echoed_as_an_adapter_unless_it_is_tgi(tgi: Asking) -> None:
    assert (await tgi.chat(model="tgi")).json["model"] == "meta-llama/Llama-3.3-70B-Instruct"
    assert tgi.simulator.log[-1].parameters["adapter_id"] is None
    assert (await tgi.chat(model="gpt-4-turbo")).json["model"] == "gpt-4-turbo"
    assert tgi.simulator.log[-1].parameters["adapter_id"] == "gpt-4-turbo"


async def test_presence_penalty_zero_becomes_a_repetition_penalty_of_two(tgi: Asking) -> None:
    await tgi.chat()
    assert tgi.simulator.log[-1].parameters["repetition_penalty"] is None
    await tgi.chat(presence_penalty=0)
    assert tgi.simulator.log[-1].parameters["repetition_penalty"] == 2.0


async def test_temperature_zero_is_greedy(tgi: Asking) -> None:
    await tgi.chat(temperature=0)
    assert tgi.simulator.log[-1].parameters["do_sample"] is False
    assert tgi.simulator.log[-1].parameters["temperature"] is None


async def test_n_is_silently_one(tgi: Asking) -> None:
    assert len((await tgi.chat(n=3)).json["choices"]) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_the_stop_text_stays_in_and_the_reason_is_stop_sequence(tgi: Asking, stream: bool) -> None:
    whole = (await tgi.chat()).json["choices"][0]["message"]["content"]
    stop = whole.split()[2]
    got = await tgi.chat(stop=[stop], stream=stream)
    if stream:
        text, reason = said(got.events[:-1]), got.events[-2]["choices"][0]["finish_reason"]
    else:
        text, reason = (got.json["choices"][0][key] for key in ("message", "finish_reason"))
        text = text["content"]
    assert text == whole[: whole.index(stop) + len(stop)]
    assert reason == "stop_sequence"


async def test_a_stop_text_inside_a_token_is_not_seen(tgi: Asking) -> None:
    whole = (await tgi.chat()).json["choices"][0]["message"]["content"]
    got = (await tgi.chat(stop=[whole[:2]])).json["choices"][0]
    assert (got["message"]["content"], got["finish_reason"]) == (whole, "stop")


async def test_the_limit_is_counted_in_tokens(tgi: Asking) -> None:
    answer = (await tgi.chat(max_completion_tokens=5)).json
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5


async def test_every_delta_repeats_the_role_and_usage_is_null(tgi: Asking) -> None:
    *chunks, done = (await tgi.chat(stream=True)).events
    assert done == "[DONE]"
    assert all(chunk["choices"][0]["delta"]["role"] == "assistant" for chunk in chunks)
    assert all(chunk["id"] == "" and chunk["usage"] is None for chunk in chunks)
    assert chunks[-1]["choices"][0] == {
        "index": 0,
        "delta": {"role": "assistant", "content": ""},
        "logprobs": None,
        "finish_reason": "stop",
    }


async def test_include_usage_adds_a_chunk_without_choices(tgi: Asking) -> None:
    *_, last, done = (await tgi.chat(stream=True, stream_options={"include_usage": True})).events
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]
    assert done == "[DONE]"


async def test_logprobs_have_no_bytes_and_no_refusal(tgi: Asking) -> None:
    told = (await tgi.chat(logprobs=True, top_logprobs=2)).json["choices"][0]["logprobs"]
    assert list(told) == ["content"]
    assert list(told["content"][0]) == ["token", "logprob", "top_logprobs"]
    assert [list(each) for each in told["content"][0]["top_logprobs"]] == [["token", "logprob"]] * 2


async def test_a_tool_call_says_stop_and_its_id_is_a_number(tgi: Asking) -> None:
    choice = (await tgi.chat(messages=IN_LISBON, tools=[WEATHER])).json["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "content" not in choice["message"]
    (call,) = choice["message"]["tool_calls"]
    function = {"description": None, "name": "get_weather", "arguments": '{"city":"some city"}'}
    assert call == {"id": "0", "type": "function", "function": function}


async def test_a_streamed_tool_call_never_finishes(tgi: Asking) -> None:
    got = await tgi.chat(messages=IN_LISBON, tools=[WEATHER], stream=True, stream_options={"include_usage": True})
    *chunks, usage, done = got.events
    calls = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in chunks]
    assert calls[0]["function"] == {"name": "get_weather", "arguments": "{"}
    assert all(call["function"]["name"] is None for call in calls[1:])
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"city": "some city"}
    assert {chunk["choices"][0]["finish_reason"] for chunk in chunks} == {None}
    assert {(call["id"], call["index"]) for call in calls} == {("0", 0)}
    assert usage["choices"] == []
    assert done == "[DONE]"


async def test_call_ids_collide_over_turns_unless_they_are_numbers(tgi: Asking) -> None:
    def turn(identity: str) -> list[dict]:
        call = {"id": identity, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        result = {"role": "tool", "tool_call_id": identity, "content": "clear"}
        return [*IN_LISBON, {"role": "assistant", "tool_calls": [call]}, result, *IN_LISBON]

    async def identity_after(messages: list[dict], *, stream: bool) -> str:
        got = await tgi.chat(messages=messages, tools=[WEATHER], stream=stream)
        choice = (got.events if stream else [got.json])[0]["choices"][0]
        return choice.get("delta", choice.get("message"))["tool_calls"][0]["id"]

    assert await identity_after(turn("4"), stream=False) == "0"
    assert await identity_after(turn("4"), stream=True) == "5"
    assert re.fullmatch(r"[0-9a-f-]{36}", await identity_after(turn("call_abc"), stream=True))


@pytest.mark.parametrize("stream", [False, True])
async def test_auto_without_a_tool_generates_twice(tgi: Asking, stream: bool) -> None:
    plain = (await tgi.chat()).json["choices"][0]["message"]["content"]
    before = await tgi.meter("tgi_request_success")
    got = await tgi.chat(tools=[WEATHER], stream=stream)
    text = said(got.events[:-1]) if stream else got.json["choices"][0]["message"]["content"]
    assert text == plain
    assert await tgi.meter("tgi_request_success") - before == 2


@pytest.mark.parametrize(
    ("choice", "calls"),
    [
        ("none", False),
        ("required", True),
        ("get_weather", True),
        ({"type": "function", "function": {"name": "get_weather"}}, True),
        (None, False),
    ],
)
async def test_tool_choice(tgi: Asking, choice: object, calls: bool) -> None:
    message = (await tgi.chat(tools=[WEATHER], tool_choice=choice)).json["choices"][0]["message"]
    assert ("tool_calls" in message) == calls


async def test_one_call_at_most(tgi: Asking) -> None:
    hotels = {"type": "function", "function": {"name": "find_hotels", "parameters": {"type": "object"}}}
    messages = [{"role": "user", "content": "The weather in Lisbon, and hotels there"}]
    got = (await tgi.chat(messages=messages, tools=[WEATHER, hotels])).json
    assert len(got["choices"][0]["message"]["tool_calls"]) == 1


async def test_a_tool_without_arguments_streams_an_empty_object(tgi: Asking) -> None:
    bell = {"type": "function", "function": {"name": "ring_bell", "parameters": {"type": "object", "properties": {}}}}
    *chunks, _ = (await tgi.chat(tools=[bell], tool_choice="required", stream=True)).events
    calls = [chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] for chunk in chunks]
    assert json.loads("".join(calls)) == {}


@pytest.mark.parametrize("kind", ["json", "json_object"])
async def test_a_schema_is_kept(tgi: Asking, kind: str) -> None:
    for value in (BICYCLE, json.dumps(BICYCLE)):
        got = (await tgi.chat(response_format={"type": kind, "value": value})).json
        assert set(json.loads(got["choices"][0]["message"]["content"])) == {"name", "gears"}
    form = {"type": "json_schema", "value": {"name": "b", "schema": BICYCLE}}
    got = (await tgi.chat(response_format=form)).json
    assert json.loads(got["choices"][0]["message"]["content"])["gears"] >= 1


async def test_a_regex_is_kept(tgi: Asking) -> None:
    pattern = r"((25[0-5]|2[0-4]\d|[01]?\d\d?)\.){3}(25[0-5]|2[0-4]\d|[01]?\d\d?)"
    got = (await tgi.chat(response_format={"type": "regex", "value": pattern})).json
    assert re.fullmatch(pattern, got["choices"][0]["message"]["content"])


async def test_a_json_cut_by_the_limit_is_no_tool_call(tgi: Asking) -> None:
    got = await tgi.chat(messages=IN_LISBON, tools=[WEATHER], max_tokens=4)
    assert (got.status, got.json["error_type"]) == (422, "tool_error")


async def test_roles_are_taken_as_they_come_and_parts_are_joined(tgi: Asking) -> None:
    parts = [
        {"type": "text", "text": "Look: "},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    messages = [{"role": "developer", "content": "Be brief"}, {"role": "user", "content": parts}]
    text = (await tgi.post("/chat_tokenize", {"messages": messages})).json["templated_text"]
    assert "<|start_header_id|>developer<|end_header_id|>\n\nBe brief" in text
    assert "Look: ![](data:image/png;base64,AAAA)" in text


async def test_an_assistants_last_message_is_continued(tgi: Asking) -> None:
    messages = [*HELLO, {"role": "assistant", "content": "Good morn"}]
    text = (await tgi.post("/chat_tokenize", {"messages": messages})).json["templated_text"]
    assert text.endswith("Good morn")


async def test_whole_answers_carry_the_engines_times_and_streams_do_not(tgi: Asking) -> None:
    whole, streamed = await tgi.chat(), await tgi.chat(stream=True)
    assert int(whole.headers["x-prompt-tokens"]) == whole.json["usage"]["prompt_tokens"]
    assert int(whole.headers["x-generated-tokens"]) == whole.json["usage"]["completion_tokens"]
    for name in ("x-queue-time", "x-inference-time", "x-total-time", "x-validation-time", "x-time-per-token"):
        assert whole.headers[name].isdecimal()
        assert name not in streamed.headers
    assert streamed.headers["content-type"] == "text/event-stream"
    assert streamed.headers["x-accel-buffering"] == "no"
    assert whole.headers["x-compute-type"] == streamed.headers["x-compute-type"] == "gpu+optimized"


async def test_a_batch_of_completions_is_in_the_order_it_was_done(tgi: Asking) -> None:
    got = (await tgi.post("/v1/completions", {"prompt": ["Once", "two", "three"]})).json
    lengths = [len(choice["text"]) for choice in got["choices"]]
    assert sorted(choice["index"] for choice in got["choices"]) == [0, 1, 2]
    assert [choice["index"] for choice in got["choices"]] != [0, 1, 2]
    assert lengths[0] == min(lengths)
    alone = (await tgi.post("/v1/completions", {"prompt": "two"})).json["choices"][0]["text"]
    assert next(choice for choice in got["choices"] if choice["index"] == 1)["text"] == alone


async def test_a_streamed_completion_ends_with_usage_its_own_reason_and_the_mark_of_the_end(tgi: Asking) -> None:
    *chunks, last, done = (await tgi.post("/v1/completions", {"prompt": "Once", "stream": True})).events
    assert {chunk["choices"][0]["finish_reason"] for chunk in chunks} == {""}
    assert last["choices"][0]["finish_reason"] == "eos_token"
    assert last["choices"][0]["text"] == "<|eot_id|>"
    assert last["usage"]["completion_tokens"] == len(chunks) + 1
    assert done == "[DONE]"
    assert "usage" not in chunks[0]


async def test_a_streamed_batch_mixes_the_indices(tgi: Asking) -> None:
    *chunks, _ = (await tgi.post("/v1/completions", {"prompt": ["a", "b"], "stream": True, "max_tokens": 3})).events
    assert [chunk["choices"][0]["index"] for chunk in chunks] == [0, 1, 0, 1, 0, 1]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[-2:]] == ["length", "length"]


async def test_the_queue_the_batch_and_the_dropped_are_in_the_metrics(http: aiohttp.ClientSession) -> None:
    settings = TgiSettings(prefill_ms=60_000, batch_size=1)
    async with serve(tgi_app(settings)) as running:
        tgi = Asking(running, http)
        readers = [
            http.post(running.url + CHAT, json={"messages": HELLO, "stream": True, "max_tokens": 100}) for _ in range(3)
        ]
        streams = [await reader for reader in readers]
        assert await tgi.meter("tgi_batch_current_size") == 1
        assert await tgi.meter("tgi_queue_size") == 2
        assert await tgi.meter("tgi_batch_current_max_tokens") == 117
        assert await tgi.meter("tgi_batch_max_total_tokens") == 400_000
        for stream in streams:
            stream.close()
        while running.open_requests:
            await tgi.get("/health")
        assert await tgi.meter("tgi_batch_current_size") == await tgi.meter("tgi_queue_size") == 0
        assert await tgi.meter('tgi_request_failure{err="dropped"}') == 3
        assert await tgi.meter("tgi_request_success") == 0


async def test_successes_are_counted_and_timed(tgi: Asking) -> None:
    usage = (await tgi.chat()).json["usage"]
    assert await tgi.meter("tgi_request_success") == 1
    assert await tgi.meter("tgi_request_count") == 2  # the route counts, and the generation under it
    assert await tgi.meter("tgi_request_generated_tokens_sum") == usage["completion_tokens"]
    assert await tgi.meter("tgi_request_input_length_sum") == usage["prompt_tokens"]
    assert await tgi.meter('tgi_batch_inference_count{method="prefill"}') == 1
    for name in ("duration", "queue_duration", "inference_duration", "mean_time_per_token_duration"):
        assert await tgi.meter(f"tgi_request_{name}_count") == 1


async def test_the_bill_is_the_usage(tgi: Asking) -> None:
    usage = (await tgi.chat()).json["usage"]
    (bill,) = tgi.simulator.bill.values()
    assert (bill.prompt_tokens, bill.completion_tokens) == (usage["prompt_tokens"], usage["completion_tokens"])
