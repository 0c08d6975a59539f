"""National identification numbers, one specimen a country (as its authority or encyclopedias print it)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify import national_checks
from gateway.classify.detectors_ids import DIGIT_IDS, LETTER_IDS
from gateway.classify.sensitivity import scan

SPECIMENS = {
    "us_ssn": ("536-90-4399", "SSN 536904399"),
    "ca_sin": ("130-692-544", "SIN 130692544", "social insurance: 130 692 544"),
    "uk_nhs": ("NHS number 943 476 5919",),
    "uk_nino": ("national insurance AB123456C",),
    "uk_nino_spaced": ("AB 12 34 56 C",),
    "de_tax_id": ("86 095 742 719", "Steuer-ID 86095742719"),
    "fr_nir": ("255081416802538", "2 55 08 14 168 025 38"),
    "nl_bsn": ("BSN 111222333",),
    "be_nn": ("93.05.18-223.61", "93051822361"),
    "at_svnr": ("SVNR 1237 010180",),
    "ch_ahv": ("756.9217.0769.85", "7569217076985"),
    "es_dni": ("12345678Z",),
    "es_dni_spaced": ("DNI 12.345.678-Z",),
    "es_nie": ("X1234567L", "x-1234567-l"),
    "pt_nif": ("NIF 123456789",),
    "it_cf": ("RSSMRA85T10A562S", "rss mra 85t10 a562s"),
    "pl_pesel": ("PESEL 44051401359",),
    "se_pnr": ("811218-9876", "personnummer 198112189876"),
    "fi_hetu": ("131052-308T",),
    "dk_cpr": ("CPR 010190-1234",),
    "no_fnr": ("fødselsnummer 17054026641", "17054026641"),
    "cz_rc": ("736028/5163",),
    "ro_cnp": ("CNP 1800101221144",),
    "bg_egn": ("ЕГН 7523169263",),
    "gr_amka": ("ΑΜΚΑ 01013099997",),
    "hr_oib": ("OIB 94577403194",),
    "ie_pps": ("PPSN 1234567T", "PPS 1234567FA"),
    "br_cpf": ("390.533.447-05", "CPF 11144477735"),
    "in_aadhaar": ("2341 2341 2346", "aadhaar 234123412346"),
    "in_pan": ("PAN ABCPE1234F",),
    "cn_rid": ("身份证 440524188001010014", "440524188001010014"),
    "cn_rid_x": ("11010519491231002X",),
    "jp_my_number": ("マイナンバー 123456789018", "My Number 1234 5678 9018"),
    "kr_rrn": ("820303-1234562", "주민등록번호 8203031234562"),
    "au_tfn": ("TFN 123 456 782",),
    "tr_kimlik": ("TC kimlik 10000000146",),
    "za_id": ("ID number 8001015009087",),
    "il_id": ("teudat zehut 123456782",),
    "ru_snils": ("112-233-445 95", "СНИЛС 11223344595"),
    "cl_rut": ("12.345.678-5", "RUT 12345678-5"),
    "cl_rut_k": ("10.000.013-K",),
    "sg_nric": ("S1234567D",),
    "mx_curp": ("BOXW310820HNERXN09",),
}
WITHOUT_A_CHECK_DIGIT = {"us_ssn", "dk_cpr", "uk_nino", "uk_nino_spaced", "in_pan"}


def found(text: str) -> bool:
    return "national_id" in {finding.kind for finding in scan(text).findings}


@pytest.mark.parametrize("text", [text for texts in SPECIMENS.values() for text in texts])
@pytest.mark.parametrize("frame", ["{}", "Please register {} with the payroll.", "a;{};b\n"])
def test_a_specimen_is_found(text, frame):
    assert found(frame.format(text))


@pytest.mark.parametrize("name", sorted(SPECIMENS.keys() - WITHOUT_A_CHECK_DIGIT))
def test_a_specimen_with_its_last_digit_changed_is_nothing(name):
    text = SPECIMENS[name][0]
    at = max(place for place, char in enumerate(text) if char.isdigit())
    assert not found(f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}")


def test_every_country_in_the_tables_has_a_specimen():
    assert {row.name for row in (*DIGIT_IDS, *LETTER_IDS)} - {"fi_hetu_digit"} == SPECIMENS.keys()


@pytest.mark.parametrize(
    "text",
    ["666-12-3456", "000-12-3456", "536-00-4399", "536-90-0000", "ssn 000123456", "901-20-1234", "QQ 12 34 56 C"],
)
def test_a_number_that_no_authority_issues_is_nothing(text):
    assert not found(text)


@pytest.mark.parametrize(
    "text",
    [
        "invoice 111222333 is paid",
        "item 943 476 5919 in stock",
        "ticket 12345678-5",
        "part S1234567A",
        "room 12345678A and B",
        "commit 1234567f",
        "build 20260311-1235",
        "call id 8001015009087",
        "measured 44051401359 photons",
    ],
)
def test_a_plain_number_without_a_word_for_it_is_nothing(text):
    assert not found(text)


CHECKS = [(row.name, row.is_valid, row.lengths) for row in DIGIT_IDS]


@pytest.mark.parametrize(
    ("is_valid", "lengths"), [(check, lengths) for _, check, lengths in CHECKS], ids=[c[0] for c in CHECKS]
)
@given(st.data())
def test_a_rule_takes_any_digits_without_raising(is_valid, lengths, data):
    length = data.draw(st.sampled_from(lengths))
    digits = data.draw(st.text("0123456789", min_size=length, max_size=length))
    assert is_valid(digits) in (True, False)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=18, max_size=18))
def test_texts_of_letters_and_digits_never_raise(text):
    assert not scan(text).failed
    assert national_checks.us_ssn("536904399")


def test_every_shape_has_one_of_the_parts_that_are_looked_for_first() -> None:
    shapes = [shape for row in LETTER_IDS for shape in row.shapes]
    assert [shape for shape in shapes if b"000" not in shape and b"-00-00-00-" not in shape] == []
