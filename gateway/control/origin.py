"""Where what is served comes from: the policy file and the weights file, read whole or refused."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.classify.weights import Weights, read, shipped_weights
from gateway.config import policy_text, proved_policy
from gateway.policy.model import Policy

_Stamp = tuple[int, int, int] | None


class Served(NamedTuple):
    """What a gateway serves, or is to serve."""

    policy: Policy
    weights: Weights

    @property
    def digests(self) -> tuple[str, str]:
        return self.policy.digest, self.weights.digest


class Origin(msgspec.Struct, frozen=True):
    """The policy's file, what gives its `${NAME}` their values, and the weights' file (None: the shipped ones)."""

    policy: Path
    environment: Mapping[str, str]
    weights: Path | None = None

    def stamps(self) -> tuple[_Stamp, ...]:
        """Other stamps, other content; links are followed. Blocking."""
        return tuple(_stamp(path) for path in (self.policy, self.weights) if path is not None)

    def read(self, known: Served | None = None) -> Served:
        """What the files say now; what is `known` need not be proved again. Blocking. Raises ConfigError."""
        text = policy_text(self.policy)
        weights = read_weights(self.weights)
        if known is not None and known.digests == (hashlib.sha256(text).hexdigest(), weights.digest):
            return known
        return Served(proved_policy(text, str(self.policy), self.environment), weights)


def read_weights(path: Path | None) -> Weights:
    """Raises ConfigError."""
    return shipped_weights() if path is None else read(path)


def _stamp(path: Path) -> _Stamp:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
