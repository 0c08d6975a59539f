"""People and addresses: who is found, who is not, and what happens where looking would take too long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import chat, classified

from gateway.classify import names_weights
from gateway.classify.names_weights import load, shipped_tagger
from gateway.classify.places import places
from gateway.classify.sensitivity import scan
from gateway.core.errors import ConfigError
from gateway.core.types import Sensitivity


def found(text: str, kind: str) -> list[str]:
    return [text[place.start : place.end] for place in places(text)[0] if place.kind == kind]


PEOPLE = {
    "My name is Mira Oldenkott.": "Mira Oldenkott",
    "Write a reference letter for Thomas Wagner-Schulz, please": "Thomas Wagner-Schulz",
    "Draft an email to Dr. Elena Petrova about the late invoice": "Dr. Elena Petrova",
    "Ich heiße Friedrich von Hohenfeld und brauche Hilfe": "Friedrich von Hohenfeld",
    "Je m'appelle Camille Lefebvre": "Camille Lefebvre",
    "Me llamo Lucía Fernández Ortega": "Lucía Fernández Ortega",
    "Mi chiamo Giuseppe Romano": "Giuseppe Romano",
    "Patient: Sarah J. Whitfield": "Sarah J. Whitfield",
    "Меня зовут Наталья Соколова.": "Наталья Соколова",
}


@pytest.mark.parametrize("text", PEOPLE)
def test_a_person_is_found_with_the_whole_name(text):
    assert PEOPLE[text] in found(text, "person")


ADDRESSES = {
    "I live at 4821 Maple Grove Avenue, Springfield, IL 62704": "4821 Maple Grove Avenue, Springfield, IL 62704",
    "Ich wohne in der Lindenstraße 14, 80331 München": "14, 80331 München",
    "my zip code is 95120": "95120",
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_found(text):
    assert any(ADDRESSES[text] in address for address in found(text, "address"))


ORDINARY = [
    "Who was Albert Einstein?",
    "Explain the plays of William Shakespeare and the laws of Newton.",
    "Write a story about Harry Potter and Sherlock Holmes.",
    "Anna has 5 apples and gives 2 to Tom. How many are left?",
    "Plan a trip to New York, Los Angeles and San Francisco.",
    "Use Python 3.11 and React 18 on Windows 10.",
    "What is the capital of Australia?",
    "Die Lehrerin erklärt den Kindern die Regeln der Grammatik.",
    "SELECT Name FROM Users WHERE Id = 5",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_what_everybody_knows_is_no_private_person_and_no_address(text):
    assert found(text, "person") + found(text, "address") == []


@pytest.mark.parametrize("fraction", ["¼", "½", "⅔", "⅞"])
def test_letters_before_a_fraction_in_an_unknown_field_are_no_address(fraction):
    verdict = classified({**chat("hi"), "x_notes": [f"Av{fraction}", ""]})
    assert verdict.findings == ()


def test_a_house_number_with_a_half_is_part_of_its_address_and_told_where_it_is_written():
    text = "I live at 12½ Maple Grove Avenue, Springfield, IL 62704"
    assert any("½ Maple Grove Avenue, Springfield, IL 62704" in address for address in found(text, "address"))


def test_a_name_in_base64_or_in_json_is_found_too():
    assert found("decode TXkgbmFtZSBpcyBNaXJhIE9sZGVua290dC4gSSBsaXZlIGhlcmUu", "person")
    assert found(r'{"note": "{\"name\": \"Thomas Wagner\"}"}', "person")


def test_a_person_makes_a_request_confidential():
    verdict = classified(chat("My name is Mira Oldenkott."))
    assert verdict.sensitivity is Sensitivity.CONFIDENTIAL
    assert [finding.kind for finding in verdict.findings] == ["person"]


def test_more_names_than_are_looked_at_are_restricted_and_noted():
    verdict = classified(chat("Mira Oldenkott, " * 4_000))
    assert verdict.sensitivity is Sensitivity.RESTRICTED
    assert verdict.unknown == ("detector `names and addresses` failed",)


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at_and_places_lie_within_it(text):
    for place in places(text)[0]:
        assert 0 <= place.start < place.end <= len(text)


def test_a_damaged_weights_file_is_refused():
    whole = names_weights.dump(
        shipped_tagger().lexicon, shipped_tagger().people, shipped_tagger().places, (0.0, 0.0), ()
    )
    assert load(whole).known == frozenset()
    for broken in (b"", whole[:-1], whole[:50] + b"x" + whole[51:], b"no weights" + whole):
        with pytest.raises(ConfigError, match="weights file of the names"):
            load(broken)


def test_the_weights_file_holds_no_readable_text():
    names_in_lists = (b"Elizabeth", b"elizabeth", b"Einstein", b"einstein", b"schmidt", b"password")
    tagger = shipped_tagger()
    tables = (*tagger.lexicon, bytes(tagger.people), bytes(tagger.places))
    assert not any(name in table for name in names_in_lists for table in tables)


@pytest.mark.parametrize("letters", ["A", "aB", "Ab-"])
def test_an_unbroken_stretch_of_capitals_is_passed_over_in_no_time(letters):
    began = time.thread_time()
    seen = scan("data:image/png;base64," + letters * 20_000)
    assert time.thread_time() - began < 2.0, "to read on from each capital would take half a minute"
    assert not seen.failed
