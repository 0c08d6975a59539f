"""What `complexity.score` reads of a body, and that it reads no more than it must."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify import complexity, features
from gateway.classify.weights import shipped_weights

WEIGHTS = shipped_weights()
PROOF = "Prove that there are infinitely many primes of the form 4k + 3."
GREETING = "Say hi to Ann"

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
FIELDS = st.sampled_from(
    ["messages", "prompt", "inputs", "input", "tools", "role", "content", "text", "response_format"]
)


def score(document: object) -> float:
    return complexity.score(document, WEIGHTS)


def chat(*contents: object) -> dict[str, object]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[turn % 2], "content": content} for turn, content in enumerate(contents)]}


@pytest.mark.parametrize(
    "document",
    [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": PROOF}]}]},
        {"prompt": PROOF},
        {"prompt": [PROOF]},
        {"inputs": PROOF, "parameters": {"max_new_tokens": 5}},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": PROOF}]}], "model": "m"},
        {"input": PROOF, "model": "m", "instructions": "be brief"},
    ],
)
def test_the_same_prompt_scores_the_same_in_every_format(document):
    assert score(document) == score(chat(PROOF))


def test_the_last_user_turn_counts_whatever_was_said_around_it():
    asked = chat("hello", "Hello! What can I do?", PROOF)
    followed = {"messages": [*asked["messages"], {"role": "tool", "content": "x" * 100}]}
    assert score(asked) == pytest.approx(score(chat(PROOF)), abs=0.1)
    assert score(followed) == pytest.approx(score(asked), abs=0.1)


def test_a_conversation_without_a_user_is_scored_by_what_was_said_last():
    assert score({"messages": [{"role": "system", "content": PROOF}]}) == score(chat(PROOF))


@pytest.mark.parametrize("given_input", ["some text", ["one", "two"], [1, 2, 3], [[1, 2], [3]]])
def test_an_embedding_needs_no_strong_model(given_input):
    assert score({"model": "m", "input": given_input, "dimensions": 64}) == complexity.NOTHING_TO_ANSWER


def test_a_body_without_content_needs_no_strong_model():
    assert score({}) == complexity.NOTHING_TO_ANSWER


@pytest.mark.parametrize(
    "document", [None, [], "text", {"prompt": [1, 2, 3]}, {"messages": []}, chat([{"type": "image"}])]
)
def test_what_cannot_be_read_as_text_is_scored_strictly(document):
    assert score(document) == complexity.UNREADABLE


@given(JSON | st.dictionaries(FIELDS, JSON | st.lists(st.dictionaries(FIELDS, JSON))))
def test_any_json_has_a_score_from_0_to_1(document):
    assert 0.0 <= score(document) <= 1.0


@given(st.text())
def test_the_same_text_has_the_same_score_always(text):
    assert score({"prompt": text}) == score(json.loads(json.dumps({"prompt": text})))


def test_letters_no_encoding_knows_are_no_trouble():
    assert 0.0 < score({"prompt": "\ud800 broken \udfff"}) < 1.0


def test_the_middle_of_a_long_text_is_not_read():
    head, tail = "a task " * 200, " the end" * 200
    assert score({"prompt": head + "x" * 50_000 + tail}) == score({"prompt": head + "y" * 50_000 + tail})


@pytest.mark.parametrize(
    "large",
    [
        {"prompt": "word " * 200_000},
        {"prompt": "\n" * 1_000_000},
        chat([{"type": "text", "text": "ab"}] * 50_000),
        {"messages": [{"role": "assistant", "content": "a"}] * 50_000},
    ],
    ids=["words", "lines", "parts", "turns"],
)
def test_a_megabyte_costs_hardly_more_than_a_page(large):
    def fastest(document: object) -> float:
        took = []
        for _ in range(20):
            start = time.perf_counter()
            score(document)
            took.append(time.perf_counter() - start)
        return min(took)

    assert fastest(large) < 8 * fastest({"prompt": "word and " * 133})


def test_every_counter_has_a_name():
    assert len(features.read("two words", features.Shape()).counters) == len(features.COUNTERS)


def test_case_and_punctuation_change_no_word():
    shape = features.Shape()
    assert features.read("WHO, are you?", shape).buckets == features.read("who are you", shape).buckets


def test_weights_print_as_their_digest():
    assert repr(WEIGHTS) == f"Weights(digest={WEIGHTS.digest!r})"
