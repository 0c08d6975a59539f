"""What became of a copy: its answer is read and thrown away, and this is all that is kept of it."""

import msgspec

from gateway.core.money import NanoUSD

DROPPED = "dropped"
"""The `error` of a copy that was not sent because too many were on their way."""


class Shadow(msgspec.Struct, frozen=True):
    """`sensitivity` is the class of what was sent, in words. `error` is empty where the backend answered, else a
    `FailureKind` word, a code or `dropped`; tokens and cost are None where they are unknown."""

    backend: str
    zone: str
    sensitivity: str
    status: int = 0
    error: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: NanoUSD | None = None
    total_ms: float = 0.0
