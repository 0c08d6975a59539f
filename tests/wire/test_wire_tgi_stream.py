"""TGI's streams read like OpenAI's, however the network cuts them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tgi_says import (
    ID,
    MODEL,
    call_chunk,
    chat,
    chat_chunk,
    deltas,
    drive,
    envelope,
    error_event,
    events,
    reasons,
    sse,
    text_chunk,
    text_of,
    usage,
    usage_chunk,
)

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, StreamBroken
from gateway.core.types import Endpoint
from gateway.core.usage import Usage
from gateway.wire.exchange import Rewriter
from gateway.wire.tgi_chat import ChatExchange, CompletionsExchange

CUTS = st.lists(st.integers(0, 5_000), max_size=12)
HELLO = sse(
    chat_chunk({"content": "Hel"}), chat_chunk({"content": "lo"}), chat_chunk({"content": ""}, "stop"), "[DONE]"
)
ASKED = {"stream_options": {"include_usage": True}}


def rewriter(**fields: Any) -> Rewriter:
    return ChatExchange(envelope(chat(stream=True, **fields)), MODEL).rewriter()


def text_rewriter(**fields: Any) -> Rewriter:
    document = {"prompt": "Once", "stream": True, **fields}
    return CompletionsExchange(envelope(document, Endpoint.COMPLETIONS), MODEL).rewriter()


def streamed(stream: bytes, **fields: Any) -> bytes:
    out, error = drive(rewriter(**fields), stream)
    assert error is None
    return out


def test_chunks_are_complete_and_the_end_comes_once() -> None:
    rows = events(streamed(HELLO + sse("[DONE]")))
    assert rows[-1] == "[DONE]"
    assert rows.count("[DONE]") == 1
    assert {row["id"] for row in rows[:-1]} == {"chatcmpl-" + ID[4:]}
    assert {row["model"] for row in rows[:-1]} == {MODEL}
    assert not any("usage" in row for row in rows[:-1])


def test_the_role_is_said_once() -> None:
    assert deltas(streamed(HELLO)) == [{"role": "assistant", "content": "Hel"}, {"content": "lo"}, {"content": ""}]


def test_older_events_without_a_space_are_read() -> None:
    assert text_of(streamed(sse(chat_chunk({"content": "Hi"}, "stop"), "[DONE]", gap=""))) == "Hi"


@pytest.mark.parametrize("fields", [{}, ASKED])
def test_usage_comes_to_who_asked(fields: dict[str, Any]) -> None:
    stream = sse(chat_chunk({"content": "Hi"}), chat_chunk({"content": ""}, "stop"), usage_chunk(11, 2), "[DONE]")
    asked = rewriter(**fields)
    out, error = drive(asked, stream)
    assert error is None
    assert asked.usage == Usage(11, 2)
    chunks = [row for row in events(out) if row != "[DONE]"]
    if fields:
        assert [row["usage"] for row in chunks] == [None, None, usage(11, 2)]
        assert chunks[-1]["choices"] == []
    else:
        assert all("usage" not in row for row in chunks)


def test_without_usage_the_tokens_are_counted() -> None:
    asked = rewriter()
    assert asked.usage is None
    drive(asked, HELLO)
    assert asked.usage == Usage(7, 3, is_estimate=True)


TEXT = st.text("ab #\n", min_size=1, max_size=6)


@given(pieces=st.lists(TEXT, min_size=1, max_size=8), stops=st.lists(TEXT, max_size=3), cuts=CUTS)
def test_stop_text_is_cut_off_and_nothing_else(pieces: list[str], stops: list[str], cuts: list[int]) -> None:
    chunks = [chat_chunk({"content": piece}) for piece in pieces]
    stream = sse(*chunks, chat_chunk({"content": ""}, "stop_sequence"), "[DONE]")
    out, error = drive(rewriter(stop=stops), stream, cuts)
    whole = "".join(pieces)
    assert error is None
    text = text_of(out)
    assert whole.startswith(text)
    assert not any(stop in text for stop in stops)
    assert text == whole or any(stop in whole for stop in stops)
    assert reasons(out)[-1] == "stop"


def test_text_after_the_stop_text_is_never_sent() -> None:
    stream = sse(
        chat_chunk({"content": "one #"}),
        chat_chunk({"content": "# two"}),
        chat_chunk({"content": " three"}, "length"),
        "[DONE]",
    )
    out = streamed(stream, stop="##")
    assert text_of(out) == "one "
    assert reasons(out) == [None, "stop"]


def test_what_was_held_back_comes_with_the_end() -> None:
    stream = sse(chat_chunk({"content": "one #"}), chat_chunk({"content": ""}, "length"), "[DONE]")
    assert text_of(streamed(stream, stop="##")) == "one #"


def logprobs(token: str) -> dict[str, Any]:
    return {"content": [{"token": token, "logprob": -0.5, "top_logprobs": []}]}


def test_logprobs_come_with_their_text_and_go_with_the_stop_text() -> None:
    stream = sse(
        chat_chunk({"content": "one"}, logprobs=logprobs("one")),
        chat_chunk({"content": " #"}, logprobs=logprobs(" #")),
        chat_chunk({"content": "!"}, logprobs=logprobs("!")),
        chat_chunk({"content": "##"}, "stop_sequence", logprobs=logprobs("##")),
        "[DONE]",
    )
    rows = [row for row in events(streamed(stream, stop="##", logprobs=True)) if row != "[DONE]"]
    tokens = [[token["token"] for token in row["choices"][0]["logprobs"]["content"]] for row in rows]
    assert tokens == [["one"], [" #"], ["!"], []]
    assert rows[0]["choices"][0]["logprobs"]["content"][0]["bytes"] == list(b"one")


TOOL_CALL = [call_chunk("{", "ring"), call_chunk(' "n"'), call_chunk(": 1}")]


@pytest.mark.parametrize("fields", [{}, ASKED])
def test_a_tool_call_ends_with_its_reason(fields: dict[str, Any]) -> None:
    reported = [usage_chunk(11, 9)] if fields else []
    rows = events(streamed(sse(*TOOL_CALL, *reported, "[DONE]"), **fields))
    choices = [row["choices"][0] for row in rows[:4]]
    assert choices[-1]["delta"] == {}
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, "tool_calls"]
    assert len(rows) == (6 if fields else 5)
    assert rows[-1] == "[DONE]"


def test_the_pieces_of_a_tool_call_add_up() -> None:
    """As openai-python adds deltas up: every text is appended to what is there, so id and name may come but once."""
    pieces = [delta["tool_calls"][0] for delta in deltas(streamed(sse(*TOOL_CALL, "[DONE]"))) if delta]
    assert pieces[0]["id"] == "call_" + ID[4:] + "_0"
    assert pieces[0]["type"] == "function"
    assert pieces[0]["function"]["name"] == "ring"
    assert [set(piece) for piece in pieces[1:]] == [{"index", "function"}] * 2
    assert json.loads("".join(piece["function"]["arguments"] for piece in pieces)) == {"n": 1}


def test_the_first_piece_of_a_tool_call_has_role_and_no_content() -> None:
    first = deltas(streamed(sse(*TOOL_CALL, "[DONE]")))[0]
    assert (first["role"], first["content"]) == ("assistant", None)


@pytest.mark.parametrize("ending", [[], [chat_chunk({"content": ""}, "stop")]])
def test_a_call_without_arguments_gets_its_closing_brace(ending: list[dict[str, Any]]) -> None:
    out = streamed(sse(call_chunk("{", "ring"), *ending, "[DONE]"))
    calls = [delta["tool_calls"][0] for delta in deltas(out) if "tool_calls" in delta]
    assert "".join(call["function"]["arguments"] for call in calls) == "{}"
    assert reasons(out) == [None, "tool_calls"]


def test_a_tool_call_cut_short_says_so() -> None:
    out = streamed(sse(call_chunk("{", "ring"), chat_chunk({"content": ""}, "length"), "[DONE]"))
    assert reasons(out)[-1] == "length"


def test_unknown_fields_survive() -> None:
    chunk = chat_chunk({"content": "Hi", "x_delta": 1}, "stop", x_choice=2) | {"x_top": 3}
    row = events(streamed(sse(chunk, "[DONE]")))[0]
    assert (row["x_top"], row["choices"][0]["x_choice"], row["choices"][0]["delta"]["x_delta"]) == (3, 2, 1)


@given(cuts=CUTS)
@pytest.mark.parametrize(
    "stream",
    [
        HELLO,
        sse(*TOOL_CALL, usage_chunk(1, 2), "[DONE]"),
        sse(chat_chunk({"content": "Hi"}), error_event("Incomplete generation"), "[DONE]"),
        sse(error_event("Model is overloaded"), "[DONE]"),
        HELLO[:-20],
        HELLO.replace(b"\n", b"\r\n"),
    ],
    ids=["text", "tool call", "broken", "overloaded", "cut", "crlf"],
)
def test_chunk_boundaries_make_no_difference(stream: bytes, cuts: list[int]) -> None:
    whole, cut = drive(rewriter(stop="zz"), stream), drive(rewriter(stop="zz"), stream, cuts)
    assert cut[0] == whole[0]
    assert (type(cut[1]), str(cut[1])) == (type(whole[1]), str(whole[1]))


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Model is overloaded", FailureKind.OVERLOADED),
        ("Request failed during generation: Server error: CUDA", FailureKind.SERVER_ERROR),
        ("Incomplete generation stream", FailureKind.SERVER_ERROR),
    ],
)
def test_an_error_in_place_of_a_stream_can_still_be_tried_elsewhere(message: str, kind: FailureKind) -> None:
    out, error = drive(rewriter(), b": \n\n" + sse(error_event(message), "[DONE]"))
    assert out == b""
    assert isinstance(error, AttemptFailed)
    assert error.kind is kind


def test_the_clients_mistake_in_place_of_a_stream_is_a_400() -> None:
    message = "Input validation error: `inputs` must have less than 9 tokens. Given: 10"
    out, error = drive(rewriter(), sse(error_event(message), "[DONE]"))
    assert out == b""
    assert isinstance(error, GatewayError)
    assert (error.status, error.code) == (400, "context_length_exceeded")


def test_an_error_after_the_first_byte_breaks_the_stream_off() -> None:
    out, error = drive(rewriter(), sse(chat_chunk({"content": "Hi"}), error_event("Incomplete generation"), "[DONE]"))
    assert text_of(out) == "Hi"
    assert b"[DONE]" not in out
    assert isinstance(error, StreamBroken)
    assert error.kind is FailureKind.SERVER_ERROR


@pytest.mark.parametrize("stream", [b"", b": \n\n", b"data: {", sse(chat_chunk({"content": ""}))[:30]])
def test_an_end_before_the_first_event_can_be_tried_elsewhere(stream: bytes) -> None:
    out, error = drive(rewriter(), stream)
    assert out == b""
    assert isinstance(error, AttemptFailed)


def test_an_end_without_done_breaks_the_stream_off() -> None:
    out, error = drive(rewriter(), sse(chat_chunk({"content": "Hi"}), chat_chunk({"content": ""}, "stop")))
    assert text_of(out) == "Hi"
    assert isinstance(error, StreamBroken)
    assert error.kind is FailureKind.BROKEN


@pytest.mark.parametrize("junk", ["[]", "5", "<html>", "{}", '{"choices": [5]}', '{"choices": [{"index": 0}]}'])
def test_events_that_are_not_tgis_are_a_failure(junk: str) -> None:
    out, error = drive(rewriter(), sse(junk, "[DONE]"))
    assert out == b""
    assert isinstance(error, AttemptFailed)
    assert error.kind is FailureKind.BAD_ANSWER


def test_a_stream_without_any_answer_is_a_failure() -> None:
    """TGI drops a tool call that was cut short before its name was complete, and says nothing at all."""
    for fields in ({}, ASKED):
        _, error = drive(rewriter(**fields), sse(*([usage_chunk(1, 9)] if fields else []), "[DONE]"))
        assert isinstance(error, AttemptFailed)
        assert error.kind is FailureKind.BAD_ANSWER


def test_comments_wait_for_the_first_event_and_pass_afterwards() -> None:
    asked = rewriter()
    assert asked.feed(b": \n\n") == b""
    assert asked.feed(sse(chat_chunk({"content": "Hi"})))
    assert asked.feed(b": \n\n") == b": \n\n"


def test_a_text_completion_is_mended_likewise() -> None:
    stream = sse(
        text_chunk("Once "), text_chunk("more"), text_chunk("</s>", "eos_token", reported=usage(3, 3)), "[DONE]"
    )
    asked = text_rewriter(stop="zz")
    out, error = drive(asked, stream)
    assert error is None
    assert text_of(out) == "Once more"
    assert reasons(out) == [None, None, "stop"]
    assert not any("usage" in row for row in events(out)[:-1])
    assert asked.usage == Usage(3, 3)


def test_the_prompts_of_a_batch_are_kept_apart_and_billed_together() -> None:
    stream = sse(
        text_chunk("a #", index=0),
        text_chunk("b", index=1),
        text_chunk("#", "stop_sequence", 0, usage(3, 2)),
        text_chunk("#", "length", 1, usage(4, 2)),
        "[DONE]",
    )
    asked = text_rewriter(stop="##", **ASKED)
    out, error = drive(asked, stream)
    rows = [row for row in events(out) if row != "[DONE]"]
    assert error is None
    assert asked.usage == Usage(7, 4)
    assert [row["usage"] for row in rows] == [None, None, None, None, usage(7, 4)]
    texts = [(row["choices"][0]["index"], row["choices"][0]["text"]) for row in rows[:-1]]
    assert texts == [(0, "a "), (1, "b"), (0, ""), (1, "#")]
