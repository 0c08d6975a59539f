"""The replicas of one backend: which is up, how busy each is, and which is asked next."""

import asyncio
from collections.abc import Sequence

from gateway.backends.pool import Origin
from gateway.core.errors import AttemptFailed, ClearanceViolation, FailureKind, GatewayError
from gateway.core.load import SaturatedAt
from gateway.core.ports import Clock
from gateway.core.types import BackendState
from gateway.limits import breaker as breakers
from gateway.limits import load as loads
from gateway.limits.breaker import CLOSED, Event, State
from gateway.limits.load import Load, Reading

_ALIVE = frozenset({FailureKind.OVERLOADED, FailureKind.UNABLE})
"""Failures that say nothing against the replica's health."""


class Replica:
    """One server. `trouble` is what the last probe found, empty where all was well; `name` goes into records."""

    __slots__ = (
        "breaker",
        "context_tokens",
        "in_flight",
        "last_failure",
        "load",
        "name",
        "others",
        "told",
        "trouble",
        "turn",
        "url",
        "where",
    )

    def __init__(self, url: str) -> None:
        self.url = url
        self.where = Origin(url)
        self.name = self.where.authority
        self.in_flight = 0
        self.turn = 0  # when it was last asked, in requests of its backend
        self.breaker = CLOSED
        self.last_failure = ""
        self.trouble = ""
        self.context_tokens: int | None = None
        self.told: dict[str, object] = {}  # TGI's /info
        self.load: Load | None = None  # None: it does not say how busy it is
        self.others = 0  # requests there that are not ours

    def note(self, reading: Reading | None) -> None:
        """What its meters say now; None: nothing."""
        self.load = None if reading is None else loads.after(self.load, reading)
        self.others = 0 if reading is None else max(0, reading.waiting + reading.running - self.in_flight)

    @property
    def queued(self) -> int:
        """How many wait there: as it last said, with what of ours has come and gone since."""
        return 0 if self.load is None else self.load.queued(self.in_flight + self.others)

    @property
    def wait_s(self) -> float | None:
        """How long the next one would wait; None: not known."""
        return None if self.load is None else self.load.wait_s(self.queued)

    def is_up(self, now: float) -> bool:
        return not self.trouble and breakers.admits(self.breaker, now)

    def reason(self, now: float) -> str:
        """Why it is not up; empty where it is."""
        if self.trouble:
            return self.trouble
        if breakers.admits(self.breaker, now):
            return ""
        again = "one request is trying it" if self.breaker.state is State.HALF_OPEN else "it is tried again shortly"
        return f"{breakers.FAILURES_TO_OPEN} attempts in a row failed ({self.last_failure}); {again}"


class Turn:
    """One request at one replica, from being chosen to its end; `leave` is idempotent and must be called."""

    __slots__ = ("_event", "_has_left", "_is_trial", "_replicas", "replica")

    def __init__(self, replicas: "Replicas", replica: Replica, *, is_trial: bool) -> None:
        self.replica = replica
        self._is_trial = is_trial
        self._replicas = replicas
        self._event = Event.UNKNOWN
        self._has_left = False

    def answered(self) -> None:
        self._event = Event.ANSWERED

    def failed(self, kind: FailureKind) -> None:
        self._event = Event.ANSWERED if kind in _ALIVE else Event.FAILED
        if self._event is Event.FAILED:
            self.replica.last_failure = kind.value

    def judge(self, error: BaseException, *, is_late: bool) -> None:
        """What an attempt without a reply says of its replica; nothing, where the client or the guard ended it."""
        if isinstance(error, AttemptFailed):
            self.failed(error.kind)
        elif isinstance(error, GatewayError) and not isinstance(error, ClearanceViolation):
            self.answered()  # it has told the client of a mistake
        elif isinstance(error, asyncio.CancelledError) and is_late:
            self.failed(FailureKind.TIMEOUT)

    def leave(self) -> None:
        if not self._has_left:
            self._has_left = True
            self._replicas.left(self.replica, self._event, is_trial=self._is_trial)


