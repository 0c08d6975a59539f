"""Whose trace a backend hears of, through the whole gateway."""

from house import EVERYTHING_TO_OPENAI, FRONTIER_FIRST, LOCAL_FIRST, House

from gateway.simulators.server import Simulator

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CAME = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=opaque"}


def heard(backend: Simulator) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in backend.log[-1].headers}


async def test_a_backend_that_may_see_everything_hears_of_the_callers_trace(a_house) -> None:
    house: House = await a_house(LOCAL_FIRST)
    await house.chat("Say hello", extra_headers=CAME)
    told = heard(house.gpu)
    assert {name: told.get(name) for name in CAME} == CAME


async def test_a_backend_that_may_not_hears_of_no_trace(a_house) -> None:
    """Nobody classified what a caller writes there."""
    house: House = await a_house(FRONTIER_FIRST)
    await house.chat("Say hello", extra_headers={**CAME, "tracestate": "name=Erika"})
    assert not heard(house.api).keys() & CAME.keys()


async def test_a_record_says_of_which_trace_its_request_was(a_house) -> None:
    house: House = await a_house(EVERYTHING_TO_OPENAI)
    await house.chat("Say hello", extra_headers=CAME)
    (record,) = await house.records()
    assert record.trace is not None
    assert (record.trace.trace_id, record.trace.parent_id) == (TRACE, SPAN)
