"""Payment cards (ISO/IEC 7812) and bank accounts (ISO 13616 IBAN)."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.classify import number_words
from gateway.classify.checksums import luhn, mod97
from gateway.classify.cues import cue
from gateway.classify.hits import CERTAIN, LIKELY, POSSIBLE, Hit, announced
from gateway.classify.numbers import Number
from gateway.classify.view import View

# First digits (low, high) and lengths, from the networks' published ranges. The narrower comes first.
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset({14, 16})),  # Diners Club
    ("309", "309", frozenset({14, 16})),
    ("36", "36", frozenset({14, 16})),
    ("38", "39", frozenset({14, 16})),
    ("3528", "3589", frozenset({16, 17, 18, 19})),  # JCB
    ("2200", "2204", frozenset({16, 17, 18, 19})),  # Mir
    ("2221", "2720", frozenset({16})),  # Mastercard
    ("51", "55", frozenset({16})),
    ("4", "4", frozenset({13, 16, 18, 19})),  # Visa
    ("6011", "6011", frozenset({16, 17, 18, 19})),  # Discover
    ("622126", "622925", frozenset({16, 17, 18, 19})),
    ("644", "649", frozenset({16, 17, 18, 19})),
    ("65", "65", frozenset({16, 17, 18, 19})),
    ("62", "62", frozenset({16, 17, 18, 19})),  # UnionPay
    ("81", "82", frozenset({16})),  # RuPay
    ("50", "50", frozenset({12, 13, 14, 15, 16, 17, 18, 19})),  # Maestro
    ("56", "58", frozenset({12, 13, 14, 15, 16, 17, 18, 19})),
    ("60", "69", frozenset({12, 13, 14, 15, 16, 17, 18, 19})),
)
# As printed on cards: four fours; American Express; Diners Club; 19 digits; the halves; Maestro.
_PRINTED = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (8, 8), (6, 13), (6, 10)})
_MIN_CARD = 12
_FOURS = (4, 4, 4, 4)
_CHAIN = 3
_MAX_ROW = 12  # three cards in a line; beyond it is a table of numbers
_WORDS = cue(number_words.CARD)

# Country to the length of its IBAN, from the SWIFT registry.
_IBAN_LENGTHS: Mapping[str, int] = MappingProxyType(
    {
        country: int(length)
        for length, countries in (
            ("15", "NO"),
            ("16", "BE"),
            ("18", "DK FI FK FO GL NL SD"),
            ("19", "MK SI"),
            ("20", "AT BA EE KZ LT LU MN XK"),
            ("21", "CH HR LI LV"),
            ("22", "BG BH CR DE GB GE IE ME RS"),
            ("23", "AE GI IL IQ OM SO TL"),
            ("24", "AD CZ ES MD PK RO SA SE SK TN VG"),
            ("25", "LY PT ST"),
            ("26", "IS TR"),
            ("27", "BI DJ FR GR IT MC MR SM"),
            ("28", "AL AZ BY CY DO GT HN HU LB NI PL SV"),
            ("29", "BR EG PS QA UA"),
            ("30", "JO KW MU YE"),
            ("31", "MT SC"),
            ("32", "LC"),
            ("33", "RU"),
        )
        for country in countries.split()
    }
)
_IBAN_HEAD = b"aa00"
_IBAN_WORDS = cue("iban* bank_account* account_number* kontonummer*")
_WRITTEN = re.compile(r"[A-Za-z]{2} ?[0-9]{2}(?:[ -]?[A-Za-z0-9]{3,4}){3,7}")


def find_cards(view: View) -> Iterator[Hit]:
    """Payment card numbers: issuer, length and Luhn, in a form that cards are written in or beside a word for one."""
    crowded: list[Number] = []
    for number in view.numbers:
        if len(number.digits) >= _MIN_CARD and luhn(number.digits) and _is_issued(number.digits):
            confidence = _card_confidence(view, number)
            if confidence:
                yield Hit(number.start, number.end, confidence)
            elif number.row > _MAX_ROW and number.shape == _FOURS:
                crowded.append(number)
    yield from _cards_in_a_row(crowded)


def _cards_in_a_row(crowded: list[Number]) -> Iterator[Hit]:
    """Valid numbers one behind the other in a long line: three of them are no chance, as one in a table may be."""
    chain: list[Number] = []
    for number in sorted(crowded, key=lambda number: number.start):
        if chain and number.start - chain[-1].end > 1:
            yield from _chained(chain)
            chain = []
        chain.append(number)
    yield from _chained(chain)


def _chained(chain: list[Number]) -> Iterator[Hit]:
    if len(chain) >= _CHAIN:
        yield from (Hit(number.start, number.end, LIKELY) for number in chain)


def _is_issued(digits: str) -> bool:
    size = len(digits)
    return any(low <= digits[: len(low)] <= high and size in lengths for low, high, lengths in _ISSUERS)


def _card_confidence(view: View, number: Number) -> float:
    """Nought where a valid number is more likely to be something else."""
    if number.is_told and announced(view, number.start, number.end, _WORDS):
        return CERTAIN
    if not _is_routine(number.digits) or _is_part_of_a_number(view.text, number):
        return 0.0
    if number.shape in _PRINTED or len(number.shape) == 1:
        return LIKELY if number.row <= _MAX_ROW else 0.0
    is_apart = number.is_whole and not _touches_letter(view.shape, number)
    return POSSIBLE if is_apart and _is_plain(number.separator) else 0.0


def _is_routine(digits: str) -> bool:
    """Sixteen digits or nineteen; fewer only of those who issue no others."""
    return len(digits) in (16, 19) or (len(digits) in (14, 15) and digits[0] == "3")


def _is_part_of_a_number(text: str, number: Number) -> bool:
    """The digits after a decimal point, a decimal fraction as a whole, or hexadecimal digits."""
    start = number.start
    if number.separator == "." and len(number.shape) == 2:
        return True
    if start > 0 and text[start - 1] == ".":
        return start == 1 or text[start - 2].isdigit() or text[start - 2] == " "
    return text[max(0, start - 2) : start] in ("0x", "0X")


def _touches_letter(shape: bytes, number: Number) -> bool:
    """As in a UUID or a part number."""
    return shape[number.end : number.end + 1] == b"a" or (number.start > 0 and shape[number.start - 1] == ord("a"))


def _is_plain(separator: str) -> bool:
    """One separator throughout, and not that of a list or a sum: 12, 34, 56 is no card."""
    return separator != "?" and not set(separator) & set(",;+=<>%$€£")


def find_ibans(view: View) -> Iterator[Hit]:
    """IBANs of every country of the registry, in any case, with blanks or dashes anywhere."""
    start = view.shape.find(_IBAN_HEAD)
    while start >= 0:
        yield from _iban_at(view, start)
        start = view.shape.find(_IBAN_HEAD, start + 1)
    for run in view.runs:  # a blank after the country: "DE 89 3704"
        if run.start >= 3 and view.shape.startswith(b"aa-", run.start - 3):
            yield from _iban_at(view, run.start - 3)


def _iban_at(view: View, start: int) -> Iterator[Hit]:
    if start == 0 or view.shape[start - 1] not in b"a0":
        end = _iban_end(view, start)
        if end:
            yield Hit(start, end, CERTAIN)
        elif _WRITTEN.match(view.text, start) and announced(view, start, start, _IBAN_WORDS, before=40, after=0):
            yield Hit(start, start + len(_IBAN_HEAD), POSSIBLE)  # called one: a slip of the pen changes no secret


def _iban_end(view: View, start: int) -> int:
    """Where a valid IBAN that begins here ends; nought where none does."""
    length = _IBAN_LENGTHS.get(view.text[start : start + 2].upper())
    if length is None:
        return 0
    chars: list[str] = []
    gap = 0
    for position in range(start, min(len(view.text), start + 3 * length)):
        char = view.text[position]
        if char.isascii() and char.isalnum():
            chars.append(char)
            gap = 0
        elif gap == 2:
            return 0
        else:
            gap += 1
        if len(chars) == length:
            goes_on = view.shape[position + 1 : position + 2] in (b"a", b"0")
            return position + 1 if not goes_on and mod97("".join(chars).upper()) else 0
    return 0
