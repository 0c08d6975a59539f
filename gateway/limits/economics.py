"""What tokens cost on one's own machines, beside what the same tokens would cost at an API.

A machine costs by the hour, whether or not it is asked; so its price of a token is what its hours cost, over the tokens
it made in them, and falls as it is used. Where that is what the API asks, it breaks even.
"""

import msgspec

from gateway.core.money import MILLION, NanoUSD, Price
from gateway.core.usage import Usage

HOUR_S = 3_600
DAY_S = 86_400


class Load(msgspec.Struct, frozen=True):
    """What one backend answered in a period. `busy_s`: the times of all its requests added up, so that over the period
    it is how many were in flight in the mean (Little's law)."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    busy_s: float
    paid: NanoUSD  # of answers with a known price

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def at(self, price: Price) -> NanoUSD:
        """What the same tokens cost at that price, none of them cached: an API's cache knows other prompts."""
        return Usage(self.prompt_tokens, self.completion_tokens).cost(price)


class Machines(msgspec.Struct, frozen=True):
    """One self-hosted backend over a period. Amounts in nano-dollars. `per_million`, `elsewhere` and the two figures of
    break-even are None where nothing was made, or nothing is known to compare with.

    `break_even_tokens_a_day`: from so many on, of this traffic's mix, the machines are the cheaper ones. `made_a_day`:
    the mean of the period.
    """

    backend: str
    cost: NanoUSD
    mean_in_flight: float
    made_a_day: int
    per_million: NanoUSD | None
    elsewhere: NanoUSD | None
    elsewhere_per_million: NanoUSD | None
    break_even_tokens_a_day: int | None

    @property
    def pays(self) -> bool | None:
        """Whether they are cheaper than the API was for what they made; None: not known."""
        return None if self.elsewhere is None else self.cost <= self.elsewhere


def machines(backend: str, gpu_hour: NanoUSD, load: Load, seconds: float, api: Price | None) -> Machines:
    """`gpu_hour`: what all machines of the backend cost an hour. `api`: the prices to compare with."""
    cost = NanoUSD(int(gpu_hour * seconds / HOUR_S))
    elsewhere = load.at(api) if api is not None and load.tokens else None
    a_day = gpu_hour * DAY_S / HOUR_S
    return Machines(
        backend=backend,
        cost=cost,
        mean_in_flight=load.busy_s / seconds if seconds else 0.0,
        made_a_day=int(load.tokens * DAY_S / seconds) if seconds else 0,
        per_million=NanoUSD(cost * MILLION // load.tokens) if load.tokens else None,
        elsewhere=elsewhere,
        elsewhere_per_million=NanoUSD(elsewhere * MILLION // load.tokens) if elsewhere is not None else None,
        break_even_tokens_a_day=int(a_day * load.tokens / elsewhere) if elsewhere else None,
    )


def advice(found: Machines) -> str:
    """What to do, in a sentence."""
    if found.break_even_tokens_a_day is None:
        return "nothing to compare with: name a `baseline` with a price, and let it answer something"
    if found.pays:
        return "it pays; what still goes to the API and may come here makes it pay more"
    share = 100 * found.made_a_day / max(1, found.break_even_tokens_a_day)
    return f"it makes {share:.0f} % of what it would have to; send more to it, or run fewer machines"
