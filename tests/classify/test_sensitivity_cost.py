"""Time grows with the text and no faster, whatever the text is made of."""

import random
import time

import pytest
from invented import card, chat, classifier, envelope

GROWTH = 10
ROUNDS = 3
SIZES = [4_000, pytest.param(20_000, marks=pytest.mark.slow)]

UNITS = {
    "digits": "7",
    "digits in fours": "4539 ",
    "digits in fours with commas": "4539,",
    "digits and blanks": "1 ",
    "digits and dashes": "12-34-",
    "decimals": "3.14159 ",
    "cards": "4539 1488 0343 6467 ",
    "cards beside words": "card 4539148803436467 ",
    "words for numbers": "card ssn id_card ",
    "heads of ibans": "DE89 ",
    "letters and digits": "aa00",
    "an address again and again": "a@",
    "an address without an end": "a.",
    "disguised addresses": "a at b dot ",
    "brackets": "(at)",
    "signs and blanks": " @ ",
    "plus signs": "+",
    "plus signs and digits": "+49 ",
    "telephone words": "call 1234567 ",
    "passwords": "password ",
    "password and blanks": "password=   ",
    "keys": "key=",
    "tokens": "api_key: a1b2c3d4e5f6g7h8i9j0 ",
    "prefixes of keys": "sk-",
    "prefixes of web tokens": "eyJ",
    "web tokens": "eyJhbGciOiJIUzI1NiJ9.",
    "heads of private keys": "-----BEGIN RSA PRIVATE KEY-----",
    "urls": "http://a:b",
    "urls without an end": "http://",
    "curl": "curl -u ",
    "backslashes": "\\",
    "escapes": "\\u0041",
    "nested escapes": "\\\\u005cu0041",
    "percent signs": "%",
    "percent escapes": "%25",
    "ampersands": "&amp;",
    "ampersands alone": "&",
    "entities": "&#x26;#x26;",
    "quotes": '"',
    "concatenations": '"a" + ',
    "letters": "a",
    "capitals": "A",
    "base64": "QUJD",
    "base64 that decodes to itself": "UVVKRA==",
    "hexadecimal": "41",
    "slashes": "a/",
    "dashes": "-",
    "underscores": "_",
    "blanks": " ",
    "line ends": "\n",
    "zero width": "a\u200b",
    "full width": "\uff14",
    "combining marks": "a\u0301",
    "tag characters": "\U000e0041",
    "look-alikes": "p\u0430",
    "surrogates": "\ud83d",
    "braces": '{"a":',
    "dates": "2026-03-11,",
    "addresses of machines": "10.0.12.34 ",
    "log lines": "2026-03-11T10:11:12.123Z INFO GET /api/v2/items/1234567 200 345ms 10.0.12.34\n",
}


def cost(text: str) -> float:
    """The least CPU time of a few rounds, each with a memo of its own."""
    request, taken = envelope(chat(text)), []
    for _ in range(ROUNDS):
        asked = classifier()
        began = time.thread_time()
        asked.classify(request)
        taken.append(time.thread_time() - began)
    return min(taken)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
def test_ten_times_the_text_costs_at_most_twenty_times_as_much(unit, size):
    small = unit * (size // len(unit))
    assert cost(small * GROWTH) <= 2 * GROWTH * max(cost(small), 0.0005)


def test_a_table_of_random_numbers_costs_in_proportion_to_its_rows():
    dice = random.Random(4)
    rows = [
        f"{dice.randrange(10**6)},{dice.random():.6f},{card('4', 16, dice)},{dice.randrange(99)}" for _ in range(400)
    ]
    assert cost("\n".join(rows * GROWTH)) <= 2 * GROWTH * cost("\n".join(rows))


def test_many_messages_cost_in_proportion_to_their_number():
    few, many = (chat(*(f"message {index} of {size}" for index in range(size))) for size in (200, 2000))
    asked = classifier()
    began = time.thread_time()
    asked.classify(envelope(few))
    middle = time.thread_time()
    asked.classify(envelope(many))
    assert time.thread_time() - middle <= 2 * GROWTH * max(middle - began, 0.0005)
