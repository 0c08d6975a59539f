"""Patterns of a policy's own as detectors: what they match, where the check that they name agrees."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from gateway.classify.checksums import luhn, mod97, verhoeff
from gateway.classify.hits import CERTAIN, LIKELY, Detector, Hit
from gateway.classify.view import View
from gateway.core.patterns import Pattern, finder


def _of_digits(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda signs: signs.isdecimal() and check(signs)


VALIDATORS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {"luhn": _of_digits(luhn), "mod97": lambda signs: len(signs) > 4 and mod97(signs), "verhoeff": _of_digits(verhoeff)}
)
"""Given the ASCII letters and digits of a match, in upper case."""


def detectors_of(patterns: Sequence[Pattern]) -> tuple[Detector, ...]:
    return tuple(Detector(f"pattern {pattern.name}", pattern.name, _finding(pattern)) for pattern in patterns)


def _finding(pattern: Pattern) -> Callable[[View], Iterator[Hit]]:
    find, check = finder(pattern.regex), VALIDATORS.get(pattern.validator)
    sure = LIKELY if check is None else CERTAIN

    def hits(view: View) -> Iterator[Hit]:
        for start, end in find(view.text):
            if check is None or check(_signs(view.text[start:end])):
                yield Hit(start, end, sure)

    return hits


def _signs(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isalnum()).upper()
