"""What one attempt costs at most, before it is made: the prompt as estimated, and as much of an answer as may come."""

import bisect

from gateway.core.money import NanoUSD, Price, dollars
from gateway.core.types import BackendSpec, BackendState, Endpoint, Envelope, Need, Route

_WITHOUT_ANSWER = frozenset({Endpoint.EMBEDDINGS, Endpoint.TOKENIZE, Endpoint.CHAT_TOKENIZE})
"""Calls that generate nothing."""
_LONGEST = 1_000_000_000


def too_dear(route: Route, spec: BackendSpec, state: BackendState, envelope: Envelope) -> str | None:
    """Why the route's `max_cost` strikes it out, in words. What cannot be bounded may cost anything."""
    if route.max_cost is None:
        return None
    allowed = f"at most {dollars(route.max_cost)} USD are allowed"
    price = spec.price_for(envelope.endpoint)
    if price is None:
        return f"backend `{spec.name}` has no known price, and {allowed}"
    tokens = most_completion_tokens(spec, state, envelope)
    if tokens is None:
        return f"backend `{spec.name}` may answer at any length where `max_tokens` is not said or `n` is, and {allowed}"
    cost = price.most(envelope.prompt_tokens, tokens)
    return None if cost <= route.max_cost else f"backend `{spec.name}` could cost {dollars(cost)} USD, and {allowed}"


def most_completion_tokens(spec: BackendSpec, state: BackendState, envelope: Envelope) -> int | None:
    """What the client allows, else what the window has left; None: nothing says, or for several answers at once."""
    if envelope.endpoint in _WITHOUT_ANSWER:
        return 0
    if Need.SEVERAL_CHOICES in envelope.needs:
        return None
    if envelope.max_tokens is not None:
        return envelope.max_tokens
    window = window_of(spec, state)
    return None if window is None else max(0, window - envelope.prompt_tokens)


def window_of(spec: BackendSpec, state: BackendState) -> int | None:
    """Tokens of prompt and answer together; where both the policy and the server say so, the smaller counts."""
    said, declared = state.context_tokens, spec.context_tokens
    return declared if said is None else said if declared is None else min(said, declared)


def first_too_dear(price: Price, most: NanoUSD) -> int:
    """The shortest prompt, in tokens, that costs more than this without an answer; beyond all where none does."""
    return bisect.bisect_right(range(_LONGEST), most, key=lambda tokens: price.most(tokens, 0))
