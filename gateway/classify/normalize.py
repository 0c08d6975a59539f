"""Text as it is meant: look-alike characters, digits of other scripts and invisible characters undone.

Only texts with characters outside ASCII come here; the result has other offsets than the original.
"""

import re
import unicodedata
from collections.abc import Iterable

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
_MIXED_SCRIPTS = re.compile(r"[A-Za-z0-9@._-][\u0370-\u058fıɡɩ]|[\u0370-\u058fıɡɩ][A-Za-z0-9@]")


def normalized(text: str) -> str:
    """NFKC, decimal digits of every script in ASCII, invisible characters removed, dashes and quotes made plain."""
    odd = set("".join(_OUTSIDE_ASCII.findall(text)))
    plain = _meant(odd)
    if len(plain) == 0:
        return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
    return unicodedata.normalize("NFKC", text.translate(plain))


def _meant(odd: Iterable[str]) -> dict[int, str]:
    """What stands for each odd character that is not taken as it is."""
    meant: dict[int, str] = {}
    for char in odd:
        category = unicodedata.category(char)
        if char in _SIGNS:
            meant[ord(char)] = _SIGNS[char]
        elif category == "Nd" or category == "No":
            meant[ord(char)] = _digit(char)
        elif category in ("Cf", "Mn", "Me") and _is_invisible(char, category):
            meant[ord(char)] = ""
        elif category == "Zs" or category in ("Zl", "Zp"):
            meant[ord(char)] = " "
    return meant


def _digit(char: str) -> str:
    value = unicodedata.digit(char, None)
    return char if value is None else str(value)


def _is_invisible(char: str, category: str) -> bool:
    """Format characters, variation selectors, keycap frames, and marks that combine with the digit or letter before."""
    return category in ("Cf", "Me") or "\ufe00" <= char <= "\ufe0f" or char == "\u034f" or char >= "\U000e0100"


def hidden(text: str) -> str:
    """What tag characters spell (they render as nothing); empty where there are none."""
    return "\n".join("".join(chr(ord(char) - 0xE0000) for char in tags) for tags in _TAGS.findall(text))


def without_look_alikes(text: str) -> str:
    """The text with look-alikes as Latin letters, where a word mixes scripts; empty where none does."""
    return text.translate(_LOOK_ALIKES) if _MIXED_SCRIPTS.search(text) else ""
