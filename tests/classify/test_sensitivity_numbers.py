"""Payment cards and bank accounts: every issuer and country, every way to write them, and numbers that are neither."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import card, iban

from gateway.classify.sensitivity import scan

BRANDS = {
    "American Express": ("34", 15),
    "American Express 37": ("37", 15),
    "Diners Club": ("36", 14),
    "Diners Club 30": ("305", 14),
    "Diners Club 38": ("38", 14),
    "JCB": ("3530", 16),
    "Mir": ("2202", 16),
    "Mastercard": ("51", 16),
    "Mastercard 2": ("2221", 16),
    "Visa": ("4", 16),
    "Discover": ("6011", 16),
    "Discover 65": ("65", 16),
    "UnionPay": ("62", 16),
    "UnionPay long": ("62", 19),
    "RuPay": ("81", 16),
    "Maestro": ("50", 16),
}
LENGTHS = {"NO": 15, "BE": 16, "NL": 18, "AT": 20, "CH": 21, "DE": 22, "AE": 23, "ES": 24, "PT": 25, "TR": 26}
LENGTHS |= {"FR": 27, "PL": 28, "BR": 29, "KW": 30, "MT": 31, "LC": 32, "RU": 33}


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in scan(text).findings}


def grouped(number: str, *sizes: int) -> list[str]:
    ends = [sum(sizes[:count]) for count in range(len(sizes) + 1)]
    return [number[start:end] for start, end in pairwise(ends)]


@pytest.mark.parametrize(("prefix", "length"), BRANDS.values(), ids=BRANDS.keys())
@pytest.mark.parametrize("seed", range(4))
def test_a_card_of_every_brand_is_found_in_a_sentence(prefix, length, seed):
    number = card(prefix, length, random.Random(seed))
    assert "card" in kinds(f"it was charged twice to {number}, please explain")


@pytest.mark.parametrize("separator", [" ", "-", ".", "/", "  ", "_", " - ", "\u00a0", "\u2009", "\u2013"])
@pytest.mark.parametrize(("prefix", "sizes"), [("4", (4, 4, 4, 4)), ("37", (4, 6, 5)), ("36", (4, 6, 4))])
def test_a_card_is_found_however_it_is_spaced(prefix, sizes, separator):
    number = card(prefix, sum(sizes), random.Random(3))
    assert "card" in kinds(f"use {separator.join(grouped(number, *sizes))} for it")


@given(
    st.integers(0, 10**6), st.sampled_from(["{}", "card no. {}", "({})", "pan={};", "| {} | 12.50 |", "1,{},9.99,paid"])
)
def test_a_card_is_found_whatever_stands_around_it(seed, frame):
    assert "card" in kinds(frame.format(card("4", 16, random.Random(seed))))


def test_a_card_is_found_in_every_row_of_a_table():
    dice = random.Random(5)
    rows = [f"2026-03-{day:02d},{day * 17},{card('51', 16, dice)},{day}.50" for day in range(1, 29)]
    assert [finding.count for finding in scan("date,qty,number,sum\n" + "\n".join(rows)).findings] == [28]


def test_thirteen_and_eighteen_digits_are_a_card_beside_a_word_for_one():
    number = card("4", 13, random.Random(1))
    assert "card" in kinds(f"my Visa is {number}")
    assert "card" not in kinds(f"sample {number} was taken")


@given(st.integers(0, 10**6))
def test_a_wrong_check_digit_is_no_card(seed):
    number = card("4", 16, random.Random(seed))
    assert "card" not in kinds(f"charged to {number[:-1]}{(int(number[-1]) + 1) % 10} yesterday")


@given(st.sampled_from(sorted(LENGTHS)), st.integers(0, 10**6), st.sampled_from(["", " ", "-"]), st.booleans())
def test_an_iban_is_found_in_any_country_spacing_and_case(country, seed, separator, is_lower):
    number = iban(country, LENGTHS[country], random.Random(seed))
    written = separator.join(number[start : start + 4] for start in range(0, len(number), 4))
    assert "iban" in kinds(f"please pay to {written.lower() if is_lower else written} by Friday")


@pytest.mark.parametrize(
    "text", ["GB82 WEST 1234 5698 7654 32", "DE 89 3704 0044 0532 0130 00", "IBAN:FR1420041010050500013M02606"]
)
def test_ibans_with_letters_and_odd_blanks_are_found(text):
    assert "iban" in kinds(text)


def test_an_iban_with_a_slip_counts_only_where_it_is_called_one():
    assert "iban" in kinds("my IBAN is DE88370400440532013000")
    assert "iban" not in kinds("part DE88370400440532013000 is sold out")


@pytest.mark.parametrize(
    "text",
    [
        "order 20240611-0045-7781 shipped",
        "tracking number 1Z999AA10123456784",
        "uuid 4539f1b0-1488-4034-8364-67aa00bb11cc",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "at 1732622400000 ms, or 1732622400000000 us, or 1732622400000000000 ns",
        "2026-11-25 10:11:12.123456 +0000",
        "version 4.11.1111.1111 (build 20260311.4)",
        "pi is 3.14159265358979323846 and e is 2.71828182845904523536",
        "latitude 37.774929500000, longitude -122.419415500000",
        "isbn 978-3-16-148410-0, ean 4006381333931",
        "snowflake 1234567890123456789",
        "ip 192.168.100.200, mask 255.255.255.255, port 8080",
        "0x4539148803436467 in the dump at 00007fff5fbff8c0",
        "MAC 00:1B:44:11:3A:B7 and IPv6 2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "fibonacci: 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181",
        "sum(12, 34, 56, 78, 90, 12, 34, 56)",
        "page 4539 of 1488, item 0343",
    ],
)
def test_an_everyday_number_is_nothing(text):
    assert kinds(text) == set()


@given(st.lists(st.tuples(st.integers(0, 999), st.floats(0, 9999).map(lambda x: f"{x:.2f}")), min_size=5, max_size=60))
def test_a_table_of_amounts_is_nothing(rows):
    table = "day,pieces,amount\n" + "\n".join(
        f"2026-{1 + day % 12:02d}-{1 + day % 28:02d},{pieces},{amount}" for day, (pieces, amount) in enumerate(rows)
    )
    assert kinds(table) == set()


@given(st.lists(st.integers(10**5, 10**7), min_size=5, max_size=60), st.sampled_from(["\n", ", ", " ", "\t", " | "]))
def test_a_column_of_numbers_is_no_card_or_account(numbers, separator):
    assert kinds(separator.join(map(str, numbers))) & {"iban", "phone"} == set()


@pytest.mark.parametrize("cards", [4, 5, 9])
def test_cards_one_behind_the_other_are_no_table(cards):
    assert kinds(" ".join(["4111 1111 1111 1111"] * cards)) == {"card"}
