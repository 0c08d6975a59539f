"""Money as whole nano-dollars, because a token of a cheap model costs a fraction of a micro-dollar."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import NewType

import msgspec

NanoUSD = NewType("NanoUSD", int)
"""10^-9 US dollars. Sums are exact; nothing is ever a float."""

NANO = 1_000_000_000


MILLION = 1_000_000


class Price(msgspec.Struct, frozen=True):
    """What a million tokens cost, in nano-dollars, as price lists have it: the cheapest tokens cost less than one each.

    Of the prompt: `cached_input` was cached, `cache_write` is put into the cache, the others are no text. Of the
    answer: `output_audio` is sound, `reasoning` is thought and not shown. None: as `input`, as `output`. `long` is what
    everything costs instead once the prompt has more than `long_from` tokens. `gpu_hour` is what the machines cost an
    hour, whether or not they are asked; an answer of such a backend costs nothing more.
    """

    input: NanoUSD
    output: NanoUSD
    cached_input: NanoUSD | None = None
    cache_write: NanoUSD | None = None
    input_audio: NanoUSD | None = None
    input_image: NanoUSD | None = None
    output_audio: NanoUSD | None = None
    reasoning: NanoUSD | None = None
    long_from: int = 0
    long: "Price | None" = None
    gpu_hour: NanoUSD = NanoUSD(0)

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> NanoUSD:
        """The bill of one answer in plain text, rounded up. `cached_tokens` is the cached part of `prompt_tokens`."""
        if self.long is not None and prompt_tokens > self.long_from:
            return self.long.cost(prompt_tokens, completion_tokens, cached_tokens)
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = prompt_tokens - cached_tokens
        return rounded_up(fresh * self.input + cached_tokens * cached + completion_tokens * self.output)

    def most(self, prompt_tokens: int, completion_tokens: int) -> NanoUSD:
        """No bill for at most so many tokens is higher, whatever kind of tokens they are.

        INVARIANT: at least the cost of any answer with no more prompt tokens and no more completion tokens.
        """
        dearest_in = max(self.input, *(each or 0 for each in self._inputs))
        dearest_out = max(self.output, self.output_audio or 0, self.reasoning or 0)
        bill = rounded_up(prompt_tokens * dearest_in + completion_tokens * dearest_out)
        if self.long is None or prompt_tokens <= self.long_from:
            return bill
        return max(bill, self.long.most(prompt_tokens, completion_tokens))

    @property
    def is_free(self) -> bool:
        """Nothing asked of it can cost anything."""
        return self.most(MILLION, MILLION) == 0 and (self.long is None or self.long.is_free)

    @property
    def _inputs(self) -> tuple[NanoUSD | None, ...]:
        return (self.cached_input, self.cache_write, self.input_audio, self.input_image)


def rounded_up(nano_millionths: int) -> NanoUSD:
    """Tokens times their price per million, as whole nano-dollars."""
    return NanoUSD(-(-nano_millionths // MILLION))


def nano_usd(dollars: str | int | float | Decimal) -> NanoUSD:
    """Dollars as written by a person to whole nano-dollars (half to even)."""
    exact = Decimal(str(dollars)) * NANO
    return NanoUSD(int(exact.to_integral_value(rounding=ROUND_HALF_EVEN)))


def dollars(amount: NanoUSD) -> str:
    """`NanoUSD` for people and headers: plain decimal notation, no trailing zeros, at least one digit: `0.000123`."""
    sign = "-" if amount < 0 else ""
    whole, nano = divmod(abs(amount), NANO)
    fraction = f"{nano:09d}".rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
