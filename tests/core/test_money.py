"""Money is whole nano-dollars: exact to write, exact to add, exact to read back."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.money import NanoUSD, Price, dollars, nano_usd
from gateway.core.usage import Usage

PRICES = st.none() | st.integers(0, 10**9).map(NanoUSD)


@st.composite
def prices(draw: st.DrawFn, depth: int = 1) -> Price:
    rates = {name: draw(PRICES) for name in ("cached_input", "cache_write", "input_audio", "output_audio", "reasoning")}
    long = draw(st.none() | prices(depth - 1)) if depth else None
    return Price(draw(PRICES) or NanoUSD(0), draw(PRICES) or NanoUSD(0), **rates, long_from=1000, long=long)


def test_a_fraction_of_a_nano_dollar_is_rounded_up() -> None:
    assert Price(input=NanoUSD(18_750_000), output=NanoUSD(0)).cost(1, 0) == 19
    assert Price(input=NanoUSD(18_750_000), output=NanoUSD(0)).cost(1_000_000, 0) == 18_750_000


def test_a_long_prompt_has_prices_of_its_own() -> None:
    price = Price(nano_usd(5), nano_usd(30), long_from=1000, long=Price(nano_usd(10), nano_usd(45)))
    assert price.cost(1000, 10) == 1000 * 5000 + 10 * 30_000
    assert price.cost(1001, 10) == 1001 * 10_000 + 10 * 45_000


@given(prices(), st.integers(0, 3000), st.integers(0, 3000), st.lists(st.integers(0, 4000), min_size=6, max_size=6))
def test_no_answer_within_the_bounds_costs_more_than_the_most(price, prompt, completion, parts) -> None:
    usage = Usage(prompt, completion, parts[0], False, *parts[1:])
    assert usage.cost(price) <= price.most(prompt, completion) <= price.most(prompt + 1, completion + 1)


def test_reasoning_and_sound_have_prices_of_their_own() -> None:
    price = Price(nano_usd(1), nano_usd(2), input_audio=nano_usd(10), reasoning=nano_usd(3), output_audio=nano_usd(20))
    usage = Usage(100, 50, audio_tokens=40, reasoning_tokens=20, spoken_tokens=10)
    assert usage.cost(price) == 60 * 1000 + 40 * 10_000 + 20 * 2000 + 20 * 3000 + 10 * 20_000


def test_cached_tokens_have_their_own_price() -> None:
    price = Price(input=nano_usd(1), output=nano_usd(4), cached_input=nano_usd("0.1"))
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
