"""Text as it is meant: look-alike characters, digits of other scripts and invisible characters undone.

Only texts with characters outside ASCII come here; the result has other offsets than the original.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from gateway.classify.decode import Reading, Stretch
from gateway.classify.numbers import Span

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


def meant(text: str) -> tuple[str, tuple[Reading, ...]]:
    """The text as it is meant, and what else it may say: what tag characters spell, and look-alikes as Latin letters.

    Meant: NFKC, decimal digits of every script in ASCII, fractions set apart, invisible characters removed, dashes and
    quotes made plain.
    """
    odd = set("".join(_OUTSIDE_ASCII.findall(text)))
    further: list[Reading] = []
    if max(odd) >= "\U000e0020":
        further.append(_hidden(text))
    if not odd.isdisjoint(_LOOK_ALIKE_LETTERS) and _MIXED_SCRIPTS.search(text):
        further.append(Reading(text.translate(_LOOK_ALIKES), (Stretch(0, len(text), 0, len(text)),)))
    for char, plain in _plain(odd):
        text = text.replace(char, plain)
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return text, tuple(other for other in further if other.text)


def _plain(odd: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What to write for each odd character that is not taken as it is."""
    for char in odd:
        if char in _SIGNS:
            yield char, _SIGNS[char]
        elif not char.isalpha():
            category = unicodedata.category(char)
            if category in ("Nd", "No"):
                yield char, _number(char)
            elif category in ("Cf", "Me") or _is_selector(char):
                yield char, ""
            elif category in ("Zs", "Zl", "Zp"):
                yield char, " "


def _is_selector(char: str) -> bool:
    """Variation selectors and the grapheme joiner: marks that change nothing one can read."""
    return "\ufe00" <= char <= "\ufe0f" or char == "\u034f" or char >= "\U000e0100"


def _number(char: str) -> str:
    """A digit in ASCII; a fraction apart from what it is glued to, for `12½` is no 121.

    It keeps the slash of fractions, by which it can be told from the `1/4` of houses and doors.
    """
    value = unicodedata.digit(char, None)
    if value is not None:
        return str(value)
    if not unicodedata.decomposition(char).startswith("<fraction>"):
        return char
    return " " + unicodedata.normalize("NFKC", char)


def _hidden(text: str) -> Reading:
    """What tag characters spell; they render as nothing."""
    lines, stretches, at = [], [], 0
    for tags in _TAGS.finditer(text):
        lines.append("".join(chr(ord(char) - 0xE0000) for char in tags.group()))
        stretches.append(Stretch(at, len(lines[-1]), *tags.span()))
        at += len(lines[-1]) + 1
    return Reading("\n".join(lines), tuple(stretches))


def origins(text: str) -> list[Span]:
    """For each character of the text as it is meant the place in the text where it was written.

    Slow beside `meant`: for those who ask where a find stands. Where characters of two places melt into one, all stand
    for all.
    """
    plain: list[str] = []
    places: list[Span] = []
    start = 0
    for end in _cluster_ends(text):
        cluster = text[start:end]
        written = cluster if cluster.isascii() else meant(cluster)[0]
        plain.append(written)
        places += [Span(start, end)] * len(written)
        start = end
    whole = text if text.isascii() else meant(text)[0]
    return places if "".join(plain) == whole else [Span(0, len(text))] * len(whole)


def _cluster_ends(text: str) -> Iterator[int]:
    """Where characters end together with the marks that go onto them."""
    for place in range(1, len(text) + 1):
        if place == len(text) or not unicodedata.combining(text[place]):
            yield place
