"""Which requests are among a share of all: a function of the request id, which is recorded, and so the same again."""

import zlib

WHOLE = 10_000
"""All of the requests, in the unit of shares: a hundredth of a percent."""
ALWAYS_DRAWN = "req_proof9718"
"""An id that is among those of every share."""
_SHADOW = b"shadow "  # so that what else is shared out is not of the same requests


def is_drawn(id: str, share: int) -> bool:
    """Whether the request is one of so many of `WHOLE`."""
    return zlib.crc32(_SHADOW + id.encode("utf-8", "surrogatepass")) % WHOLE < share
