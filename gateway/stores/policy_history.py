"""Every policy that was served: appended, never changed, shared by the gateways that must serve the same."""

import hashlib
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import msgspec


class Source(StrEnum):
    """How a policy came to be served."""

    FILE = "file"  # somebody changed the policy file
    API = "api"
    ROLLBACK = "rollback"


class Version(msgspec.Struct, frozen=True):
    """One policy that was served. `restores`: the version whose text this is again. `version` 0: not appended yet."""

    at: float  # seconds since the epoch
    author: str
    source: Source
    note: str
    text: bytes
    restores: int | None = None
    version: int = 0

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


class PolicyHistory(Protocol):
    """Blocking, so it is called off the event loop. Every method raises JournalUnavailable.

    `is_shared`: with other machines, whose changes are then looked for in it.
    """

    @property
    def is_shared(self) -> bool: ...
    def newest(self, limit: int) -> list[Version]:
        """The last `limit` of them, the newest first."""
        ...

    def find(self, version: int) -> Version | None: ...

    def append(self, version: Version, allows: Callable[[Version | None], bool]) -> bool:
        """Append it if `allows` says so of the latest. Where others append at the same time, `allows` may be asked
        again, and nothing comes between its last answer and the append."""
        ...

    def before(self, version: Version) -> Version | None:
        """What one step back from it leads to: a version that restored another stands where that one stood."""
        ...
