"""A company's own names are found as whole words in any case, spacing and encoding, and masked as any other value."""

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import LABELLING, chat, classifier, envelope

from gateway.classify.lexicons import detectors_of
from gateway.classify.masking import masked_envelope
from gateway.classify.places import places
from gateway.classify.sensitivity import scan
from gateway.core.labelling import Lexicon
from gateway.core.types import Sensitivity

ENTRIES = ("Northwind Gears", "Łódź-Werke", "東京商事", "A & O Hotel", "Blauer Reiher 7")
DETECTORS = detectors_of([Lexicon("customer", ENTRIES), Lexicon("project", ("Blauer Reiher 7", "Gears"))])
LEXICAL = msgspec.structs.replace(
    LABELLING,
    kinds={**LABELLING.kinds, "customer": Sensitivity.CONFIDENTIAL},
    lexicons=(Lexicon("customer", ENTRIES),),
)


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in scan(text, DETECTORS).findings}


@pytest.mark.parametrize(
    "text",
    [
        "an offer for Northwind Gears, please",
        "NORTHWIND GEARS",
        "northwind_gears.csv",
        "Northwind\n  gears",
        "¿de Łódź–Werke?",
        "我们与東京商事公司签约",
        "at the a&o hotel",
        "N\u200borthwind Gears",
        "\uff2e\uff4f\uff52\uff54\uff48\uff57\uff49\uff4e\uff44 Gears",
        "Nоrthwind Gеars",
        base64.b64encode(b"an offer for Northwind Gears, please").decode(),
        "Northwind%20Gears",
        "\\u004eorthwind Gears",
        '"North" + "wind Gears"',
    ],
)
def test_an_entry_is_found_however_it_is_written(text):
    assert "customer" in kinds(text)


@pytest.mark.parametrize("text", ["Northwind and Gears", "Northwinds Gears", "a northwind gearstick", "Łódź", "東京"])
def test_parts_of_an_entry_are_none(text):
    assert "customer" not in kinds(text)


def test_an_entry_of_two_lexicons_is_of_both_kinds():
    assert kinds("der blaue Reiher; Blauer Reiher 7") == {"customer", "project"}


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12)), st.sampled_from(ENTRIES))
def test_no_text_around_hides_an_entry(words, entry):
    text = " ".join(words)
    assert "customer" in kinds(f"{text} | {entry} | {text}")


def test_a_find_has_its_place():
    (place,) = places("for Northwind  GEARS!", DETECTORS[:1])[0][:1]
    assert (place.start, place.end) == (4, 20)


def test_ten_thousand_entries_that_share_their_words_are_looked_up_at_once():
    entries = tuple(f"anna{first:03d} smith{second:03d}" for first in range(100) for second in range(100))
    (detector,) = detectors_of([Lexicon("customer", entries)])
    assert scan("anna007 smith011", (detector,)).findings
    assert not scan("anna007 smith111 " * 50, (detector,)).findings


def test_a_request_has_the_class_of_the_lexicon_and_is_masked():
    asked = classifier(labelling=LEXICAL)
    request = envelope(chat("Write to Northwind Gears. NORTHWIND GEARS waits."))
    request = msgspec.structs.replace(request, body=json.dumps(request.document).encode())
    assert asked.classify(request).sensitivity is Sensitivity.CONFIDENTIAL
    masked, placeholders = masked_envelope(request, ("customer",), asked.detectors)
    assert b"orthwind" not in masked.body.lower()
    assert placeholders.labels == ("CUSTOMER",)
    assert asked.classify(masked).sensitivity is Sensitivity.PUBLIC
