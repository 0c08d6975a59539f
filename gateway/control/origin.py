"""Where what is served comes from: the policy file and the weights file, read whole or refused."""

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.classify.weights import Weights, read, shipped_weights
from gateway.config import beside, policy_text, proved_policy
from gateway.core.errors import ConfigError
from gateway.policy.lexicons import MOST_BYTES
from gateway.policy.load import digest_of
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

    def stamps(self, served: Served) -> tuple[_Stamp, ...]:
        """Other stamps, other content; links are followed. Blocking."""
        named = (self.policy.parent / file for file in served.policy.files)
        return tuple(_stamp(path) for path in (self.policy, self.weights, *named) if path is not None)

    def text(self) -> bytes:
        """Blocking. Raises ConfigError."""
        return policy_text(self.policy)

    def read(self, known: Served | None = None) -> Served:
        """What the files say now; what is `known` need not be proved again. Blocking. Raises ConfigError."""
        text = self.text()
        weights = read_weights(self.weights)
        if known is not None and known.digests == (self._digest(text, known.policy), weights.digest):
            return known
        return Served(self.proved(text), weights)

    def proved(self, text: bytes) -> Policy:
        """What the policy file would mean with this text. Blocking. Raises ConfigError."""
        return proved_policy(text, str(self.policy), self.environment)

    def holds(self, text: bytes) -> bool:
        """Whether this is what the policy file says. Blocking."""
        try:
            return self.text() == text
        except ConfigError:
            return False

    def says(self, policy: Policy) -> bool:
        """Whether the policy file still says this. Blocking."""
        try:
            return digest_of(self.text(), {}) == policy.text_digest
        except ConfigError:
            return False

    def owner(self) -> str:
        """Whose the policy file is, as far as this machine can say: the likely author of what it says."""
        try:
            return self.policy.owner()
        except (OSError, KeyError):
            return ""

    def write(self, text: bytes) -> None:
        """Put another policy file in the place of this one, at once. Blocking. Raises OSError."""
        target = self.policy.resolve()
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
            os.replace(beside, target)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise

    def _digest(self, text: bytes, known: Policy) -> str:
        """Of the policy as it would be if it names the files that it named."""
        read = beside(self.policy)
        try:
            return digest_of(text, {file: read(file, MOST_BYTES) for file in known.files})
        except OSError:
            return ""


def read_weights(path: Path | None) -> Weights:
    """Raises ConfigError."""
    return shipped_weights() if path is None else read(path)


def _stamp(path: Path) -> _Stamp:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
