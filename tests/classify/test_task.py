"""What a request is about, told by sentences that were made up for it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify.complexity import features_of, judged
from gateway.classify.features import Features
from gateway.classify.task import task_of
from gateway.classify.weights import shipped_weights
from gateway.core.labels import Task
from gateway.core.types import Sensitivity, Tier, Verdict

SENTENCES = {
    Task.TRANSLATION: [
        "Translate into French: the parcel is at the door.",
        "Please translate this letter from German to English.",
        "Give me the Spanish translation of 'good evening'.",
    ],
    Task.SUMMARY: [
        "Summarize the following meeting notes in three sentences.",
        "TLDR of this thread, please: we met, we talked, we left.",
        "Write a short summary of the attached report.",
    ],
    Task.CLASSIFICATION: [
        "Classify the sentiment of this review: it broke after a day.",
        "Which category does this ticket belong to? Answer with one label.",
        "Is this message spam? Label it positive or negative.",
    ],
    Task.EXTRACTION: [
        "Extract all names and dates from the text below.",
        "Find the emails in this text and list them.",
    ],
    Task.CODE: [
        "Write a Python function that reverses a string.",
        "Translate this JavaScript to Rust: x => x + 1",
        "Fix the bug in this code: for i in range(10) print(i)",
        "```\nint main() { return f(); }\n``` Why does it not return?",
        "def f(x):\n    return x == 3\n# what does this function return for f(3)?",
    ],
    Task.MATHS: [
        "Solve for $x$: $\\frac{x}{2} + 3 = 7$.",
        "Ann has 5 apples, buys 7 more and gives away half. How many are left in total?",
        "What is the probability that the sum of two dice is a prime?",
    ],
    Task.CHAT: [
        "Hello, how are you today?",
        "Who wrote the novel with the white whale?",
        "Write a birthday poem for my sister.",
        "",
    ],
}


def about(text: str) -> Task:
    seen = features_of({"messages": [{"role": "user", "content": text}]})
    return task_of(seen) if isinstance(seen, Features) else Task.CHAT


@pytest.mark.parametrize(("task", "text"), [(task, text) for task, texts in SENTENCES.items() for text in texts])
def test_a_sentence_is_about_what_it_asks_for(task: Task, text: str) -> None:
    assert about(text) is task


def test_the_last_turn_of_the_user_counts() -> None:
    turns = [
        {"role": "user", "content": SENTENCES[Task.CODE][0]},
        {"role": "assistant", "content": "def f(): ..."},
        {"role": "user", "content": SENTENCES[Task.TRANSLATION][0]},
    ]
    assert judged({"messages": turns}, shipped_weights())[1] is Task.TRANSLATION


@given(st.text())
def test_a_text_in_capitals_asks_for_the_same(text: str) -> None:
    assert about(text) is about("".join(c.upper() if c.isascii() else c for c in text))


def test_words_of_a_request_are_not_in_the_representation_of_its_features() -> None:
    seen = features_of({"prompt": "Mira waters the cactus"})
    assert isinstance(seen, Features)
    assert b"cactus" in seen.words
    assert "cactus" not in repr(seen)


@pytest.mark.parametrize("document", [None, [], {"input": "a text to be embedded", "model": "m"}, {"messages": 7}])
def test_what_cannot_be_read_or_asks_for_nothing_is_chat(document: object) -> None:
    assert judged(document, shipped_weights())[1] is Task.CHAT


def test_a_verdict_from_before_there_were_tasks_reads_as_chat() -> None:
    whole = msgspec.to_builtins(Verdict(Sensitivity.PUBLIC, 0.5, Tier.HARD, task=Task.CODE))
    whole.pop("task")
    assert msgspec.convert(whole, Verdict).task is Task.CHAT
