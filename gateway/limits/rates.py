"""Rate limits as accounts of a ledger: which ones a request is counted in, and what its caller is told of them."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from gateway.core.budgets import Budget, Charge, RateLimit, RollingWindow, Shortfall, Standing
from gateway.core.errors import GatewayError
from gateway.core.money import NanoUSD
from gateway.core.types import Caller
from gateway.limits.budgets import charge, share_of

MINUTE_S = 60
Headers = list[tuple[bytes, bytes]]


class Measure(StrEnum):
    """What is counted."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    CONCURRENT = "concurrent"


class Rates(msgspec.Struct, frozen=True):
    """The accounts in which a request is counted, by what is counted; amounts are requests and tokens, not money."""

    requests: tuple[Charge, ...] = ()
    tokens: tuple[Charge, ...] = ()
    concurrent: tuple[Charge, ...] = ()

    def __iter__(self) -> Iterator[tuple[Measure, tuple[Charge, ...]]]:
        yield Measure.CONCURRENT, self.concurrent
        yield Measure.REQUESTS, self.requests
        yield Measure.TOKENS, self.tokens


def rates(limits: Iterable[RateLimit], caller: Caller, deadline_s: float) -> Rates:
    """Nothing is in flight for longer than the deadline, so what a lost process had in flight is forgotten after it."""
    mine = [limit for limit in limits if limit.scope.pays(caller, "", "", None)]
    return Rates(
        requests=_charges(mine, caller, Measure.REQUESTS, MINUTE_S),
        tokens=_charges(mine, caller, Measure.TOKENS, MINUTE_S),
        concurrent=_charges(mine, caller, Measure.CONCURRENT, max(MINUTE_S, int(deadline_s) + 1)),
    )


def _charges(limits: Iterable[RateLimit], caller: Caller, measure: Measure, seconds: int) -> tuple[Charge, ...]:
    return tuple(
        charge(Budget(f"{limit.name}:{measure}", NanoUSD(most), RollingWindow(seconds)), share_of(limit.each, caller))
        for limit in limits
        if (most := getattr(limit, measure.value)) is not None
    )


def headers(standings: Sequence[tuple[Measure, Standing]], now: float) -> Headers:
    """OpenAI's `x-ratelimit-*`, of the tightest limit of requests and the tightest of tokens."""
    told: Headers = []
    for measure in (Measure.REQUESTS, Measure.TOKENS):
        some = [standing for each, standing in standings if each is measure]
        if some:
            tightest = min(some, key=lambda standing: standing.free)
            told += _told(measure, tightest, now)
    return told


def _told(measure: Measure, standing: Standing, now: float) -> Headers:
    name = measure.value.encode()
    return [
        (b"x-ratelimit-limit-" + name, b"%d" % standing.limit),
        (b"x-ratelimit-remaining-" + name, b"%d" % max(0, standing.free)),
        (b"x-ratelimit-reset-" + name, _duration(_reset_s(standing, now)).encode()),
    ]


def _reset_s(standing: Standing, now: float) -> float:
    """When all that counts now has left the window, at the latest."""
    return max(0.0, standing.until - now) if standing.free < standing.limit else 0.0


def _duration(seconds: float) -> str:
    """As OpenAI writes it: `12ms`, `6s`, `1m2s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def refusal(measure: Measure, short: Shortfall) -> GatewayError:
    """What the client hears: OpenAI's 429, so that its own clients wait and try again."""
    limit, wanted = short.standing.limit, short.wanted
    name = short.charge.budget.name.partition(":")[0]
    if measure is Measure.CONCURRENT:
        sentence = f"rate limit `{name}` allows {limit} requests at once; wait until one has ended"
        return GatewayError(429, "rate_limit_exceeded", sentence, type="requests", retry_after_s=1)
    if wanted > limit:
        sentence = (
            f"rate limit `{name}` allows {limit} tokens a minute, and this request may take {wanted}; ask for less"
        )
        return GatewayError(429, "rate_limit_exceeded", sentence, type=measure.value)
    retry_s = max(1, -(-wanted * MINUTE_S // limit))
    sentence = f"rate limit `{name}` allows {limit} {measure.value} a minute; try again in {retry_s} s"
    return GatewayError(429, "rate_limit_exceeded", sentence, type=measure.value, retry_after_s=retry_s)
