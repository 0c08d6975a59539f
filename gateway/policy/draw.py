"""Which requests are among a share of all: functions of what is recorded, and so the same again."""

import zlib
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

from gateway.core.types import Envelope, Route
from gateway.policy.model import Split, Sticky

WHOLE = 10_000
"""All of the requests, in the unit of shares: a hundredth of a percent."""
ALWAYS_DRAWN = "req_proof9718"
"""An id that is among those of every share."""
_SHADOW = b"shadow "  # so that what else is shared out is not of the same requests
_LONGEST_KEY = 64


def is_drawn(id: str, share: int) -> bool:
    """Whether the request is one of so many of `WHOLE`."""
    return zlib.crc32(_SHADOW + id.encode("utf-8", "surrogatepass")) % WHOLE < share


def draws_of(envelope: Envelope) -> tuple[int, int]:
    """What the caller drew, and the conversation: the same for every request of it.

    A conversation is known by its messages up to the first of the user, which each turn sends again, or else by what it
    asks for. It is hashed with the caller for a key.
    """
    caller = envelope.caller.id.encode("utf-8", "surrogatepass")
    told = blake2b(_beginning(envelope.document), digest_size=4, key=caller[:_LONGEST_KEY])
    return zlib.crc32(caller) % WHOLE, int.from_bytes(told.digest(), "big") % WHOLE


def _beginning(document: object) -> bytes:
    told: object = document
    if isinstance(document, dict):
        messages = document.get("messages")
        if isinstance(messages, list):
            roles = [each.get("role") if isinstance(each, dict) else None for each in messages]
            told = messages[: roles.index("user") + 1] if "user" in roles else messages
        else:
            told = [document.get(key) for key in ("prompt", "inputs", "input")]
    return repr(told).encode("utf-8", "surrogatepass")


def in_order(routes: tuple[Route, ...], split: Split, envelope: Envelope) -> tuple[Route, ...]:
    """The routes with the one first that was drawn. Of what nothing was drawn, its id draws."""
    draws = envelope.draws
    if draws is None:
        drawn = zlib.crc32(envelope.id.encode("utf-8", "surrogatepass")) % WHOLE
    else:
        drawn = draws[0 if split.sticky is Sticky.CALLER else 1]
    weighed = [(route, split.weights[route.backend]) for route in routes if route.backend in split.weights]
    place, reached, total = drawn, 0, sum(weight for _, weight in weighed)
    for route, weight in weighed:
        reached += weight
        if place * total < reached * WHOLE:
            return (route, *(each for each in routes if each is not route))
    return routes


def starts(weights: Sequence[int]) -> set[int]:
    """The first draw of each of these shares."""
    total = sum(weights)
    return {0, *(-(-reached * WHOLE // total) for reached in accumulate(weights[:-1]))}
