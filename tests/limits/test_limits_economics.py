"""What tokens cost on one's own machines, and when those pay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.money import NANO, NanoUSD, Price
from gateway.limits.economics import DAY_S, Load, advice, machines

API = Price(NanoUSD(5 * NANO), NanoUSD(30 * NANO))
HOUR = NanoUSD(2 * NANO)


def load(prompt: int, completion: int, busy_s: float = 0.0) -> Load:
    return Load(1, prompt, completion, 0, busy_s, NanoUSD(0))


def test_a_day_of_a_machine_costs_its_hours_whatever_it_made() -> None:
    idle, busy = (machines("local", HOUR, load(made, made), DAY_S, API) for made in (0, 10**6))
    assert idle.cost == busy.cost == 48 * NANO
    assert (idle.per_million, idle.elsewhere, idle.break_even_tokens_a_day) == (None, None, None)
    assert busy.per_million == 24 * NANO
    assert busy.elsewhere == 35 * NANO


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(3_600, 90 * DAY_S))
def test_it_pays_exactly_from_where_it_breaks_even_on(prompt: int, completion: int, seconds: int) -> None:
    found = machines("local", HOUR, load(prompt, completion), seconds, API)
    assert found.break_even_tokens_a_day is not None
    a_day = (prompt + completion) * DAY_S / seconds
    if a_day > 1.001 * found.break_even_tokens_a_day + 2:
        assert found.pays
    if a_day < 0.999 * found.break_even_tokens_a_day - 2:
        assert not found.pays


@given(st.floats(0, 10**6), st.integers(1, 90 * DAY_S))
def test_the_time_that_requests_took_is_how_many_were_in_flight(busy_s: float, seconds: int) -> None:
    found = machines("local", HOUR, load(1, 1, busy_s), seconds, None)
    assert found.mean_in_flight * seconds == pytest.approx(busy_s, rel=1e-9, abs=1e-9)


def test_advice_names_what_can_be_done() -> None:
    assert "send more to it, or run fewer machines" in advice(machines("local", HOUR, load(10, 10), DAY_S, API))
    assert advice(machines("local", HOUR, load(10**9, 10**9), DAY_S, API)).startswith("it pays")
    assert "name a `baseline`" in advice(machines("local", HOUR, load(10, 10), DAY_S, None))
