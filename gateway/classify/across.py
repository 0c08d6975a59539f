"""Values split over several messages or parts: the short texts of one speaker, put together again."""

import re
from collections.abc import Sequence

from gateway.classify.flatten import Group

_SHORT = 160  # of a longer text only its two ends can belong to its neighbours
_END = 64
_MAX_CHAIN = 4  # a number in four pieces
_PIECE = re.compile(r"[0-9](?:[0-9 .-]*[0-9])?")
_MIN_PIECE_DIGITS = 3
_NUMBER_WORDS = re.compile(
    r"card|visa|master|amex|pan\b|ssn|social|iban|account|karte|carte|tarjeta|carta|cart|konto|\bid\b|phone"
)


def rejoined(groups: Sequence[Group]) -> tuple[str, ...]:
    """Texts to look at besides the messages themselves; none for most requests."""
    texts = [part for group in groups if group.role == "user" for part in group.parts]
    if len(texts) < 2:
        return ()
    ends = "".join(text if len(text) <= _SHORT else f"{text[:_END]}\n{text[-_END:]}" for text in texts)
    return (ends, *_numbers(texts))


def _numbers(texts: list[str]) -> list[str]:
    """Pieces of digits from neighbouring texts as one number, with the words they stood between."""
    told = [(text, _pieces(text)) for text in texts if len(text) <= _SHORT]
    told = [(text, pieces) for text, pieces in told if pieces]
    chains: list[str] = []
    for first in range(len(told) - 1):
        for last in range(first + 1, min(first + _MAX_CHAIN, len(told))):
            chain = told[first : last + 1]
            words = " ".join(text for text, _ in chain)
            if _NUMBER_WORDS.search(words.lower()):
                label = "".join(char for char in words if not char.isdecimal())
                chains.append(label[:_END] + " " + "".join(pieces for _, pieces in chain))
    return chains


def _pieces(text: str) -> str:
    """The stretches of digits in a text, put together; single digits and the like are counting, not content."""
    if not any(char.isdecimal() for char in text):
        return ""
    found = (match.group() for match in _PIECE.finditer(text))
    return "".join(piece for piece in found if sum(char.isdigit() for char in piece) >= _MIN_PIECE_DIGITS)
