"""Regular expressions that others write: matched in linear time, whatever they and the text are (ADR 14)."""

from collections.abc import Callable, Iterator

import msgspec
import re2

LONGEST = 1_000
_MOST_BYTES = 1 << 20  # of the compiled pattern and its cache of states

Find = Callable[[str], Iterator[tuple[int, int]]]
"""Where a pattern matches in a text: beginnings and ends, in code points."""


class Pattern(msgspec.Struct, frozen=True):
    """A kind of finding of a policy's own: what `regex` matches and the check that `validator` names finds right."""

    name: str
    regex: str
    validator: str = ""


def finder(regex: str) -> Find:
    """Raises ValueError, in words, where it is no pattern that can be matched in linear time, or too large a one."""
    if len(regex) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST:,} characters; write several patterns")
    options = re2.Options()
    options.max_mem = _MOST_BYTES
    options.log_errors = False
    try:
        compiled = re2.compile(regex, options)
    except re2.error as error:
        raise ValueError(_reason(error)) from None
    if compiled.search("") is not None:
        raise ValueError("it matches nothing at all, so it would match everywhere")

    def find(text: str) -> Iterator[tuple[int, int]]:
        return (match.span() for match in compiled.finditer(text))

    return find


def _reason(error: Exception) -> str:
    """RE2's own words, and what is behind the commonest of them."""
    told = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
    if told.startswith("invalid perl operator: (?"):
        return f"{told}: looking around is not linear, and refused; match more and let a group do"
    if told.startswith("invalid escape sequence"):
        return f"{told}: back references are not linear, and refused"
    return told
