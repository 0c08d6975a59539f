"""Money is whole nano-dollars: exact to write, exact to add, exact to read back."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.money import NanoUSD, Price, dollars, nano_usd, per_million


def test_a_price_per_million_is_nano_dollars_a_token() -> None:
    assert per_million("0.15") == 150
    assert per_million(30) == 30_000


def test_cached_tokens_have_their_own_price() -> None:
    price = Price(input=NanoUSD(1000), output=NanoUSD(4000), cached_input=NanoUSD(100))
    assert price.cost(prompt_tokens=10, completion_tokens=2, cached_tokens=4) == 6 * 1000 + 4 * 100 + 2 * 4000


def test_dollars_are_plain_decimals_for_headers() -> None:
    assert dollars(NanoUSD(123_000)) == "0.000123"
    assert dollars(NanoUSD(0)) == "0"
    assert dollars(NanoUSD(-1)) == "-0.000000001"


@given(st.integers(-(10**18), 10**18))
def test_dollars_and_back_loses_nothing(amount: int) -> None:
    assert nano_usd(dollars(NanoUSD(amount))) == amount


@given(st.decimals("-1000", "1000", places=9))
def test_nine_places_are_exact(amount: Decimal) -> None:
    assert Decimal(dollars(nano_usd(amount))) == amount
