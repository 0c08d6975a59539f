"""The verdict as a whole: unknown is strictest, more text is never less sensitive, and no text is kept."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import CARD, IBAN, LABELLING, MAIL, WEIGHTS, chat, classified, classifier, envelope, random_key

from gateway.classify.detectors import DETECTORS
from gateway.classify.hits import Detector, Hit
from gateway.classify.memo import Memo
from gateway.classify.sensitivity import NOTHING
from gateway.classify.view import View
from gateway.core.labelling import Labelling
from gateway.core.types import Sensitivity, Tier
from gateway.policy.vocabulary import FINDING_KINDS

PIECES = st.sampled_from(
    [
        CARD,
        IBAN,
        MAIL,
        "hello",
        "card",
        "4539 1488",
        "0343 6467",
        "+49 30 23125 1234",
        "\u200b",
        "\ufffd",
        "{",
        '"',
        "\\",
        "%41",
    ]
)
TEXT = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=4).map(" ".join))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXT | st.sampled_from(["messages", "input", "role", "content", "type"]), inner, max_size=4)
    ),
    max_leaves=20,
)


def crashes(view: View) -> Iterator[Hit]:
    raise RuntimeError(view.text)


def finds_then_crashes(view: View) -> Iterator[Hit]:
    yield Hit(0, 1, 0.9)
    raise MemoryError


def test_the_policy_knows_exactly_the_kinds_that_detectors_find():
    assert {kind for detector in DETECTORS for kind in (detector.kind, *detector.also)} == FINDING_KINDS


def test_a_detector_that_crashes_gives_the_strictest_class_and_is_named():
    verdict = classifier(detectors=(Detector("broken", "card", crashes), *DETECTORS)).classify(envelope(chat("hello")))
    assert verdict.sensitivity is LABELLING.on_error
    assert verdict.unknown == ("detector `broken` failed",)


def test_what_a_detector_found_before_it_crashed_counts():
    verdict = classifier(detectors=(Detector("broken", "iban", finds_then_crashes),)).classify(envelope(chat("hello")))
    assert [finding.kind for finding in verdict.findings] == ["iban"]


def test_a_failure_is_not_remembered():
    fails = [True]

    def fails_once(view: View) -> Iterator[Hit]:
        if fails.pop() if fails else False:
            raise MemoryError
        yield from ()

    asked = classifier(detectors=(Detector("moody", "card", fails_once),))
    assert asked.classify(envelope(chat("hello"))).unknown
    assert not asked.classify(envelope(chat("hello"))).unknown


def test_a_document_that_cannot_be_walked_is_the_strictest():
    verdict = classified({"messages": [], "x": [1, {2: object()}]})
    assert verdict.sensitivity is Sensitivity.RESTRICTED
    broken = classified({"messages": [{"role": "user", "content": "x"}], 7: "not a key of JSON", None: [None]})
    assert broken.sensitivity is Sensitivity.RESTRICTED
    assert "detector `flattener` failed" in broken.unknown


@pytest.mark.parametrize(
    ("bias", "note"),
    [(float("nan"), "the complexity score is out of range"), ("no number", "the complexity could not be scored")],
)
def test_a_score_that_is_no_number_is_hard_and_noted(bias, note):
    verdict = classifier(weights=msgspec.structs.replace(WEIGHTS, bias=bias)).classify(envelope(chat("hello")))
    assert (verdict.tier, verdict.complexity, verdict.unknown) == (Tier.HARD, 1.0, (note,))


def test_a_kind_that_the_policy_does_not_name_has_the_class_of_the_unlisted():
    labelling = Labelling(kinds={"email": Sensitivity.INTERNAL}, unlisted=Sensitivity.CONFIDENTIAL)
    asked = classifier(labelling=labelling)
    assert asked.classify(envelope(chat(MAIL))).sensitivity is Sensitivity.INTERNAL
    assert asked.classify(envelope(chat(CARD))).sensitivity is Sensitivity.CONFIDENTIAL


def test_the_default_class_is_the_least_that_a_request_can_have():
    labelling = Labelling(kinds={"email": Sensitivity.PUBLIC}, default=Sensitivity.CONFIDENTIAL)
    assert classifier(labelling=labelling).classify(envelope(chat(MAIL))).sensitivity is Sensitivity.CONFIDENTIAL


@given(JSON)
def test_any_json_has_a_verdict(document):
    verdict = classified(document)
    assert verdict.sensitivity in Sensitivity
    assert not any("failed" in note for note in verdict.unknown)


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT, st.integers(0, 4))
def test_a_further_message_never_lowers_the_class(contents, further, place):
    before = classified(chat(*contents)).sensitivity
    assert classified(chat(*contents[:place], further, *contents[place:])).sensitivity >= before


@given(st.lists(TEXT, min_size=1, max_size=3), TEXT)
def test_a_further_part_never_lowers_the_class(texts, further):
    parts = [{"type": "text", "text": text} for text in texts]
    before = classified(chat(parts)).sensitivity
    assert classified(chat([*parts, {"type": "text", "text": further}])).sensitivity >= before


@pytest.mark.parametrize("further", ["0", "and then some words of everyday text, none of which is private at all " * 9])
@pytest.mark.parametrize(
    "text", ["MU!YE", "Mr Teodor Brask of 12 Rue des Lilas", "i was diagnosed with diabetes, my doctor says"]
)
def test_a_part_beside_it_takes_nothing_from_what_prose_tells(text, further):
    before = {finding.kind for finding in classified(chat(text)).findings}
    parts = [{"type": "text", "text": part} for part in (text, further)]
    assert before <= {finding.kind for finding in classified(chat(parts)).findings}


@given(st.dictionaries(TEXT, JSON, max_size=3), TEXT, JSON)
def test_a_further_field_never_lowers_the_class(document, key, value):
    before = classified({**chat("hello"), **document}).sensitivity
    assert classified({**chat("hello"), **document, "x_" + key: value}).sensitivity >= before


@given(st.lists(TEXT, min_size=1, max_size=5))
def test_a_remembered_verdict_is_the_same_as_a_fresh_one(contents):
    asked = classifier()
    first = asked.classify(envelope(chat(*contents)))
    assert first == asked.classify(envelope(chat(*contents))) == classified(chat(*contents))


@given(st.text("0123456789abcdefghij", min_size=8, max_size=12))
def test_a_verdict_holds_nothing_of_the_text(word):
    secrets = f"{word}@northwind-gears.eu", "sk-" + "proj-" + word + random_key(40), f"password: {word}!X"
    told = repr(classified(chat(*secrets)))
    assert word not in told


def test_the_memo_is_bounded_and_forgets_the_longest_unused_first():
    memo = Memo(b"key", entries=2)
    first, second, third = (memo.key_of(text) for text in "abc")
    memo.put(first, NOTHING)
    memo.put(second, NOTHING)
    memo.get(first)
    memo.put(third, NOTHING)
    assert (len(memo), memo.get(first), memo.get(second)) == (2, NOTHING, None)


def test_memos_of_two_processes_do_not_name_a_text_alike():
    assert Memo(b"one").key_of("hello") != Memo(b"two").key_of("hello")
    assert Memo(b"one").key_of("\ud800") != Memo(b"one").key_of("?")
