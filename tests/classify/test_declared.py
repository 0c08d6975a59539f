"""Whoever asks may have a least class, a request may raise its own, and nothing lowers either."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import CARD, LABELLING, MAIL, chat, classifier, envelope

from gateway.core.types import Basis, Caller, Envelope, Sensitivity, Verdict

LEVELS = st.sampled_from(Sensitivity)
LABELLED = msgspec.structs.replace(LABELLING, tags={"hr": Sensitivity.CONFIDENTIAL, "site": Sensitivity.PUBLIC})


def asked(content: str, caller: Caller, *said: str, metadata: object = None) -> Envelope:
    document = chat(content) if metadata is None else {**chat(content), "metadata": metadata}
    headers = tuple((b"x-gateway-sensitivity", word.encode("latin-1")) for word in said)
    return msgspec.structs.replace(envelope(document), caller=caller, headers=headers)


def classified(content: str, caller: Caller, *said: str, metadata: object = None) -> Verdict:
    return classifier(labelling=LABELLED).classify(asked(content, caller, *said, metadata=metadata))


@pytest.mark.parametrize(
    ("caller", "level", "basis"),
    [
        (Caller("a"), Sensitivity.PUBLIC, Basis.DEFAULT),
        (Caller("a", sensitivity=Sensitivity.INTERNAL), Sensitivity.INTERNAL, Basis.CALLER),
        (Caller("a", tags=("hr", "site")), Sensitivity.CONFIDENTIAL, Basis.CALLER),
        (Caller("a", tags=("hr",), sensitivity=Sensitivity.RESTRICTED), Sensitivity.RESTRICTED, Basis.CALLER),
        (Caller("a", tags=("unheard-of",)), Sensitivity.PUBLIC, Basis.DEFAULT),
    ],
)
def test_a_caller_has_the_highest_class_that_is_said_of_it(caller, level, basis):
    verdict = classified("hello", caller)
    assert (verdict.sensitivity, verdict.basis) == (level, basis)


def test_private_unless_shown_public_is_one_line():
    strict = classifier(labelling=msgspec.structs.replace(LABELLED, default=Sensitivity.CONFIDENTIAL))
    site, other = Caller("web", tags=("site",)), Caller("app")
    assert strict.classify(asked("hello", other)).sensitivity is Sensitivity.CONFIDENTIAL
    assert strict.classify(asked("hello", site)).sensitivity is Sensitivity.PUBLIC
    assert strict.classify(asked(CARD, site)).sensitivity is Sensitivity.RESTRICTED


def test_what_is_found_is_named_as_the_reason_where_it_is_one():
    assert classified(MAIL, Caller("a", tags=("hr",))).basis is Basis.FINDINGS
    assert classified(MAIL, Caller("a", sensitivity=Sensitivity.RESTRICTED)).basis is Basis.CALLER


@pytest.mark.parametrize("word", ["confidential", " Confidential ", "public, confidential"])
def test_a_header_raises_the_class(word):
    verdict = classified("hello", Caller("a"), word)
    assert (verdict.sensitivity, verdict.basis) == (Sensitivity.CONFIDENTIAL, Basis.REQUEST)
    assert verdict.declared is Sensitivity.CONFIDENTIAL


def test_a_key_of_the_metadata_raises_the_class():
    verdict = classified("hello", Caller("a"), metadata={"x-gateway-sensitivity": "internal", "user": "7"})
    assert (verdict.sensitivity, verdict.basis) == (Sensitivity.INTERNAL, Basis.REQUEST)


@pytest.mark.parametrize("word", ["secret", "", "3", "public;q=1", "ÿ"])
def test_what_names_no_class_counts_as_the_highest_and_is_noted(word):
    verdict = classified("hello", Caller("a"), word)
    assert (verdict.sensitivity, verdict.basis) == (Sensitivity.RESTRICTED, Basis.REQUEST)
    assert verdict.unknown == ("`x-gateway-sensitivity` names no class",)
    assert classified("hello", Caller("a"), metadata={"x-gateway-sensitivity": 1}).sensitivity is Sensitivity.RESTRICTED


@pytest.mark.parametrize("metadata", [None, "internal", [], {}, {"sensitivity": "restricted"}])
def test_metadata_of_another_form_says_nothing(metadata):
    assert classified("hello", Caller("a"), metadata=metadata).declared is None


@given(st.sampled_from(["hello", MAIL, CARD]), st.none() | LEVELS, LEVELS)
def test_nothing_that_a_request_says_lowers_its_class(content, own, said):
    caller = Caller("a", sensitivity=own)
    plain, raised = classified(content, caller), classified(content, caller, said.label)
    assert raised.sensitivity == max(plain.sensitivity, said)
