"""National identification numbers, as a table: what they look like, whether they are valid, and what announces them.

A check digit alone lets one number in ten or eleven through, so such a row also asks for the written form of its
country or for a word beside it; rows with two check digits or a checked date stand on their own.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from gateway.classify import national_checks as checks
from gateway.classify import number_words
from gateway.classify.cues import Cue, cue
from gateway.classify.hits import CERTAIN, LIKELY, POSSIBLE, Hit, announced
from gateway.classify.numbers import Number
from gateway.classify.view import View

Check = Callable[[str], bool]


class DigitId(msgspec.Struct, frozen=True):
    """A number of digits only. `is_strong`: valid is proof enough. `has_check`: there is a check digit.

    What announces it, and how it is written, is in `number_words`; any country's word will do where there is a check.
    """

    name: str
    lengths: tuple[int, ...]
    is_valid: Check
    is_strong: bool = False
    has_check: bool = True


class LetterId(msgspec.Struct, frozen=True):
    """A number with letters. `shapes` as in `View.shape`; `form` the spelling, upper case; no `words`: none needed."""

    name: str
    shapes: tuple[bytes, ...]
    form: re.Pattern[str]
    is_valid: Check
    words: Cue | None = None


DIGIT_IDS: tuple[DigitId, ...] = (
    DigitId("us_ssn", (9,), checks.us_ssn, has_check=False),
    DigitId("ca_sin", (9,), checks.ca_sin),
    DigitId("uk_nhs", (10,), checks.uk_nhs),
    DigitId("de_tax_id", (11,), checks.de_tax_id),
    DigitId("fr_nir", (15,), checks.fr_nir, is_strong=True),
    DigitId("nl_bsn", (9,), checks.nl_bsn),
    DigitId("be_nn", (11,), checks.be_nn, is_strong=True),
    DigitId("at_svnr", (10,), checks.at_svnr),
    DigitId("ch_ahv", (13,), checks.ch_ahv, is_strong=True),
    DigitId("pt_nif", (9,), checks.pt_nif),
    DigitId("pl_pesel", (11,), checks.pl_pesel),
    DigitId("se_pnr", (10, 12), checks.se_pnr),
    DigitId("fi_hetu_digit", (10,), checks.fi_hetu_digits),
    DigitId("dk_cpr", (10,), checks.dk_cpr, has_check=False),
    DigitId("no_fnr", (11,), checks.no_fnr, is_strong=True),
    DigitId("cz_rc", (10,), checks.cz_rc),
    DigitId("ro_cnp", (13,), checks.ro_cnp),
    DigitId("bg_egn", (10,), checks.bg_egn),
    DigitId("gr_amka", (11,), checks.gr_amka),
    DigitId("hr_oib", (11,), checks.hr_oib),
    DigitId("br_cpf", (11,), checks.br_cpf),
    DigitId("in_aadhaar", (12,), checks.in_aadhaar),
    DigitId("cn_rid", (18,), checks.cn_rid, is_strong=True),
    DigitId("jp_my_number", (12,), checks.jp_my_number),
    DigitId("kr_rrn", (13,), checks.kr_rrn),
    DigitId("au_tfn", (9,), checks.au_tfn),
    DigitId("tr_kimlik", (11,), checks.tr_kimlik),
    DigitId("za_id", (13,), checks.za_id),
    DigitId("il_id", (9,), checks.il_id),
    DigitId("ru_snils", (11,), checks.ru_snils),
    DigitId("cl_rut", (8, 9), checks.cl_rut),
)

LETTER_IDS: tuple[LetterId, ...] = (
    LetterId(
        "it_cf",
        (b"aaaaaa00a00a000a", b"aaa-aaa-00a00-a000a"),
        re.compile(r"[A-Z]{3}[ -]?[A-Z]{3}[ -]?\d\d[A-Z]\d\d[ -]?[A-Z]\d{3}[A-Z]"),
        checks.it_cf,
    ),
    LetterId("es_dni", (b"00000000a",), re.compile(r"\d{8}[A-Z]"), checks.es_dni),
    LetterId(
        "es_dni_spaced",
        (b"00000000-a", b"00-000-000-a", b"00-000-000a"),
        re.compile(r"\d\d[. ]?\d{3}[. ]?\d{3}[ -]?[A-Z]"),
        checks.es_dni,
        cue("dni* nif* documento* identidad"),
    ),
    LetterId(
        "es_nie",
        (b"a0000000a", b"a-0000000-a"),
        re.compile(r"[XYZ][ -]?\d{7}[ -]?[A-Z]"),
        checks.es_nie,
    ),
    LetterId(
        "fi_hetu",
        (b"000000-000a", b"000000a000a", b"000000a0000"),
        re.compile(r"\d{6}[-+ABCDEFYXWVU]\d{3}[0-9A-Z]"),
        checks.fi_hetu,
    ),
    LetterId(
        "uk_nino",
        (b"aa000000a", b"aa-000000-a"),
        re.compile(r"[A-Z]{2} ?\d{6} ?[A-Z]"),
        checks.uk_nino,
        cue("nino ni national_insurance*"),
    ),
    LetterId("uk_nino_spaced", (b"aa-00-00-00-a",), re.compile(r"[A-Z]{2}([ -]\d\d){3}[ -][A-Z]"), checks.uk_nino),
    LetterId(
        "ie_pps",
        (b"0000000a", b"0000000aa"),
        re.compile(r"\d{7}[A-W][A-IW]?"),
        checks.ie_pps,
        cue("pps ppsn personal_public*"),
    ),
    LetterId(
        "in_pan",
        (b"aaaaa0000a",),
        re.compile(r"[A-Z]{5}\d{4}[A-Z]"),
        checks.in_pan,
        cue("pan permanent_account* income_tax*"),
    ),
    LetterId("cn_rid_x", (b"0" * 17 + b"a",), re.compile(r"\d{17}X"), checks.cn_rid),
    LetterId("cl_rut_k", (b"00-000-000-a",), re.compile(r"\d\d\.\d{3}\.\d{3}-K"), checks.cl_rut),
    LetterId("sg_nric", (b"a0000000a",), re.compile(r"[STFG]\d{7}[A-Z]"), checks.sg_nric),
    LetterId(
        "mx_curp",
        (b"aaaa000000aaaaaa00", b"aaaa000000aaaaaaa0"),
        re.compile(r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d"),
        checks.mx_curp,
    ),
)


def _by_length(rows: Sequence[DigitId]) -> Mapping[int, tuple[DigitId, ...]]:
    lengths = {length for row in rows for length in row.lengths}
    return MappingProxyType({length: tuple(row for row in rows if length in row.lengths) for length in lengths})


_DIGITS = re.compile(rb"0+")
# A part of a shape, and the digits without which a search for it does not pay: in `View.shape`, and in `View.compact`.
_CORES = MappingProxyType(
    {
        b"00000": (b"00000", b"000000"),
        b"-000-": (b"000", b"00000000"),
        b"a0000a": (b"0000", b"0000"),
        b"00a00": (b"000", b"000"),
        b"-00-00-00-": (b"00", b"000000"),
    }
)


class Shaped(NamedTuple):
    """One shape of a row, and where in it the part lies by which it is found."""

    row: LetterId
    shape: bytes
    offset: int


def _by_core() -> Mapping[bytes, Mapping[int, list[Shaped]]]:
    """Shapes under a rare part that they share, so that one search serves many, and the digits that go on from it."""
    by_core: dict[bytes, dict[int, list[Shaped]]] = {core: {} for core in _CORES}
    for row in LETTER_IDS:
        for shape in row.shapes:
            core = next(core for core in _CORES if core in shape)
            place = shape.index(core)
            by_core[core].setdefault(_digits_at(shape, place), []).append(Shaped(row, shape, place))
    return MappingProxyType(by_core)


def _digits_at(shape: bytes, place: int) -> int:
    match = _DIGITS.match(shape, place)
    return match.end() - place if match else 0


_WORDS = MappingProxyType({name: cue(words) for name, words in number_words.BY_ID.items()})
_ANY_COUNTRY = cue(number_words.ANY_COUNTRY)
_BY_LENGTH = _by_length(DIGIT_IDS)
_UNTOLD_BY_LENGTH = _by_length([row for row in DIGIT_IDS if row.is_strong or row.name in number_words.FORMS])
_BY_CORE = _by_core()
_THREE, _PAIRS = b"000", b"-00-00-00-"  # INVARIANT: one of them is in every shape
_NOUGHT = ord("0")
_KEPT_SIGNS = "-+"  # of a Finnish number the sign is part


def find_digit_ids(view: View) -> Iterator[Hit]:
    """Numbers of digits only, in every reading of every run."""
    for number in view.numbers:
        rows = _BY_LENGTH if number.is_told else _UNTOLD_BY_LENGTH
        for row in rows.get(len(number.digits), ()):
            confidence = _confidence(view, number, row)
            if confidence:
                yield Hit(number.start, number.end, confidence)
                break


def _confidence(view: View, number: Number, row: DigitId) -> float:
    """Nought where the number is not valid, or valid by chance as far as one can see."""
    if not row.is_valid(number.digits):
        return 0.0
    if number.is_told and announced(view, number.start, number.end, _WORDS[row.name]):
        return CERTAIN
    if number.is_told and row.has_check and announced(view, number.start, number.end, _ANY_COUNTRY):
        return LIKELY
    if row.is_strong and _is_written_alone(number):
        return LIKELY
    if view.text[number.start : number.end].translate(number_words.TO_FORM) in number_words.FORMS.get(row.name, ()):
        return POSSIBLE if number.row == len(number.shape) or number.is_whole else 0.0
    return 0.0


def _is_written_alone(number: Number) -> bool:
    """One group, or groups with a plain separator and no further ones in line: no stretch of a table."""
    if len(number.shape) == 1:
        return True
    return number.is_whole or (number.row == len(number.shape) and number.separator in (" ", ".", "-", "/"))


def find_letter_ids(view: View) -> Iterator[Hit]:
    """Numbers with letters in them, by their shape."""
    if _THREE not in view.shape and _PAIRS not in view.shape:
        return
    for core, rows in _BY_CORE.items():
        in_shape, in_compact = _CORES[core]
        pays = in_shape in view.shape and in_compact in view.compact
        place = view.shape.find(core) if pays else -1
        while place >= 0:
            if core[0] != _NOUGHT or place == 0 or view.shape[place - 1] != _NOUGHT:  # not within longer digits
                yield from _around(view, place, rows.get(_digits_at(view.shape, place), ()))
            place = view.shape.find(core, place + 1)


def _around(view: View, place: int, rows: Sequence[Shaped]) -> Iterator[Hit]:
    for row, shape, offset in rows:
        start, end = place - offset, place - offset + len(shape)
        has_shape = start >= 0 and view.shape.startswith(shape, start) and _stands_alone(view.shape, start, end)
        if has_shape and _is_letter_id(view, start, end, row):
            yield Hit(start, end, LIKELY)


def _stands_alone(shape: bytes, start: int, end: int) -> bool:
    return (start == 0 or shape[start - 1] not in b"a0") and (end == len(shape) or shape[end] not in b"a0")


def _is_letter_id(view: View, start: int, end: int, row: LetterId) -> bool:
    written = view.text[start:end].upper()
    if not written.isascii() or not row.form.fullmatch(written):
        return False
    keeps_sign = row.is_valid is checks.fi_hetu
    bare = "".join(char for char in written if char.isalnum() or (keeps_sign and char in _KEPT_SIGNS))
    return row.is_valid(bare) and (row.words is None or announced(view, start, end, row.words))
