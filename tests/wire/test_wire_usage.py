"""Usage is what the backend reports, else an estimate that says so."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.usage import Usage
from gateway.wire.sse import MAX_EVENT_BYTES, EventTooLarge
from gateway.wire.usage import StreamTap, from_answer


def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}


ROLE = chunk({"role": "assistant", "content": ""})
PIECES = [chunk({"content": piece}) for piece in ("The", ' "usage"', ":null data: [DONE]\n\n", ' {"error": 1}')]
STOP = {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
REPORT = {"prompt_tokens": 12, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 8}}
COMPACT = {"separators": (",", ":")}


def stream(*documents: dict[str, Any], done: bool = True, **layout: Any) -> bytes:
    rows = [json.dumps(document, **(layout or COMPACT)).encode() for document in documents]
    return b"".join(b"data: " + row + b"\n\n" for row in rows) + (b"data: [DONE]\n\n" if done else b"")


def tapped(text: bytes, *cuts: int) -> StreamTap:
    tap = StreamTap(prompt_tokens=99)
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        tap.feed(text[start:end])
    tap.finish()
    return tap


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (REPORT, Usage(12, 4, 8)),
        ({"prompt_tokens": 5, "total_tokens": 5}, Usage(5, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": None}, Usage(5, 1)),
        ({"input_tokens": 7, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 3}}, Usage(7, 2, 3)),
        ({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 50}}, Usage(5, 1, 5)),
        ({"prompt_tokens": -5, "completion_tokens": 1}, None),
        ({"prompt_tokens": "many"}, None),
        ({"prompt_tokens": 10**30, "completion_tokens": 1}, None),
        ({"prompt_tokens": 5, "completion_tokens": 2**31}, None),
        (
            {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 10**30}},
            Usage(5, 1, 5),
        ),
        ({}, None),
        (None, None),
    ],
)
def test_an_answers_usage_is_what_it_reports(reported: Any, usage: Usage | None) -> None:
    body = json.dumps({"id": "x", "choices": [{"usage": 1}], "usage": reported}).encode()
    assert from_answer(body) == usage


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"usage"', b'{"response": "text"}', b"[" * 100_000])
def test_what_is_no_answer_has_no_usage(body: bytes) -> None:
    assert from_answer(body) is None


WITH_REPORT = stream(ROLE, *PIECES, STOP, {"choices": [], "usage": REPORT})
WITH_NULLS = stream(*(chunk({"content": "x"}, usage=None) for _ in range(3)), {"choices": [], "usage": REPORT})
WITH_SPACES = stream(ROLE, *PIECES, STOP, {"choices": [], "usage": REPORT}, separators=(", ", ": "))
WITH_WINDOWS_LINES = WITH_REPORT.replace(b"\n", b"\r\n")
OLDER = WITH_REPORT.replace(b"data: ", b"data:")


@given(st.sampled_from([WITH_REPORT, WITH_NULLS, WITH_SPACES, WITH_WINDOWS_LINES, OLDER]), st.data())
def test_a_stream_reports_its_usage_wherever_the_chunks_end(text: bytes, data: st.DataObject) -> None:
    tap = tapped(text, *sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=9))))
    assert tap.usage == Usage(12, 4, 8)
    assert tap.is_done
    assert not tap.has_error


@given(st.integers(0, 200), st.integers(0, 900))
def test_without_a_report_the_pieces_are_counted(one: int, two: int) -> None:
    text = stream(ROLE, *PIECES, STOP)
    tap = tapped(text, *sorted([min(one, len(text)), min(two, len(text))]))
    assert tap.usage == Usage(99, len(PIECES), is_estimate=True)


def test_of_several_reports_the_last_counts() -> None:
    running = [chunk({"content": "x"}, usage={"prompt_tokens": 3, "completion_tokens": n}) for n in range(1, 4)]
    assert tapped(stream(*running)).usage == Usage(3, 3)


def test_the_responses_api_reports_in_its_last_event() -> None:
    last = {"type": "response.completed", "response": {"usage": {"input_tokens": 3, "output_tokens": 2}}}
    assert tapped(b"event: response.completed\n" + stream(last, done=False)).usage == Usage(3, 2)


def test_a_stream_that_was_cut_is_not_done() -> None:
    assert not tapped(stream(ROLE, *PIECES, done=False)).is_done
    assert tapped(stream(ROLE, *PIECES)[:-2]).is_done


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "boom", "type": "server_error", "param": None, "code": None}},
        {"object": "error", "message": "boom", "code": 500},
        {"error": {"message": "boom", "code": 400}},
    ],
)
def test_an_error_in_the_middle_is_noticed(error: dict[str, Any]) -> None:
    assert tapped(stream(ROLE, *PIECES, error), 10, 150).has_error
    assert tapped(stream(ROLE, error, separators=(", ", ": "))).has_error
    assert not tapped(stream(ROLE, {"error": None, **STOP})).has_error


def test_a_line_without_an_end_is_refused() -> None:
    tap = StreamTap(0)
    tap.feed(b"x" * MAX_EVENT_BYTES)
    with pytest.raises(EventTooLarge):
        tap.feed(b"x")
