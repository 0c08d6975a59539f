"""Money for attempts: set aside before one is made, for the most that it can cost; settled once it is known what it
took.

INVARIANT: no attempt that a hard budget pays for is made without a Hold for its whole bound, in every budget that pays.
"""

import asyncio
import bisect
import re
from functools import lru_cache
from typing import NamedTuple

from gateway.core.budgets import Budget, Charge, Exhausted, Hold, Shortfall, Standing
from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, LedgerUnavailable, Unaffordable
from gateway.core.money import NanoUSD, Price, dollars
from gateway.core.ports import Clock, Ledger
from gateway.core.types import ANONYMOUS, BackendKind, BackendSpec, BackendState, Caller, Endpoint, Envelope
from gateway.core.usage import Usage
from gateway.limits.budgets import charge, charges, share_of
from gateway.policy.cost import window_of
from gateway.policy.model import Policy
from gateway.wire.bound import LEAST_TOKENS, Bound, bound, capped, is_responses, metered
from gateway.wire.openai_exchange import is_newer

_ASKING_S = 1.0
_LEASE_S = 30.0
"""Beyond the deadline of the request."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_UNBILLED = frozenset({Endpoint.TOKENIZE, Endpoint.CHAT_TOKENIZE})
_NEVER_STREAMED = frozenset({Endpoint.EMBEDDINGS, Endpoint.GENERATE})
_UNBILLED_ROUTE = re.compile(r"/v1/moderations|/v1/responses/[^/]+/cancel")
_AN_EVENT, _ON_THEIR_WAY = 4, 16
"""Tokens that an event of a stream may have, where it is not one each; that a backend makes before it notices that
nobody listens."""
_NOTHING = NanoUSD(0)
_MAY_BE_BILLED = frozenset({FailureKind.TIMEOUT, FailureKind.BROKEN, FailureKind.BAD_ANSWER})
"""Failures after which a backend may have worked, and count it."""


class Slip:
    """What one attempt was let spend. `envelope` is what is to be sent, so that its bound is true. It is settled once,
    by the first word of how the attempt ended."""

    __slots__ = (
        "_bound",
        "_hides",
        "_hold",
        "_is_streamed",
        "_is_token_each",
        "_ledger",
        "_price",
        "charged",
        "envelope",
    )

    def __init__(
        self, ledger: Ledger, hold: Hold, limits: Bound, price: Price, envelope: Envelope, spec: BackendSpec
    ) -> None:
        self._ledger = ledger
        self._hold = hold
        self._bound = limits
        self._price = price
        self._is_streamed = envelope.stream and envelope.endpoint not in _NEVER_STREAMED
        self._is_token_each = spec.kind is BackendKind.TGI
        self._hides = spec.kind is BackendKind.LITELLM or is_newer(spec.model_for(envelope.endpoint) or "")
        self.envelope = envelope
        self.charged: NanoUSD | None = None

    @property
    def held(self) -> NanoUSD:
        return self._hold.amount

    def failed(self, error: BaseException) -> None:
        """There is no answer."""
        if (isinstance(error, AttemptFailed) and error.kind not in _MAY_BE_BILLED) or isinstance(error, GatewayError):
            self._settle(_NOTHING)
        elif self._is_streamed and not self._hides:  # a stream that is hung up on ends there
            self._settle(min(self.held, self._price.most(self._bound.prompt, 0)))
        else:
            self._settle(self.held)

    def answered(self, status: int, usage: Usage | None, *, is_whole: bool) -> None:
        """There is one, or a part of one. Who does not say what it took is paid what may have been, or in full."""
        if status >= 400:
            self._settle(_NOTHING)
        elif usage is None:
            self._settle(self.held)
        elif usage.is_estimate:
            self._settle(self._estimated(usage, is_whole=is_whole))
        else:
            self._settle(usage.cost(self._price))

    def _estimated(self, usage: Usage, *, is_whole: bool) -> NanoUSD:
        """For the events of a stream that were seen. One that ended without the usage that it was asked for is paid in
        full, save where an event is a token; so is one that does not show all that it is billed for."""
        if self._hides or not self._is_streamed or (is_whole and not self._is_token_each):
            return self.held
        tokens = usage.completion_tokens * (1 if self._is_token_each else _AN_EVENT) + (
            0 if is_whole else _ON_THEIR_WAY
        )
        return min(self.held, self._price.most(max(self._bound.prompt, usage.prompt_tokens), tokens))

    def _settle(self, actual: NanoUSD) -> None:
        if self.charged is None:
            self.charged = actual
            self._ledger.settle(self._hold, actual)


class Kept(NamedTuple):
    """One account of a budget, and how it stands; `share`: whose it is, "" where all share it."""

    budget: Budget
    share: str
    standing: Standing


class Spending:
    """The budgets of one policy, kept in a ledger together with all other gateways that share it."""

    def __init__(self, policy: Policy, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._budgets = tuple(policy.budgets.values())
        self._backends = policy.backends
        self._accounts = [
            (budget, share)
            for budget in self._budgets
            for share in dict.fromkeys(share_of(budget.each, caller) for caller in policy.everyone or (ANONYMOUS,))
        ]
        self._charges = lru_cache(maxsize=4096)(self._find)

    def _find(self, caller: Caller, backend: str, endpoint: Endpoint) -> tuple[Charge, ...]:
        spec = self._backends[backend]
        return charges(self._budgets, caller, spec.zone.name, backend, spec.model_for(endpoint))

    async def standings(self) -> list[Kept]:
        """How every budget stands, in the policy's order, shares included. Raises LedgerUnavailable."""
        told = await self._ledger.read([charge(budget, share) for budget, share in self._accounts])
        return [Kept(*account, standing) for account, standing in zip(self._accounts, told, strict=True)]

    async def standings_or_heard(self) -> list[Kept]:
        """The same; where the ledger does not answer at once, as it was last heard of."""
        try:
            async with asyncio.timeout(_ASKING_S):
                return await self.standings()
        except (LedgerUnavailable, TimeoutError):
            accounts = self._accounts
            return [Kept(budget, share, self._ledger.standing(charge(budget, share))) for budget, share in accounts]

    async def afford(self, envelope: Envelope, spec: BackendSpec, state: BackendState) -> Slip | None:
        """Sets aside what an attempt can cost at most; None: no budget pays for it. It may wait for others' money.

        Raises Unaffordable where another route may be, and GatewayError where the budget says to reject.
        """
        found = self._charges(envelope.caller, spec.name, envelope.endpoint)
        price = spec.price_for(envelope.endpoint)
        if not found or (price is not None and price.is_free) or _is_unbilled(envelope):
            return None
        is_hard = any(charge.budget.is_hard for charge in found)
        limits = _bound_at(spec, envelope, window_of(spec, state))
        if price is None or isinstance(limits, str):
            if is_hard:
                raise _unknown(spec, found, None if price is None else limits)
            return None
        try:
            hold = await self._reserve(found, envelope, limits, price)
        except LedgerUnavailable:
            if is_hard:
                raise _unreachable(spec) from None
            return None
        sent = metered(envelope)
        if limits.is_ours:
            tokens = _affordable(limits, price, hold.amount)
            sent = capped(sent, tokens, spec.model_for(envelope.endpoint) or "")
        return Slip(self._ledger, hold, limits, price, sent, spec)

    async def _reserve(self, found: tuple[Charge, ...], envelope: Envelope, limits: Bound, price: Price) -> Hold:
        most = price.most(limits.prompt, limits.completions)
        floor = min(LEAST_TOKENS, limits.completion) * limits.choices
        least = price.most(limits.prompt, floor) if limits.is_ours else None
        held = await self._ledger.reserve(found, most, envelope.deadline_s + _LEASE_S, least)
        if isinstance(held, Shortfall):
            raise _exhausted(held, most if least is None else least, self._clock.wall())
        return held


