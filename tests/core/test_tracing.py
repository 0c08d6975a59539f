"""W3C trace context: what is read of a request's headers, and what is handed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.tracing import Trace, Tracing, attempt_span_id, request_span_id, trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUEST = "req_019412345678abcdefabcdef"


def read(parent: str, state: str = "") -> Trace | None:
    return trace_of({b"traceparent": parent.encode(), b"tracestate": state.encode()})


def test_a_callers_trace_is_read() -> None:
    assert read(f"00-{TRACE}-{SPAN}-01", "vendor=opaque") == Trace(TRACE, SPAN, 1, "vendor=opaque")


def test_a_later_version_is_read_as_far_as_we_know_it() -> None:
    assert read(f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like") == Trace(TRACE, SPAN, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
        f" 00-{TRACE}-{SPAN}-01",
    ],
)
def test_what_is_no_trace_is_passed_over(wrong: str) -> None:
    assert read(wrong) is None


def test_a_state_that_is_no_text_is_left_out() -> None:
    found = trace_of({b"traceparent": f"00-{TRACE}-{SPAN}-01".encode(), b"tracestate": b"a=\xff\x01"})
    assert found == Trace(TRACE, SPAN, 1)


def test_without_a_collector_a_trace_is_handed_on_as_it_came() -> None:
    came = read(f"00-{TRACE}-{SPAN}-00", "vendor=opaque")
    assert came is not None
    assert came.for_attempt(REQUEST, 1).headers == {
        "traceparent": f"00-{TRACE}-{SPAN}-00",
        "tracestate": "vendor=opaque",
    }


def test_with_one_each_attempt_hands_on_a_span_of_its_own() -> None:
    joined = Tracing().joined(read(f"00-{TRACE}-{SPAN}-01"), REQUEST)
    first, second = (joined.for_attempt(REQUEST, number).headers["traceparent"] for number in (0, 1))
    assert first == f"00-{TRACE}-{attempt_span_id(REQUEST, 0)}-01"
    assert len({first, second, f"00-{TRACE}-{request_span_id(REQUEST)}-01"}) == 3


def test_a_request_without_a_trace_begins_one() -> None:
    begun = Tracing().joined(None, REQUEST)
    assert (len(begun.trace_id), begun.parent_id, begun.is_sampled) == (32, "", True)


@given(st.booleans(), st.floats(0, 1))
def test_who_follows_the_caller_does_as_the_caller_says(is_sampled: bool, share: float) -> None:
    came = Trace(TRACE, SPAN, int(is_sampled))
    assert Tracing(share).joined(came, REQUEST).is_sampled is is_sampled


@given(st.floats(0.05, 0.95))
def test_a_share_of_the_requests_is_traced(share: float) -> None:
    tracing = Tracing(share, follows_caller=False)
    traced = sum(tracing.joined(None, f"req_{number}").is_sampled for number in range(2_000))
    assert abs(traced / 2_000 - share) < 0.06


@given(st.integers(1, 2**128 - 1), st.floats(0, 1), st.floats(0, 1))
def test_who_traces_more_traces_all_that_another_does(trace: int, one: float, other: float) -> None:
    came, (less, more) = Trace(f"{trace:032x}", SPAN), sorted((one, other))
    is_in = [Tracing(share, follows_caller=False).joined(came, REQUEST).is_sampled for share in (less, more)]
    assert is_in[0] <= is_in[1]


def test_none_and_all_are_exact() -> None:
    for digit in "0f":
        came = Trace(digit * 32 if digit == "f" else "1" + "0" * 31, SPAN, 0)
        assert not Tracing(0.0, follows_caller=False).joined(came, REQUEST).is_sampled
        assert Tracing(1.0, follows_caller=False).joined(came, REQUEST).is_sampled
