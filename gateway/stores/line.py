"""The line in which requests stand for money that others hold: first come, first served, account by account."""

import asyncio
from collections import deque
from collections.abc import Iterator

from gateway.core.budgets import Charge, Hold, Shortfall


class Waiter:
    """A request in line. `least` is asked for once the full amount has been given up."""

    __slots__ = ("amount", "answer", "charges", "has_asked", "is_modest", "lease_s", "least", "number", "since")

    def __init__(
        self,
        charges: tuple[Charge, ...],
        amount: int,
        least: int,
        lease_s: float,
        since: float,
        answer: "asyncio.Future[Hold | Shortfall]",
    ) -> None:
        self.charges = charges
        self.amount = amount
        self.least = least
        self.lease_s = lease_s
        self.since = since  # monotonic seconds
        self.answer = answer
        self.number = 0
        self.is_modest = False
        self.has_asked = False

    @property
    def will_do(self) -> int:
        return self.least if self.is_modest else self.amount


class Line:
    """Those who need the same accounts stand in one queue; nobody passes a longer waiting one who needs the same."""

    def __init__(self) -> None:
        self.awaited: frozenset[str] = frozenset()
        self._queues: dict[tuple[str, ...], deque[Waiter]] = {}
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._queues)

    def join(self, waiter: Waiter) -> None:
        self._count += 1
        waiter.number = self._count
        accounts = tuple(charge.account for charge in waiter.charges if charge.budget.is_hard)
        self._queues.setdefault(accounts, deque()).append(waiter)
        self.awaited |= frozenset(accounts)

    def fronts(self) -> Iterator[deque[Waiter]]:
        """Each queue whose first waiter is next for all its accounts. Whoever has an answer, or left, is out of it.

        A queue is looked at again after the caller has changed it, only by asking anew.
        """
        blocked: set[str] = set()
        self._tidy()
        for accounts, queue in sorted(self._queues.items(), key=lambda item: item[1][0].number):
            if blocked.isdisjoint(accounts):
                yield queue
                _leave(queue)
            if queue:
                blocked.update(accounts)
        self._tidy()

    def disperse(self) -> list[Waiter]:
        """Everyone goes; those who still have no answer are to be given one."""
        everyone = [waiter for queue in self._queues.values() for waiter in queue if not waiter.answer.done()]
        self._queues.clear()
        self._tidy()
        return everyone

    def _tidy(self) -> None:
        for queue in self._queues.values():
            _leave(queue)
        self._queues = {accounts: queue for accounts, queue in self._queues.items() if queue}
        self.awaited = frozenset(account for accounts in self._queues for account in accounts)


def _leave(queue: deque[Waiter]) -> None:
    while queue and queue[0].answer.done():
        queue.popleft()