def _is_unbilled(envelope: Envelope) -> bool:
    if envelope.endpoint is Endpoint.UNKNOWN:
        path = envelope.path.split("?", 1)[0]
        return envelope.method in _SAFE_METHODS or _UNBILLED_ROUTE.fullmatch(path) is not None
    return envelope.endpoint in _UNBILLED


def _bound_at(spec: BackendSpec, envelope: Envelope, window: int | None) -> Bound | str:
    """What passes as it is names its model itself, and only one has the price that the policy says."""
    model = spec.model_for(envelope.endpoint)
    if envelope.endpoint is Endpoint.UNKNOWN and is_responses(envelope) and envelope.model != model:
        return f"its price is that of `{model}`, which this call does not ask for by that name; ask for that one"
    return bound(envelope, spec.kind, window, spec.max_output_tokens)


def _affordable(limits: Bound, price: Price, amount: NanoUSD) -> int:
    """The longest answer that the amount pays for, as a rule all of it; it pays for the floor at least."""

    def cost(length: int) -> NanoUSD:
        return price.most(limits.prompt, length * limits.choices)

    most = limits.completion
    return most if cost(most) <= amount else bisect.bisect_right(range(most + 1), amount, key=cost) - 1


def _exhausted(short: Shortfall, wanted: NanoUSD, now: float) -> GatewayError | Unaffordable:
    budget, share = short.charge.budget, short.charge.share
    whose = f" of `{share}`" if share else ""
    refusal = GatewayError(
        429,
        "budget_exhausted",
        f"budget `{budget.name}`{whose} has {dollars(max(_NOTHING, short.standing.free))} of "
        f"{dollars(budget.limit)} USD left, and this request may cost {dollars(wanted)}; ask for a shorter answer "
        "(`max_tokens`), wait for its next window, or have its `limit_usd` raised in the policy",
        type="insufficient_quota",
        retry_after_s=max(1, round(short.standing.until - now)),
    )
    return refusal if budget.on_exhausted is Exhausted.REJECT else Unaffordable(refusal)


def _unknown(spec: BackendSpec, found: tuple[Charge, ...], why: Bound | str | None) -> Unaffordable:
    """A price that is not known is not nothing, and neither is a length."""
    name = next(charge.budget.name for charge in found if charge.budget.is_hard)
    reason = f"backend `{spec.name}` has no `price` for this call; say it in the policy" if why is None else str(why)
    message = (
        f"hard budget `{name}` pays for backend `{spec.name}`, and {reason}, or take the backend out of the budget's "
        "`scope`"
    )
    return Unaffordable(GatewayError(403, "cost_unknown", message, type="policy_error"))


def _unreachable(spec: BackendSpec) -> Unaffordable:
    message = f"the ledger that pays for backend `{spec.name}` cannot be reached, so nothing is spent there; try again"
    return Unaffordable(GatewayError(503, "ledger_unavailable", message, type="server_error", retry_after_s=1))
