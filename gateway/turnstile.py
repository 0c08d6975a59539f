"""The turnstile in front of the pipeline: counts a request in its caller's rate limits, or turns it away."""

from functools import lru_cache

from gateway.core.budgets import Hold, Shortfall
from gateway.core.errors import LedgerUnavailable
from gateway.core.money import NanoUSD
from gateway.core.ports import Clock, Ledger
from gateway.core.types import Caller, Envelope
from gateway.core.usage import Usage
from gateway.limits.rates import Headers, Measure, Rates, headers, rates, refusal
from gateway.policy.model import Policy

_LEASE_S = 30.0
"""Beyond the deadline of the request."""


class Admission:
    """One request that was let in; what it took is told when it has ended."""

    __slots__ = ("_holds", "_ledger", "headers")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._holds: list[tuple[Measure, Hold]] = []
        self.headers: Headers = []

    def add(self, measure: Measure, hold: Hold) -> None:
        self._holds.append((measure, hold))

    def cancel(self) -> None:
        for _, hold in self._holds:
            self._ledger.settle(hold, NanoUSD(0))

    def end(self, usage: Usage | None) -> None:
        """Tokens nobody has counted are those that were asked for: OpenAI counts requests that fail, too."""
        for measure, hold in self._holds:
            actual: int = hold.amount
            if measure is Measure.CONCURRENT:
                actual = 0
            elif measure is Measure.TOKENS and usage is not None:
                actual = usage.prompt_tokens + usage.completion_tokens
            self._ledger.settle(hold, NanoUSD(actual))


class Turnstile:
    """The rate limits of one policy, kept in a ledger together with all other gateways that share it.

    A ledger that cannot be reached lets everyone in: rate limits keep order, budgets keep the money.
    """

    def __init__(self, policy: Policy, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._deadline_s = policy.deadline_s
        self._limits = policy.rate_limits
        self._rates = lru_cache(maxsize=4096)(self._find)

    def _find(self, caller: Caller) -> Rates:
        return rates(self._limits, caller, self._deadline_s)

    async def admit(self, envelope: Envelope) -> Admission:
        """Raises GatewayError 429, of which nothing is left counted."""
        admission, found = Admission(self._ledger), self._rates(envelope.caller)
        try:
            for measure, charges in found:
                if charges:
                    lease_s = envelope.deadline_s + _LEASE_S
                    held = await self._ledger.reserve(charges, _amount(measure, envelope), lease_s)
                    if isinstance(held, Shortfall):
                        raise refusal(measure, held)
                    admission.add(measure, held)
        except LedgerUnavailable:
            return admission
        except BaseException:
            admission.cancel()
            raise
        standings = [(measure, self._ledger.standing(each)) for measure, charges in found for each in charges]
        admission.headers = headers(standings, self._clock.wall())
        return admission


def _amount(measure: Measure, envelope: Envelope) -> NanoUSD:
    """What it may take: one request, or its tokens as far as they are known."""
    if measure is Measure.TOKENS:
        return NanoUSD(envelope.prompt_tokens + (envelope.max_tokens or 0))
    return NanoUSD(1)
