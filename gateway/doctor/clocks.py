"""How far another machine's clock is from ours: budgets, windows and `time:` conditions go by the gateway's own."""

import email.utils

from gateway.doctor.result import Result, ok, trouble, warning

NOTICED_S = 5.0
"""Less than this a `date` header cannot tell: it has whole seconds, and was some time on the way."""
WRONG_S = 60.0


def stamp_of(date: str) -> float | None:
    """A `date` header as seconds since the epoch; None where it is none."""
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def compared(about: str, theirs: float, before: float, after: float) -> Result:
    """`theirs` was said between `before` and `after`, all in seconds since the epoch."""
    apart = max(0.0, before - theirs, theirs - after)
    which = "behind" if theirs < before else "ahead of"
    if apart <= NOTICED_S:
        return ok(about, "its clock and ours agree")
    sentence = f"its clock is {apart:.0f} s {which} ours"
    remedy = "have both machines follow a time server (`timedatectl set-ntp true`)"
    return (trouble if apart > WRONG_S else warning)(about, sentence, remedy)
