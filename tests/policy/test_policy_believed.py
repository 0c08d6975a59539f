"""What is believed of a described request is what the classifier believes of one that it reads."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify.hits import Detector, Hit
from gateway.classify.verdict import Classifier
from gateway.classify.view import View
from gateway.classify.weights import shipped_weights
from gateway.core.labelling import Labelling
from gateway.core.types import ANONYMOUS, Basis, Endpoint, Envelope, Sensitivity, Verdict
from gateway.policy.belief import class_of, relabelled, score_of, tier_of

LEVELS = st.sampled_from(Sensitivity)
LABELLINGS = st.builds(
    Labelling,
    st.dictionaries(st.sampled_from(["card", "email", "iban"]), LEVELS),
    LEVELS,
    LEVELS,
    LEVELS,
    LEVELS,
    st.sampled_from([0.0, 0.2, 0.3]),
    st.sampled_from([0.3, 0.4, 1.0]),
    st.frozensets(st.sampled_from(["card", "email", "person"])),
)
CONTENTS = st.sampled_from(
    ["hello", "card 4111 1111 1111 1111", "write to ada@lovelace-post.de", "a proof of Fermat's last theorem, please"]
)


def crashes(view: View) -> Iterator[Hit]:
    raise RuntimeError


CRASHING = Detector("crashing", "phone", crashes)


def reader(labelling: Labelling, *detectors) -> Classifier:
    return Classifier(labelling, shipped_weights(), b"key", *detectors)


def chat(content: str | None) -> Envelope:
    """None: a body that cannot be read."""
    document = None if content is None else {"messages": [{"role": "user", "content": content}]}
    return Envelope(
        id="req_1",
        caller=ANONYMOUS,
        endpoint=Endpoint.CHAT,
        method="POST",
        path="/v1/chat/completions",
        model="auto",
        stream=False,
        needs=frozenset(),
        prompt_tokens=1,
        max_tokens=None,
        received_at=0.0,
        deadline_s=1.0,
        body=b"",
        document=document,
    )


@given(LABELLINGS, LABELLINGS, CONTENTS)
def test_findings_and_scores_mean_the_same(first, second, content) -> None:
    first = msgspec.structs.replace(first, ignored=frozenset())  # of what was not looked for nothing is known
    verdict, again = (one.classify(chat(content)) for one in (reader(first), reader(second)))
    assert relabelled(verdict, second, ANONYMOUS) == again


@given(LABELLINGS, LABELLINGS)
def test_what_cannot_be_read_means_the_same(first, second) -> None:
    verdict, again = (one.classify(chat(None)) for one in (reader(first), reader(second)))
    assert relabelled(verdict, second, ANONYMOUS) == again


@given(LABELLINGS, LABELLINGS)
def test_a_detector_that_failed_means_the_same(first, second) -> None:
    verdict, again = (one.classify(chat("hello")) for one in (reader(first, [CRASHING]), reader(second, [CRASHING])))
    assert relabelled(verdict, second, ANONYMOUS) == again
    assert verdict.sensitivity >= first.on_error


@given(LABELLINGS)
def test_the_lowest_score_of_a_tier_is_in_it(labelling) -> None:
    for tier in {tier_of(labelling, score) for score in (0.0, 0.25, 0.35, 1.0)}:
        assert tier_of(labelling, score_of(labelling, tier)) == tier


@pytest.mark.parametrize("note", ["the complexity could not be scored", "the complexity score is out of range"])
def test_what_could_not_be_scored_is_hard_and_no_more_sensitive(note) -> None:
    labelling = Labelling({}, medium_from=1.0, hard_from=1.0)
    verdict = relabelled(Verdict(Sensitivity.PUBLIC, 0.0, tier_of(labelling, 0.0), (), (note,)), labelling, ANONYMOUS)
    assert (verdict.tier.label, class_of(labelling, ANONYMOUS, (), (note,))) == (
        "hard",
        (Sensitivity.PUBLIC, Basis.DEFAULT),
    )
