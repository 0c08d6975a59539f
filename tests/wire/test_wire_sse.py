"""Where chunks end does not matter, and nothing a backend sends fills our memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import sse
from gateway.wire.sse import Event, EventTooLarge, Parser

LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINES = st.sampled_from(
    [b"data: {}", b"data:{}", b"data:  x", b"data", b"data: a:b", b": comment", b"event: error", b"id: 1", b"", b"x"]
)


def parsed(chunks: list[bytes]) -> list[Event]:
    parser = Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.finish()


def by_the_specification(lines: list[bytes]) -> list[Event]:
    events: list[Event] = []
    data: list[bytes] = []
    kind = b""
    for line in [*lines, b""]:
        name, _, value = line.partition(b":")
        if not line:
            if data:
                events.append(Event(b"\n".join(data), kind))
            data, kind = [], b""
        elif name == b"data":
            data.append(value.removeprefix(b" "))
        elif name == b"event":
            kind = value.removeprefix(b" ")
    return events


@given(st.lists(LINES), LINE_ENDS, st.data())
def test_events_are_the_specifications_wherever_the_chunks_end(
    lines: list[bytes], end: bytes, data: st.DataObject
) -> None:
    text = b"".join(line + end for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert parsed(chunks) == by_the_specification(lines)
    assert parsed([text[at : at + 1] for at in range(len(text))]) == by_the_specification(lines)


def test_an_event_is_there_with_its_last_byte() -> None:
    parser = Parser()
    assert parser.feed(b"data: 1\n") == []
    assert parser.feed(b"\ndata: 2\n\ndata") == [Event(b"1"), Event(b"2")]
    assert parser.feed(b": 3\r\n\r\n") == [Event(b"3")]


def test_framing_and_parsing_are_inverse() -> None:
    assert parsed([sse.event(b'{"a": 1}') + sse.DONE]) == [Event(b'{"a": 1}'), Event(b"[DONE]")]
    assert Event(b"[DONE]").is_done


def test_an_endless_event_is_refused() -> None:
    parser = Parser(max_event_bytes=1000)
    for _ in range(125):
        parser.feed(b"data: x\n")
    with pytest.raises(EventTooLarge):
        parser.feed(b"data: x\n")


def test_large_events_in_small_chunks_take_linear_time() -> None:
    parser = Parser()
    chunk = b"data: " + b"x" * 1000 + b"\n"
    assert not any(parser.feed(chunk) for _ in range(10_000))
    (event,) = parser.feed(b"\n")
    assert len(event.data) == 10_000 * 1001 - 1
