"""Invented numbers and keys with valid check digits, and requests to put them into."""

import random
import string

from gateway.classify.verdict import Classifier
from gateway.classify.weights import shipped_weights
from gateway.core.labelling import Labelling
from gateway.core.types import ANONYMOUS, Endpoint, Envelope, Sensitivity, Verdict

WEIGHTS = shipped_weights()
LABELLING = Labelling(
    kinds={
        **dict.fromkeys(("card", "iban", "national_id", "api_key", "private_key", "password"), Sensitivity.RESTRICTED),
        **dict.fromkeys(
            ("email", "phone", "person", "address", "medical", "confidential_business"), Sensitivity.CONFIDENTIAL
        ),
    }
)
CARD = "4539 1488 0343 6467"
MAIL = "mira.oldenkott@northwind-gears.eu"
IBAN = "DE89 3704 0044 0532 0130 00"


def luhn_digit(digits: str) -> str:
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return str(-sum(sum(divmod(value, 10)) for value in doubled) % 10)


def card(prefix: str, length: int, dice: random.Random) -> str:
    body = prefix + "".join(dice.choices(string.digits, k=length - len(prefix) - 1))
    return body + luhn_digit(body)


def iban(country: str, length: int, dice: random.Random) -> str:
    account = "".join(dice.choices(string.digits, k=length - 4))
    number = int("".join(str(int(char, 36)) for char in account + country) + "00")
    return f"{country}{98 - number % 97:02d}{account}"


def random_key(length: int, seed: int = 7, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


def envelope(document: object, endpoint: Endpoint = Endpoint.CHAT, path: str = "/v1/chat/completions") -> Envelope:
    return Envelope(
        id="req_1",
        caller=ANONYMOUS,
        endpoint=endpoint,
        method="POST",
        path=path,
        model="auto",
        stream=False,
        needs=frozenset(),
        prompt_tokens=0,
        max_tokens=None,
        received_at=0.0,
        deadline_s=60.0,
        body=b"",
        document=document,
    )


def classifier(**changes: object) -> Classifier:
    given = {"labelling": LABELLING, "weights": WEIGHTS, "memo_key": b"secret of these tests", **changes}
    return Classifier(**given)


def classified(document: object) -> Verdict:
    return classifier().classify(envelope(document))


def chat(*contents: object) -> dict[str, object]:
    return {"model": "auto", "messages": [{"role": "user", "content": content} for content in contents]}
