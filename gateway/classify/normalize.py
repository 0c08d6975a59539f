"""Text as it is meant: look-alike characters, digits of other scripts and invisible characters undone.

Only texts with characters outside ASCII come here; the result has other offsets than the original.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_OUTSIDE_ASCII = re.compile(r"[^\x00-\x7f]+")
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_SIGNS = {
    **dict.fromkeys("‐‑‒–—―−﹘﹣⁃", "-"),
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    "⁄": "/",
    "∕": "/",
    "∶": ":",
    "。": ".",
    "․": ".",
    "\u3000": " ",
}
# Letters of Cyrillic, Greek and Armenian that look like Latin ones.
_LOOK_ALIKES = str.maketrans(
    "аеорсухіѕјԁԛԝһӏьгпткАВЕКМНОРСТУХІЅЈԌоαορνικτυηγχΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսհոցաıɡɩ",
    "aeopcyxisjdqwhlbrntkABEKMHOPCTYXISJGoaopviktunyxABEZHIKMNOPTYXouhngwigi",
)
_LOOK_ALIKE_LETTERS = frozenset(chr(code) for code in _LOOK_ALIKES)
_MIXED_SCRIPTS = re.compile(r"[A-Za-z0-9@._-][\u0370-\u058fıɡɩ]|[\u0370-\u058fıɡɩ][A-Za-z0-9@]")


def meant(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as it is meant, and what else it may say: what tag characters spell, and look-alikes as Latin letters.

    Meant: NFKC, decimal digits of every script in ASCII, invisible characters removed, dashes and quotes made plain.
    """
    odd = set("".join(_OUTSIDE_ASCII.findall(text)))
    further: list[str] = []
    if max(odd) >= "\U000e0020":
        further.append(_hidden(text))
    if not odd.isdisjoint(_LOOK_ALIKE_LETTERS) and _MIXED_SCRIPTS.search(text):
        further.append(text.translate(_LOOK_ALIKES))
    for char, plain in _plain(odd):
        text = text.replace(char, plain)
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return text, tuple(other for other in further if other)


def _plain(odd: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What to write for each odd character that is not taken as it is."""
    for char in odd:
        if char in _SIGNS:
            yield char, _SIGNS[char]
        elif not char.isalpha():
            category = unicodedata.category(char)
            if category in ("Nd", "No"):
                yield char, _digit(char)
            elif category in ("Cf", "Me") or _is_selector(char):
                yield char, ""
            elif category in ("Zs", "Zl", "Zp"):
                yield char, " "


def _is_selector(char: str) -> bool:
    """Variation selectors and the grapheme joiner: marks that change nothing one can read."""
    return "\ufe00" <= char <= "\ufe0f" or char == "\u034f" or char >= "\U000e0100"


def _digit(char: str) -> str:
    value = unicodedata.digit(char, None)
    return char if value is None else str(value)


def _hidden(text: str) -> str:
    """What tag characters spell; they render as nothing."""
    return "\n".join("".join(chr(ord(char) - 0xE0000) for char in tags) for tags in _TAGS.findall(text))
