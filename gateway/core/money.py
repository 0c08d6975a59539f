"""Money as whole nano-dollars, because a token of a cheap model costs a fraction of a micro-dollar."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import NewType

import msgspec

NanoUSD = NewType("NanoUSD", int)
"""10^-9 US dollars. Sums are exact; nothing is ever a float."""

NANO = 1_000_000_000


class Price(msgspec.Struct, frozen=True):
    """What a token costs, in nano-dollars. One dollar per million tokens is 1,000 nano-dollars a token.

    `cached_input` is the price of prompt tokens the backend says it had cached; None: as `input`.
    """

    input: NanoUSD
    output: NanoUSD
    cached_input: NanoUSD | None = None

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> NanoUSD:
        """The bill of one answer. `cached_tokens` is the part of `prompt_tokens` that was cached."""
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = prompt_tokens - cached_tokens
        return NanoUSD(fresh * self.input + cached_tokens * cached + completion_tokens * self.output)


def nano_usd(dollars: str | int | float | Decimal) -> NanoUSD:
    """Dollars as written by a person to whole nano-dollars (half to even)."""
    exact = Decimal(str(dollars)) * NANO
    return NanoUSD(int(exact.to_integral_value(rounding=ROUND_HALF_EVEN)))


def per_million(dollars: str | int | float | Decimal) -> NanoUSD:
    """Dollars per million tokens, as price lists print them, to nano-dollars a token."""
    return nano_usd(Decimal(str(dollars)) / 1_000_000)


def dollars(amount: NanoUSD) -> str:
    """`NanoUSD` for people and headers: plain decimal notation, no trailing zeros, at least one digit: `0.000123`."""
    sign = "-" if amount < 0 else ""
    whole, nano = divmod(abs(amount), NANO)
    fraction = f"{nano:09d}".rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
