"""National identification numbers, as a table: what they look like, whether they are valid, and what announces them.

A check digit alone lets one number in ten or eleven through, so such a row also asks for the written form of its
country or for a word beside it; rows with two check digits or a checked date stand on their own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from gateway.classify import national_checks as checks
from gateway.classify.hits import CERTAIN, LIKELY, POSSIBLE, Cue, Hit, announced, cue
from gateway.classify.numbers import Number
from gateway.classify.view import View

Check = Callable[[str], bool]

_ANY_COUNTRY = cue(
    "national_id* identity_card* identity_number* id_card* national_insurance* social_security* tax_id* tax_number* "
    "taxpayer* personal_number* 身份证* マイナンバー"
)


class DigitId(msgspec.Struct, frozen=True):
    """A number of digits only. `forms`: how it is written, a `0` for each digit. `is_strong`: valid is proof enough.

    `has_check`: there is a check digit, so that any country's word for such a number will do.
    """

    name: str
    lengths: tuple[int, ...]
    is_valid: Check
    words: Cue
    forms: frozenset[str] = frozenset()
    is_strong: bool = False
    has_check: bool = True


class LetterId(msgspec.Struct, frozen=True):
    """A number with letters. `shapes` as in `View.shape`; `form` the spelling, upper case; no `words`: none needed."""

    name: str
    shapes: tuple[bytes, ...]
    form: re.Pattern[str]
    is_valid: Check
    words: Cue | None = None


def _forms(*forms: str) -> frozenset[str]:
    return frozenset(forms)


DIGIT_IDS: tuple[DigitId, ...] = (
    DigitId(
        "us_ssn",
        (9,),
        checks.us_ssn,
        cue("ssn ssns social social_security* soc_sec itin tin taxpayer* seguro_social"),
        _forms("000-00-0000"),
        has_check=False,
    ),
    DigitId("ca_sin", (9,), checks.ca_sin, cue("sin social_insurance* nas assurance_sociale"), _forms("000-000-000")),
    DigitId("uk_nhs", (10,), checks.uk_nhs, cue("nhs national_health* patient*")),
    DigitId(
        "de_tax_id",
        (11,),
        checks.de_tax_id,
        cue("steuer* idnr identifikationsnummer* tin tax_id*"),
        _forms("00 000 000 000"),
    ),
    DigitId("fr_nir", (15,), checks.fr_nir, cue("nir insee sécu* secu* sécurité_sociale*"), is_strong=True),
    DigitId("nl_bsn", (9,), checks.nl_bsn, cue("bsn burgerservice* sofi*")),
    DigitId(
        "be_nn",
        (11,),
        checks.be_nn,
        cue("rijksregister* registre_national* numéro_national* insz niss"),
        _forms("00.00.00-000.00"),
        is_strong=True,
    ),
    DigitId("at_svnr", (10,), checks.at_svnr, cue("svnr sv-nummer* sozialversicherung* versicherungsnummer*")),
    DigitId("ch_ahv", (13,), checks.ch_ahv, cue("ahv* avs nss"), _forms("000.0000.0000.00"), is_strong=True),
    DigitId("pt_nif", (9,), checks.pt_nif, cue("nif contribuinte* fiscal*")),
    DigitId("pl_pesel", (11,), checks.pl_pesel, cue("pesel*")),
    DigitId(
        "se_pnr",
        (10, 12),
        checks.se_pnr,
        cue("personnummer* samordningsnummer* pnr"),
        _forms("000000-0000", "000000+0000", "00000000-0000"),
    ),
    DigitId("fi_hetu_digit", (10,), checks.fi_hetu_digits, cue("hetu* henkilötunnus*"), _forms("000000-0000")),
    DigitId("dk_cpr", (10,), checks.dk_cpr, cue("cpr* personnummer*"), has_check=False),
    DigitId("no_fnr", (11,), checks.no_fnr, cue("fødselsnummer* fodselsnummer* personnummer*"), is_strong=True),
    DigitId("cz_rc", (10,), checks.cz_rc, cue("rodné_číslo* rodne_cislo* rodného_čísla"), _forms("000000/0000")),
    DigitId("ro_cnp", (13,), checks.ro_cnp, cue("cnp* cod_numeric*")),
    DigitId("bg_egn", (10,), checks.bg_egn, cue("егн egn")),
    DigitId("gr_amka", (11,), checks.gr_amka, cue("αμκα amka")),
    DigitId("hr_oib", (11,), checks.hr_oib, cue("oib*")),
    DigitId(
        "br_cpf",
        (11,),
        checks.br_cpf,
        cue("cpf* cadastro*"),
        _forms("000.000.000-00", "000 000 000 00", "000-000-000-00"),
    ),
    DigitId(
        "in_aadhaar",
        (12,),
        checks.in_aadhaar,
        cue("aadhaar* aadhar* adhar* uidai uid आधार*"),
        _forms("0000 0000 0000", "0000-0000-0000"),
    ),
    DigitId("cn_rid", (18,), checks.cn_rid, cue("身份证* 身份證*"), is_strong=True),
    DigitId("jp_my_number", (12,), checks.jp_my_number, cue("my_number* マイナンバー* 個人番号*")),
    DigitId(
        "kr_rrn", (13,), checks.kr_rrn, cue("주민등록* 주민번호* rrn resident_registration*"), _forms("000000-0000000")
    ),
    DigitId("au_tfn", (9,), checks.au_tfn, cue("tfn tax_file*")),
    DigitId("tr_kimlik", (11,), checks.tr_kimlik, cue("kimlik* tckn tc t.c.")),
    DigitId("za_id", (13,), checks.za_id, cue("id_number* id_no rsa_id* south_african*")),
    DigitId("il_id", (9,), checks.il_id, cue("teudat* תעודת_זהות ת.ז")),
    DigitId("ru_snils", (11,), checks.ru_snils, cue("снилс* snils"), _forms("000-000-000 00", "000-000-000-00")),
    DigitId("cl_rut", (8, 9), checks.cl_rut, cue("rut run"), _forms("00.000.000-0", "0.000.000-0")),
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


def _by_length() -> Mapping[int, tuple[DigitId, ...]]:
    lengths = {length for row in DIGIT_IDS for length in row.lengths}
    return MappingProxyType({length: tuple(row for row in DIGIT_IDS if length in row.lengths) for length in lengths})


# A part of a shape, and what `View.compact` must hold for it to be worth a search.
_CORES = MappingProxyType(
    {
        b"00000": b"00000",
        b"-000-": b"00000000a",
        b"a0000a": b"a0000a",
        b"00a00": b"00a00a000a",
        b"-00-00-00-": b"aa000000a",
    }
)


class Shaped(NamedTuple):
    """One shape of a row, and where in it the part lies by which it is found."""

    row: LetterId
    shape: bytes
    offset: int


def _by_core() -> tuple[tuple[bytes, tuple[Shaped, ...]], ...]:
    """Shapes under a rare part that they share, so that one search serves many."""
    by_core: dict[bytes, list[Shaped]] = {core: [] for core in _CORES}
    for row in LETTER_IDS:
        for shape in row.shapes:
            core = next(core for core in _CORES if core in shape)
            by_core[core].append(Shaped(row, shape, shape.index(core)))
    return tuple((core, tuple(rows)) for core, rows in by_core.items())


_BY_LENGTH = _by_length()
_BY_CORE = _by_core()
_TO_FORM = str.maketrans("123456789", "000000000")
_NOUGHT = ord("0")
_KEPT_SIGNS = "-+"  # of a Finnish number the sign is part


def find_digit_ids(view: View) -> Iterator[Hit]:
    """Numbers of digits only, in every reading of every run."""
    for number in view.numbers:
        for row in _BY_LENGTH.get(len(number.digits), ()):
            confidence = _confidence(view, number, row)
            if confidence:
                yield Hit(number.start, number.end, confidence)
                break


def _confidence(view: View, number: Number, row: DigitId) -> float:
    """Nought where the number is not valid, or valid by chance as far as one can see."""
    if not row.is_valid(number.digits):
        return 0.0
    if announced(view, number.start, number.end, row.words):
        return CERTAIN
    if row.has_check and announced(view, number.start, number.end, _ANY_COUNTRY):
        return LIKELY
    if row.is_strong:
        return LIKELY
    if row.forms and view.text[number.start : number.end].translate(_TO_FORM) in row.forms:
        return POSSIBLE if number.row == len(number.shape) or number.is_whole else 0.0
    return 0.0


def find_letter_ids(view: View) -> Iterator[Hit]:
    """Numbers with letters in them, by their shape."""
    for core, rows in _BY_CORE:
        place = view.shape.find(core) if _CORES[core] in view.compact else -1
        while place >= 0:
            if core[0] != _NOUGHT or place == 0 or view.shape[place - 1] != _NOUGHT:  # not within longer digits
                yield from _around(view, place, rows)
            place = view.shape.find(core, place + 1)


def _around(view: View, place: int, rows: tuple["Shaped", ...]) -> Iterator[Hit]:
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
