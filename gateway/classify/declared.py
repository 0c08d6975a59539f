"""What a request says of its own sensitivity: a header, or a field of its metadata, which may raise its class."""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.core.types import Envelope, Sensitivity

NAME = "x-gateway-sensitivity"
"""Of the header and of the key in `metadata`."""

NO_CLASS = f"`{NAME}` names no class"

_HEADER = NAME.encode()
_CLASSES = {level.label: level for level in Sensitivity}


class Declared(NamedTuple):
    """The class that a request gives itself, and notes on what could not be understood of that."""

    sensitivity: Sensitivity
    notes: tuple[str, ...] = ()


def declared(envelope: Envelope) -> Declared | None:
    """The highest class that the request names; what is no class counts as the highest there is. None: none named."""
    found = list(_said(envelope))
    if not found:
        return None
    levels = [_CLASSES.get(word) for word in found]
    known = [level for level in levels if level is not None]
    if len(known) < len(levels):
        return Declared(max(Sensitivity), (NO_CLASS,))
    return Declared(max(known))


def _said(envelope: Envelope) -> Iterator[str]:
    """Each word; a proxy may have put two headers into one."""
    for name, value in envelope.headers:
        if name == _HEADER:
            yield from (word.strip() for word in value.decode("latin-1").lower().split(","))
    document = envelope.document
    metadata = document.get("metadata") if type(document) is dict else None
    if type(metadata) is dict and NAME in metadata:
        yield str(metadata[NAME]).strip().lower()
