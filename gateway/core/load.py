"""When a backend counts as saturated: the limits that a policy sets for it."""

import msgspec


class SaturatedAt(msgspec.Struct, frozen=True):
    """Either is enough, None is no limit: requests that wait at each replica, seconds that the next one would wait."""

    queue: int | None = None
    predicted_wait_s: float | None = None
