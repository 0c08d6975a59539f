"""What is written another way is read all the same: escapes, encodings, look-alikes, and values in pieces."""

import base64
import gzip
import html
import json
import textwrap
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import CARD, IBAN, MAIL, chat, classified, random_key

from gateway.classify.decode import decoded
from gateway.classify.normalize import meant
from gateway.classify.sensitivity import scan
from gateway.classify.view import view

SECRETS = {"card": CARD, "iban": IBAN, "email": MAIL, "api_key": "sk-" + "proj-" + random_key(48)}
KEYCAPS = {digit: digit + "\ufe0f\u20e3" for digit in "0123456789"}


def in_digits_from(zero: int):
    return lambda text: "".join(chr(zero + int(char)) if char.isdigit() else char for char in text)


def base64_of(text: str) -> str:
    return base64.b64encode(f"the value is {text}, keep it".encode()).decode()


ENCODINGS = {
    "base64": base64_of,
    "base64 for urls": lambda text: base64.urlsafe_b64encode(f"ÿþ is {text}~?".encode()).decode().rstrip("="),
    "wrapped base64": lambda text: "\n".join(textwrap.wrap(base64_of(text + " " * 150), 76)),
    "base64 twice": lambda text: base64_of(base64_of(text)),
    "base64 in a data url": lambda text: "data:text/plain;base64," + base64_of(text),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: "0x" + text.encode().hex().upper(),
    "utf-16 in base64": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "percent": lambda text: "".join(f"%{code:02x}" for code in text.encode()),
    "a query": lambda text: "https://intranet/?q=" + urllib.parse.quote(text),
    "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(char):x};" for char in text),
    "html": lambda text: html.escape(f"<b>'{text}'</b>"),
    "json escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "some json escapes": lambda text: "".join(
        f"\\u{ord(char):04x}" if place % 3 == 0 else char for place, char in enumerate(text)
    ),
    "braced escapes": lambda text: "".join(f"\\u{{{ord(char):x}}}" for char in text),
    "json in json": lambda text: json.dumps(json.dumps({"v": f'"{text}"\n'})),
    "gzip in base64": lambda text: base64.b64encode(gzip.compress((text + "\n").encode() * 3)).decode(),
    "zero width": lambda text: "\u200b".join(text),
    "soft hyphens": lambda text: "\u00ad".join(text),
    "direction marks": lambda text: "\u202e" + "\u200f".join(text) + "\u202c",
    "tag characters": lambda text: "nice weather" + "".join(chr(0xE0000 + ord(char)) for char in text),
    "full width": lambda text: "".join(chr(ord(char) + 0xFEE0) if 0x21 <= ord(char) <= 0x7E else char for char in text),
    "mathematical": lambda text: "".join(chr(0x1D7CE + int(char)) if char.isdigit() else char for char in text),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
@pytest.mark.parametrize("kind", SECRETS)
def test_a_value_is_found_in_every_encoding(encode, kind):
    found = scan(f"please look at this: {encode(SECRETS[kind])}\nthank you")
    assert kind in {finding.kind for finding in found.findings}


@pytest.mark.parametrize("zero", [0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10, 0x1D7D8])
def test_a_card_is_found_in_the_digits_of_any_script(zero):
    assert [finding.kind for finding in scan(in_digits_from(zero)(CARD)).findings] == ["card"]


def test_a_card_is_found_in_keycaps_and_circles():
    assert scan("".join(KEYCAPS.get(char, char) for char in CARD)).findings
    assert scan("".join(chr(0x2460 + int(char) - 1) if char in "123456789" else char for char in CARD)).findings


def test_look_alike_letters_do_not_hide_an_address_or_a_key():
    assert scan(MAIL.replace("e", "\u0435").replace("o", "\u043e")).findings
    assert scan(SECRETS["api_key"].replace("p", "\u0440")).findings


@pytest.mark.parametrize(
    "text",
    [
        '"4539 1488" + " 0343 6467"',
        '"4539" + \'1488\' + "0343" + "6467"',
        "'4539 14' . '88 0343 6467'",
        '"mira.oldenkott@north" "wind-gears.eu"',
        '"mira.oldenkott" + "@" + "northwind-gears.eu"',
    ],
)
def test_literals_that_code_puts_together_are_read_as_one(text):
    assert scan(f"x = {text}\n").findings


@pytest.mark.parametrize(
    "contents",
    [
        ("my card is 4539 1488", "0343 6467"),
        ("the card begins 4539", "then 1488", "then 0343", "and 6467"),
        ("mira.oldenkott@north", "wind-gears.eu"),
        ([{"type": "text", "text": "card 4539 1488 "}, {"type": "text", "text": "0343 6467"}],),
    ],
)
def test_a_value_split_over_messages_or_parts_is_found(contents):
    assert classified(chat(*contents)).findings


def test_counting_over_messages_is_no_number():
    assert classified(chat("1234", "5678", "we sold 4539 and 1488", "0343")).findings == ()


def test_a_long_binary_blob_is_unreadable_and_a_digest_is_not():
    blob = base64.b64encode(bytes(range(128, 256)) * 20).decode()
    assert scan(f"data:image/png;base64,{blob}").unreadable == ("blob",)
    assert scan("sha512-" + base64.b64encode(bytes(range(100, 164))).decode()).unreadable == ()


def test_what_is_encoded_too_often_is_unreadable():
    text = CARD
    for _ in range(6):
        text = base64_of(text)
    assert "encoded too often" in scan(text).unreadable


def test_a_bomb_is_read_only_so_far():
    bomb = base64.b64encode(gzip.compress(b"a " * 5_000_000)).decode()
    assert not scan(bomb).failed


@given(st.text())
def test_any_text_is_normalised_projected_and_decoded_without_raising(text):
    plain = text if text.isascii() else meant(text)[0]
    seen = view(plain)
    assert len(seen.lower) == len(seen.shape) == len(seen.text)
    decoded(plain, seen.tokens)
    assert scan(text).failed == ()


@given(
    st.text(max_size=60).filter(lambda text: "\\" not in text), st.sampled_from(sorted(SECRETS)), st.text(max_size=60)
)
def test_a_value_between_lines_of_any_text_is_found(before, kind, after):
    assert kind in {finding.kind for finding in scan(f"{before}\n\n{SECRETS[kind]}\n\n{after}").findings}
