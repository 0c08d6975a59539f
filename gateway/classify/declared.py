"""What a request says of its own sensitivity: a header, or a field of its metadata, which may raise its class."""

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
    found = _said(envelope)
    if not found:
        return None
    levels = [_CLASSES.get(word) for word in found]
    known = [level for level in levels if level is not None]
    if len(known) < len(levels):
        return Declared(max(Sensitivity), (NO_CLASS,))
    return Declared(max(known))


def _said(envelope: Envelope) -> list[str]:
    """Each word; a proxy may have put two headers into one."""
    values = [value.decode("latin-1").lower() for name, value in envelope.headers if name == _HEADER]
    words = [word.strip() for value in values for word in value.split(",")] if values else []
    document = envelope.document
    metadata = document.get("metadata") if type(document) is dict else None
    if type(metadata) is dict and NAME in metadata:
        words.append(str(metadata[NAME]).strip().lower())
    return words
