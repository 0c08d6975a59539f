"""What is behind a ledger: the books that all its workers share."""

from collections.abc import Sequence
from typing import Protocol

from gateway.limits.accounts import Accounts, Answer, Ask, Entry

LEASE_S = 15.0
"""A worker that has not been heard of for so long is lost."""


class Books(Protocol):
    """Takes what a worker says and answers it, in one atomic step. A worker has one exchange under way at a time.

    Raises LedgerUnavailable; then nobody knows whether the exchange took place, and telling it all again is right.
    """

    async def exchange(self, worker: str, now: float, entries: Sequence[Entry], asks: Sequence[Ask]) -> Answer: ...
    async def leave(self, worker: str) -> None: ...
    async def aclose(self) -> None: ...


class MemoryBooks:
    """For tests, and for a gateway that keeps nothing."""

    def __init__(self) -> None:
        self.accounts = Accounts()
        self._leases: dict[str, float] = {}

    async def exchange(self, worker: str, now: float, entries: Sequence[Entry], asks: Sequence[Ask]) -> Answer:
        self._leases[worker] = now + LEASE_S
        for other in [name for name, until in self._leases.items() if has_lapsed(until, now)]:
            del self._leases[other]
            self.accounts.lose(other)
        return self.accounts.exchange(worker, entries, asks)

    async def leave(self, worker: str) -> None:
        self._leases.pop(worker, None)

    async def aclose(self) -> None:
        pass


def has_lapsed(until: float, now: float) -> bool:
    """Also where it ends much later than a lease may: the clock was set back, and who is alive will soon say so."""
    return not now <= until <= now + 2 * LEASE_S
