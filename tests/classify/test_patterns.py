"""Patterns of a policy's own find what they match in every layer, in time that no text can stretch."""

import base64
import json
import time

import msgspec
import pytest
from invented import CARD, LABELLING, chat, classifier, envelope

from gateway.classify.masking import masked_envelope
from gateway.classify.patterns import detectors_of
from gateway.classify.places import places
from gateway.classify.sensitivity import scan
from gateway.core.patterns import Pattern
from gateway.core.types import Sensitivity

CODE = Pattern("code", r"\bPRJ-[0-9]{4}\b")
(FIND_CODE,) = detectors_of([CODE])
PATTERNED = msgspec.structs.replace(
    LABELLING, kinds={**LABELLING.kinds, "code": Sensitivity.CONFIDENTIAL}, patterns=(CODE,)
)


@pytest.mark.parametrize(
    "text",
    [
        "see PRJ-2041.",
        "ééé PRJ-2041",
        "P\u200bRJ‑２０４１",
        "PRJ\\u002d2041",
        "PRJ%2D2041",
        base64.b64encode(b"the code is PRJ-2041, of course").decode(),
    ],
)
def test_a_match_is_found_however_it_is_written(text):
    assert [finding.kind for finding in scan(text, [FIND_CODE]).findings] == ["code"]


def test_a_match_has_its_place_in_code_points():
    (place,) = places("é PRJ-2041", [FIND_CODE])[0]
    assert (place.kind, place.start, place.end) == ("code", 2, 10)


def test_a_check_refuses_what_only_looks_right():
    (detector,) = detectors_of([Pattern("member", "[0-9 ]{15,20}", "luhn")])
    assert scan(f"no. {CARD}", [detector]).findings
    assert not scan(f"no. {CARD[:-1]}{(int(CARD[-1]) + 1) % 10}", [detector]).findings


def test_a_request_has_its_class_and_is_masked():
    asked = classifier(labelling=PATTERNED)
    request = envelope(chat("see PRJ-2041 and prj"))
    request = msgspec.structs.replace(request, body=json.dumps(request.document).encode())
    assert asked.classify(request).sensitivity is Sensitivity.CONFIDENTIAL
    masked, _ = masked_envelope(request, ("code",), asked.detectors)
    assert b"2041" not in masked.body
    assert asked.classify(masked).sensitivity is Sensitivity.PUBLIC


@pytest.mark.parametrize("regex", ["(x+x+)+y", "(a|a)*b", "(.*a){12}b"])
def test_no_text_holds_a_pattern_up(regex):
    (detector,) = detectors_of([Pattern("code", regex)])
    began = time.thread_time()
    scan("xa" * 20_000 + "x" * 20_000, [detector])
    assert time.thread_time() - began < 1.0, "backtracking would take longer than the universe has"
