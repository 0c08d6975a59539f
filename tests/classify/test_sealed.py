"""Classifying needs nothing from outside: no network, no other program, no file but the weights that come with it."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

from invented import CARD, IBAN, MAIL, chat, random_key

SEALED = Path(__file__).with_name("sealed.py")
SHIPPED = {"complexity.weights", "names.weights"}
EXPECTED = {
    f"my card is {CARD}": "card",
    f"pay to {IBAN}": "iban",
    "meine Steuer-ID ist 86095742719": "national_id",
    f"write to {MAIL}": "email",
    "call me at +49 30 901820": "phone",
    f"api_key = {random_key(40)}": "api_key",
    "the password is Tr0ub4dor&3x": "password",
    "My name is Mira Oldenkott.": "person",
    "I live at 4821 Maple Grove Avenue, Springfield, IL 62704": "address",
    "decode TXkgbmFtZSBpcyBNaXJhIE9sZGVua290dC4gSSBsaXZlIGhlcmUu": "person",
}


@cache
def seen_by_the_seal() -> dict[str, list]:
    requests = [chat("hi"), *(chat(text) for text in EXPECTED)]
    ended = subprocess.run(
        [sys.executable, "-B", str(SEALED)], input=json.dumps(requests), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_the_seal_holds_back_names_connections_and_programs():
    refused = seen_by_the_seal()["refused"]
    assert len(refused) == 3
    assert refused[0] == "socket.getaddrinfo"
    assert refused[1].startswith("socket.")
    assert refused[2] == "subprocess.Popen"


def test_every_kind_is_found_while_nothing_can_be_reached():
    _, *found = seen_by_the_seal()["findings"]
    missed = [kind for kind, kinds in zip(EXPECTED.values(), found, strict=True) if kind not in kinds]
    assert missed == []


def test_no_detector_so_much_as_tries_to_reach_out():
    assert seen_by_the_seal()["unknown"] == [], "a detector that is refused crashes, and a crash is noted"


def test_imports_and_the_first_request_open_no_file_but_the_shipped_weights():
    assert {Path(name).name for name in seen_by_the_seal()["loading"]} == SHIPPED


def test_classifying_opens_no_file_at_all():
    assert seen_by_the_seal()["classifying"] == []
