"""How long a request would wait at a server, and when that is too long: arithmetic on what the server's meters say.

By Little's law the batch ends `running / service_s` requests a second, and who comes now waits until all who wait have
left the queue: `predicted wait = waiting x service_s / running`. `service_s` is measured: what the requests that ended
between two readings spent in the batch, on average.
"""

import math

import msgspec

from gateway.core.load import SaturatedAt

NEWEST = 0.5
"""The weight of the newest mean in `service_s`; a reading is a few seconds apart from the next."""
RECOVERED = 0.5
"""A saturated backend stays so until it is down to this share of its limit, so that requests do not flap."""


class Reading(msgspec.Struct, frozen=True):
    """What a server's meters show at one moment. `ended`: requests computed to their end since it started, and
    `served_s` the seconds that these spent in the batch, together."""

    waiting: int
    running: int
    ended: float = 0.0
    served_s: float = 0.0


class Load(msgspec.Struct, frozen=True):
    """A server's load. `places`: how many it computed at once when others had to wait; None: none ever had to.

    `service_s`: seconds in the batch a request, None as long as none has ended.
    """

    last: Reading
    places: int | None = None
    service_s: float | None = None

    def queued(self, present: int) -> int:
        """How many of `present` requests wait; just after a reading that is what it said."""
        return 0 if self.places is None or present <= self.places else present - self.places

    def wait_s(self, queued: int) -> float | None:
        """How long the next request would wait behind `queued` others; None where nothing is known to tell it by."""
        if not queued:
            return 0.0
        return None if self.service_s is None else queued * self.service_s / max(self.places or 0, 1)


def after(load: Load | None, reading: Reading) -> Load:
    """The load once this was read; the first reading counts what has ended since the server started."""
    before = Reading(0, 0) if load is None or reading.ended < load.last.ended else load.last
    known = None if load is None else load.service_s
    ended, served_s = reading.ended - before.ended, reading.served_s - before.served_s
    newest = served_s / ended if ended > 0 and served_s > 0 else None
    places = None if load is None else load.places
    if reading.waiting:
        places = reading.running
    elif places is not None:
        places = max(places, reading.running)
    return Load(reading, places, _mean(known, newest))


def is_saturated(limit: SaturatedAt, waiting: int, wait_s: float | None, *, was: bool) -> bool:
    """Whether a backend is, for which the best of its replicas has so many waiting and so long a wait."""
    share = RECOVERED if was else 1.0
    values = ((limit.queue, waiting), (limit.predicted_wait_s, wait_s))
    most = max((value / bound for bound, value in values if bound and value is not None), default=0.0)
    return most > share if was else most >= share


def _mean(known: float | None, newest: float | None) -> float | None:
    if newest is None or not math.isfinite(newest):
        return known
    return newest if known is None else known + NEWEST * (newest - known)