class Replicas:
    """All replicas of one backend, and the state they add up to."""

    def __init__(self, urls: Sequence[str], clock: Clock, limit: SaturatedAt | None = None) -> None:
        self._clock = clock
        self._limit = limit
        self._turns = 0
        self.all = [Replica(url) for url in urls]
        self._absence = "its address is not known yet"
        self.state = BackendState(is_up=True)
        self.look_again()

    def replace(self, urls: Sequence[str], absence: str) -> None:
        """The servers have moved, as those of an Inference Endpoint do. `absence` is why there are none."""
        if [replica.url for replica in self.all] != list(urls):
            self.all = [Replica(url) for url in urls]
        self._absence = absence
        self.look_again()

    def enter(self) -> Turn:
        """Choose the replica where the fewest wait, then the one with the fewest requests, which are only ours where it
        does not say how busy it is; among equals one without failures, then the one asked longest ago.

        Raises AttemptFailed(CONNECT) where none is up.
        """
        now = self._clock.monotonic()
        able = [replica for replica in self.all if replica.is_up(now)]
        if not able:
            raise AttemptFailed(FailureKind.CONNECT, self.state.reason or "no replica is up", is_retryable=False)
        chosen = able[0] if len(able) == 1 else min(able, key=_preference)
        self._turns += 1
        chosen.turn = self._turns
        chosen.in_flight += 1
        if chosen.breaker is not CLOSED:
            chosen.breaker = breakers.asked(chosen.breaker)
            self.look_again()
        elif self._limit is not None and not self.state.is_saturated and self._is_over(able, was=False):
            self.look_again()
        return Turn(self, chosen, is_trial=chosen.breaker.state is State.HALF_OPEN)

    def left(self, replica: Replica, event: Event, *, is_trial: bool) -> None:
        replica.in_flight -= 1
        if event is not Event.FAILED and replica.breaker is CLOSED:  # nearly always
            return
        if event is Event.UNKNOWN and not is_trial:  # the trial may be under way
            return
        replica.breaker = breakers.after(replica.breaker, event, self._clock.monotonic())
        self.look_again()

    def look_again(self) -> None:
        """Add the replicas up: the backend is up while one of them is, and takes what all of them take."""
        now = self._clock.monotonic()
        up = [replica for replica in self.all if replica.is_up(now)]
        windows = [replica.context_tokens for replica in up if replica.context_tokens is not None]
        reasons = dict.fromkeys(replica.reason(now) for replica in self.all)
        why = "" if up else "; ".join(reasons) or self._absence
        is_saturated = bool(up) and self._is_over(up, was=self.state.is_saturated)
        if is_saturated:
            why = _fullness(self.queue(up), self.predicted_wait_s(up))
        self.state = BackendState(bool(up), why, min(windows, default=None), is_saturated)

    def queue(self, up: Sequence[Replica] | None = None) -> int | None:
        """How many wait where the fewest do; None where a replica that is up does not say."""
        asked = self._up() if up is None else up
        known = [replica.queued for replica in asked if replica.load is not None]
        return min(known) if known and len(known) == len(asked) else None

    def predicted_wait_s(self, up: Sequence[Replica] | None = None) -> float | None:
        """How long the next request would wait at the best replica; None where one of them cannot tell."""
        asked = self._up() if up is None else up
        known = [wait_s for replica in asked if (wait_s := replica.wait_s) is not None]
        return min(known) if known and len(known) == len(asked) else None

    def _up(self) -> list[Replica]:
        now = self._clock.monotonic()
        return [replica for replica in self.all if replica.is_up(now)]

    def _is_over(self, up: Sequence[Replica], *, was: bool) -> bool:
        """What is not known is no reason to go elsewhere: a wrong guess costs a wait."""
        if self._limit is None or (queue := self.queue(up)) is None:
            return False
        return loads.is_saturated(self._limit, queue, self.predicted_wait_s(up), was=was)

    def rows(self) -> list[dict[str, object]]:
        """For people: what each replica is like now."""
        now = self._clock.monotonic()
        rows: list[dict[str, object]] = [
            {
                "replica": replica.name,
                "up": replica.is_up(now),
                "reason": replica.reason(now),
                "breaker": replica.breaker.state.value,
                "in_flight": replica.in_flight,
                "queue": None if replica.load is None else replica.queued,
                "predicted_wait_s": None if (wait_s := replica.wait_s) is None else round(wait_s, 3),
            }
            for replica in self.all
        ]
        return rows or [
            {
                "replica": "",
                "up": False,
                "reason": self._absence,
                "breaker": "closed",
                "in_flight": 0,
                "queue": None,
                "predicted_wait_s": None,
            }
        ]


def _preference(replica: Replica) -> tuple[int, int, int, int]:
    return replica.queued, replica.in_flight + replica.others, replica.breaker.failures, replica.turn


def _fullness(queue: int | None, wait_s: float | None) -> str:
    """Why a backend counts as saturated, in round figures."""
    waits = "" if wait_s is None else f", about {wait_s:.1f} s"
    return f"{queue} requests wait at each replica{waits}"
