"""Private prose without an identifier: a patient's story, a company's affairs, and what only sounds like one."""

import pytest
from invented import chat, classified

from gateway.classify.document import HEAD
from gateway.classify.sensitivity import scan
from gateway.core.types import Sensitivity

MEDICAL = [
    "My biopsy came back positive and I start chemotherapy on Monday. I have not told my children yet.",
    "Patient denies fever, reports dysuria for three days, urine culture pending, started on antibiotics.",
    "Doctor: How long have you been feeling dizzy?\nPatient: Since Tuesday, and I vomited twice.",
    "My husband was admitted after a stroke and takes blood pressure medication.",
]
BUSINESS = [
    "Strictly confidential: our merger talks are at an advanced stage and the board has not told employees.",
    "We plan layoffs in March. Confidential until then; our legal counsel prepares the termination letters.",
]
ORDINARY = [
    "What are the symptoms of the flu?",
    "Explain what chemotherapy does to cells.",
    "Write a business plan for a small bakery.",
    "What is the difference between revenue and profit?",
    "How many pills are in 12 packs of 8?",
    "I lost my card, how do I order a new one?",
    "Write a polite email to ask for a meeting.",
    "def test_patient(): return hospital.doctor",
]


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in scan(text).findings} & {"medical", "confidential_business"}


@pytest.mark.parametrize("text", MEDICAL)
def test_a_medical_story_is_medical(text):
    assert "medical" in kinds(text)


@pytest.mark.parametrize("text", BUSINESS)
def test_the_affairs_of_a_company_are_confidential_business(text):
    assert kinds(text) == {"confidential_business"}


@pytest.mark.parametrize("text", ORDINARY)
def test_an_everyday_request_is_neither(text):
    assert kinds(text) == set()


@pytest.mark.parametrize("text", [MEDICAL[0], BUSINESS[0]])
def test_private_prose_has_the_class_of_the_policy(text):
    assert classified(chat(text)).sensitivity is Sensitivity.CONFIDENTIAL


def test_of_a_long_text_both_ends_are_read_and_no_more():
    filler = "The weather is fine. " * 200
    assert len(filler) > HEAD
    assert kinds(MEDICAL[1] + " " + filler) == {"medical"}
    assert kinds(filler + MEDICAL[1]) == {"medical"}
    assert kinds(filler + MEDICAL[1] + " " + filler) == set()
