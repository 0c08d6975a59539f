"""A caller is told how its rate limits stand in OpenAI's headers, and of the tightest where there are several."""

import pytest

from gateway.core.budgets import Each, RateLimit, Scope, Shortfall, Standing
from gateway.core.money import NanoUSD
from gateway.core.types import Caller
from gateway.limits.rates import Measure, headers, rates, refusal

ANN = Caller("ann", team="red")
NOW = 1000.0


def standing(limit: int, spent: int, until: float = NOW + 61.6) -> Standing:
    return Standing(NanoUSD(limit), NanoUSD(spent), NanoUSD(0), until)


def test_the_tightest_limit_is_told() -> None:
    told = dict(headers([(Measure.REQUESTS, standing(60, 10)), (Measure.REQUESTS, standing(20, 5))], NOW))
    assert told == {
        b"x-ratelimit-limit-requests": b"20",
        b"x-ratelimit-remaining-requests": b"15",
        b"x-ratelimit-reset-requests": b"1m2s",
    }


@pytest.mark.parametrize(("left_s", "said"), [(0.012, b"12ms"), (6.2, b"6s"), (60.0, b"1m0s"), (-5.0, b"0ms")])
def test_a_reset_is_written_as_openai_writes_it(left_s, said) -> None:
    told = dict(headers([(Measure.TOKENS, standing(60, 61, NOW + left_s))], NOW))
    assert told[b"x-ratelimit-reset-tokens"] == said
    assert told[b"x-ratelimit-remaining-tokens"] == b"0"


def test_requests_at_once_have_no_header() -> None:
    assert headers([(Measure.CONCURRENT, standing(60, 10))], NOW) == []


def test_a_request_is_counted_in_each_limit_that_is_about_it() -> None:
    limits = [
        RateLimit("all", requests=1, tokens=2, concurrent=3),
        RateLimit("blue", Scope(teams=frozenset({"blue"})), requests=1),
        RateLimit("each", each=Each.CALLER, requests=5),
    ]
    found = rates(limits, ANN, 600.0)
    assert [(each.budget.name, each.share) for each in found.requests] == [
        ("all:requests", ""),
        ("each:requests", "ann"),
    ]
    assert [len(charges) for _, charges in found] == [1, 2, 1]


def test_who_is_turned_away_hears_how_long_to_wait() -> None:
    (charge,) = rates([RateLimit("all", tokens=600)], ANN, 600.0).tokens
    error = refusal(Measure.TOKENS, Shortfall(charge, NanoUSD(50), standing(600, 600)))
    assert (error.status, error.code, error.type, error.retry_after_s) == (429, "rate_limit_exceeded", "tokens", 5)
