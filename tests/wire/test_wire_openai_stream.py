"""A stream passes byte for byte; what comes in its place is a failure, and an end that is none is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, StreamBroken
from gateway.core.usage import Usage
from gateway.wire.openai_stream import OpenAIStream, PassingStream
from gateway.wire.sse import MAX_EVENT_BYTES

HELLO = b'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
ERROR = b'data: {"error":{"message":"boom","type":"server_error","param":null,"code":null}}\n\n'
WHOLE = b": keep-alive\n\n" + HELLO * 3 + b'data: {"choices":[{"index":0,"delta":{}}]}\n\ndata: [DONE]\n\n'


def passed(text: bytes, cuts: list[int]) -> tuple[bytes, OpenAIStream]:
    stream = OpenAIStream(prompt_tokens=9)
    out = b"".join(stream.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True))
    return out + stream.finish(), stream


@given(
    st.sampled_from([WHOLE, WHOLE.replace(b"\n", b"\r\n"), WHOLE.replace(b"data: ", b"data:"), WHOLE[:-2]]), st.data()
)
def test_a_stream_passes_byte_for_byte_wherever_the_chunks_end(text: bytes, data: st.DataObject) -> None:
    out, stream = passed(text, sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8))))
    assert out == text
    assert stream.usage == Usage(9, 3, is_estimate=True)


def test_comments_are_no_answer_yet() -> None:
    stream = OpenAIStream(0)
    assert stream.feed(b": wait\n\n: wait\n\n") == b""
    assert stream.usage is None
    assert stream.feed(HELLO) == b": wait\n\n: wait\n\n" + HELLO


@pytest.mark.parametrize("before", [b"", b": wait\n\n", b"\n\n"])
def test_an_error_in_place_of_the_stream_is_a_failure(before: bytes) -> None:
    stream = OpenAIStream(0)
    stream.feed(before)
    with pytest.raises(AttemptFailed) as caught:
        stream.feed(ERROR)
    assert caught.value.kind is FailureKind.SERVER_ERROR


def test_a_mistake_in_place_of_the_stream_is_the_clients() -> None:
    with pytest.raises(GatewayError) as caught:
        OpenAIStream(0).feed(b'data: {"object":"error","message":"no","type":"BadRequestError","code":400}\n\n')
    assert caught.value.status == 400


@pytest.mark.parametrize("text", [b"data: [DONE]\n\n", b"data: <html>\n\n"])
def test_a_stream_without_an_answer_is_tried_elsewhere(text: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        OpenAIStream(0).feed(text)
    assert caught.value.kind is FailureKind.BAD_ANSWER


@pytest.mark.parametrize("text", [b"", b": wait\n\n", b"<html>busy</html>", HELLO[:-1], HELLO[:-2], HELLO[:20]])
def test_a_stream_that_ends_before_it_began_is_tried_elsewhere(text: bytes) -> None:
    stream = OpenAIStream(0)
    stream.feed(text)
    with pytest.raises(AttemptFailed) as caught:
        stream.finish()
    assert caught.value.kind is FailureKind.BROKEN


def test_a_stream_without_done_is_broken() -> None:
    stream = OpenAIStream(0)
    stream.feed(HELLO)
    with pytest.raises(StreamBroken) as caught:
        stream.finish()
    assert caught.value.kind is FailureKind.BROKEN
    assert stream.usage == Usage(0, 1, is_estimate=True)


def test_an_error_in_the_middle_passes_and_breaks_the_stream() -> None:
    stream = OpenAIStream(0)
    assert stream.feed(HELLO + ERROR) == HELLO + ERROR
    assert stream.feed(b"data: [DONE]\n\n") == b"data: [DONE]\n\n"
    with pytest.raises(StreamBroken) as caught:
        stream.finish()
    assert caught.value.kind is FailureKind.SERVER_ERROR


def test_a_null_error_is_none() -> None:
    out, _ = passed(b'data: {"error":null,"choices":[]}\n\n' + WHOLE, [])
    assert out.endswith(b"[DONE]\n\n")


def test_an_endless_event_is_a_failure_before_the_first_byte_and_breaks_the_stream_after_it() -> None:
    endless = b"x" * (MAX_EVENT_BYTES + 1)
    with pytest.raises(AttemptFailed):
        OpenAIStream(0).feed(endless)
    begun = OpenAIStream(0)
    begun.feed(HELLO)
    with pytest.raises(StreamBroken):
        begun.feed(endless)
    assert PassingStream().feed(endless) is endless
