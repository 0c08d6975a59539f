"""TGI's own dialect: generate, its stream, the compatible root, SageMaker's and Vertex's doors, tokens, info."""

import pytest
from asking import HELLO, Asking

ONCE = "Once upon a time"


async def generate(tgi: Asking, path: str = "/generate", **parameters: object):
    return await tgi.post(path, {"inputs": ONCE, "parameters": parameters})


async def test_generate_answers_with_text_alone(tgi: Asking) -> None:
    answer = (await generate(tgi)).json
    assert list(answer) == ["generated_text"]
    assert not answer["generated_text"].startswith(ONCE)


async def test_details_count_what_was_generated(tgi: Asking) -> None:
    answer = (await generate(tgi, details=True, decoder_input_details=True, top_n_tokens=2)).json
    details = answer["details"]
    assert details["finish_reason"] == "eos_token"
    assert details["generated_tokens"] == len(details["tokens"]) == len(details["top_tokens"])
    assert details["tokens"][-1]["special"] is True
    text = "".join(token["text"] for token in details["tokens"] if not token["special"])
    assert text == answer["generated_text"]
    assert details["prefill"][0]["text"] == "<|begin_of_text|>"


async def test_best_of_shows_the_others(tgi: Asking) -> None:
    details = (await generate(tgi, best_of=2, do_sample=True, details=True)).json["details"]
    assert len(details["best_of_sequences"]) == 1
    for wrong in ({"best_of": 2}, {"best_of": 3, "do_sample": True}, {"best_of": 2, "do_sample": True, "seed": 1}):
        assert (await generate(tgi, **wrong)).json["error_type"] == "validation"


async def test_the_root_answers_with_a_list_and_the_prompt_in_front(tgi: Asking) -> None:
    (answer,) = (await generate(tgi, "/")).json
    assert answer["generated_text"].startswith(ONCE)
    (answer,) = (await generate(tgi, "/", return_full_text=False)).json
    assert not answer["generated_text"].startswith(ONCE)


async def test_the_root_streams_when_told(tgi: Asking) -> None:
    got = await tgi.post("/", {"inputs": ONCE, "parameters": {"max_new_tokens": 3}, "stream": True})
    assert [row["index"] for row in got.events] == [1, 2, 3]


async def test_the_stream_ends_with_the_text_and_without_done(tgi: Asking) -> None:
    whole = (await generate(tgi, max_new_tokens=6)).json["generated_text"]
    rows = (await generate(tgi, "/generate_stream", max_new_tokens=6, details=True)).events
    assert [row["generated_text"] for row in rows] == [None] * 5 + [whole]
    assert "".join(row["token"]["text"] for row in rows) == whole
    assert rows[-1]["details"]["finish_reason"] == "length"
    assert rows[-1]["details"]["generated_tokens"] == 6
    assert all(row["details"] is None for row in rows[:-1])


@pytest.mark.parametrize("wrong", [{"best_of": 2}, {"decoder_input_details": True}, {"top_k": 0}, {"temperature": 0}])
async def test_the_stream_refuses_in_a_200(tgi: Asking, wrong: dict) -> None:
    got = await generate(tgi, "/generate_stream", **wrong)
    (error,) = got.events
    assert got.status == 200
    assert error["error"].startswith("Input validation error: ")
    assert error["error_type"] == "validation"


async def test_empty_inputs_are_refused(tgi: Asking) -> None:
    got = await tgi.post("/generate", {"inputs": ""})
    assert got.json == {"error": "Input validation error: `inputs` cannot be empty", "error_type": "validation"}


async def test_stop_and_truncate_are_kept(tgi: Asking) -> None:
    whole = (await generate(tgi)).json["generated_text"]
    stop = whole.split()[1]
    details = (await generate(tgi, stop=[stop], details=True, truncate=2)).json["details"]
    assert details["finish_reason"] == "stop_sequence"
    assert tgi.simulator.log[-1].parameters["truncate"] == 2


@pytest.mark.parametrize(
    ("body", "has"),
    [
        ({"inputs": ONCE}, "generated_text"),
        ({"messages": HELLO}, "chat.completion"),
        ({"prompt": ONCE}, "text_completion"),
        ({"messages": HELLO, "stream": True}, "chat.completion.chunk"),
    ],
)
async def test_sagemakers_door_takes_any_shape(tgi: Asking, body: dict, has: str) -> None:
    got = await tgi.post("/invocations", body)
    assert got.status == 200
    assert has in got.text


async def test_sagemakers_door_says_when_nothing_fits(tgi: Asking) -> None:
    got = await tgi.post("/invocations", {"neither": 1})
    assert got.status == 422
    assert got.text.endswith("data did not match any variant of untagged enum SagemakerRequest")


async def test_vertex_takes_instances_and_gives_predictions(tgi: Asking) -> None:
    instances = [{"inputs": ONCE, "parameters": {"max_new_tokens": 4}}, {"messages": HELLO}]
    got = await tgi.post("/vertex", {"instances": instances})
    assert [len(text) > 3 for text in got.json["predictions"]] == [True, True]
    assert (await tgi.post("/vertex", {"instances": []})).status == 422


async def test_tokens_are_counted_alike_everywhere(tgi: Asking) -> None:
    rows = (await tgi.post("/tokenize", {"inputs": "Grüße, wie geht’s?"})).json
    raw = "Grüße, wie geht’s?".encode()
    assert all(raw[row["start"] : row["stop"]].decode() == row["text"] for row in rows)
    assert rows[0] == {"id": rows[0]["id"], "text": "", "start": 0, "stop": 0}
    chat = (await tgi.post("/chat_tokenize", {"messages": HELLO})).json
    assert len(chat["tokenize_response"]) == (await tgi.chat()).json["usage"]["prompt_tokens"]
    assert "".join(row["text"] for row in chat["tokenize_response"]) == chat["templated_text"]


async def test_info_has_the_limits(tgi: Asking) -> None:
    info = (await tgi.get("/info")).json
    assert info["router"] == "text-generation-router"
    assert (info["version"], info["max_concurrent_requests"], info["max_client_batch_size"]) == ("3.3.7", 128, 4)
    assert info["max_input_tokens"] < info["max_total_tokens"]
    assert (info["max_best_of"], info["max_stop_sequences"], info["validation_workers"]) == (2, 4, 2)
    (model,) = (await tgi.get("/v1/models")).json["data"]
    assert (model["id"], model["created"]) == (info["model_id"], 0)


@pytest.mark.parametrize("path", ["/", "/health", "/ping"])
async def test_health_is_an_empty_200(tgi: Asking, path: str) -> None:
    got = await tgi.get(path)
    assert (got.status, got.body) == (200, b"")
