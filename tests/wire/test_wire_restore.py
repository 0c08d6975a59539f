"""Placeholders come back as values, wherever the chunks end; hypothesis cuts, and a million streams on demand."""

import os
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from restoring import ATOMS, GIVEN, chat_event, cut, deltas, expected, through

from gateway.core.placeholders import Placeholders
from gateway.wire.restore import MOST_HELD, Restoring, restored
from gateway.wire.restore_answer import restored_answer

TEXTS = st.lists(st.sampled_from(ATOMS) | st.text(max_size=3), max_size=30).map("".join)
DICE = st.integers(0, 2**32).map(random.Random)
STREAMS = int(os.environ.get("RESTORE_STREAMS", "20000"))


@pytest.mark.parametrize(
    "written",
    [
        "[EMAIL_X1]",
        "EMAIL_X1",
        "email_x1",
        "[Email_x1]",
        r"\[EMAIL\_X1\]",
        r"\\[EMAIL\\_X1\\]",
        r"\u005bEMAIL_X1\u005d",
        r"\u005BEMAIL\u005fX1\u005D",
    ],
)
def test_a_placeholder_is_known_in_every_spelling(written) -> None:
    assert restored(f"to {written}, please", GIVEN, is_json=False) == "to ada@lovelace-post.de, please"


@pytest.mark.parametrize("written", ["[EMAIL_X9]", "[CARD_X1]", "MYEMAIL_X1", "EMAIL_X1a", "[EMAIL_Y1]", "EMAIL_1"])
def test_what_was_never_given_out_stays(written) -> None:
    assert restored(f"to {written}.", GIVEN, is_json=False) == f"to {written}."


def test_a_value_stays_within_the_quotes_of_json() -> None:
    text = restored('{"id": "[NATIONAL_X3]"}', GIVEN, is_json=True)
    assert msgspec.json.decode(text) == {"id": 'q"u\\o\nté'}


@given(TEXTS, DICE, st.booleans())
def test_any_cut_gives_the_same_text_and_little_is_held(text, dice, is_json) -> None:
    restoring = Restoring(GIVEN, is_json=is_json)
    out = ""
    for piece in cut(text, dice):
        out += restoring.feed(piece)
        assert len(restoring._held) <= MOST_HELD
    assert out + restoring.finish() == expected(text, GIVEN, is_json=is_json)


@given(TEXTS, TEXTS, DICE)
def test_choices_and_tool_calls_are_told_apart_in_a_stream(content, arguments, dice) -> None:
    pieces = [(0, {"content": piece}) for piece in cut(content, dice)]
    pieces += [(1, {"tool_calls": [{"index": 2, "function": {"arguments": a}}]}) for a in cut(arguments, dice)]
    pieces += [(1, {"refusal": piece}) for piece in cut(content, dice)]
    stream = b"".join(chat_event(index, delta) for index, delta in pieces)
    stream += chat_event(0, {}, "stop") + chat_event(1, {}, "tool_calls") + b"data: [DONE]\n\n"
    told = deltas(through(stream, dice))
    assert len(pieces) + 2 == len(told)  # every event goes out as one
    assert "".join(d.get("content", "") for i, d in told if i == 0) == expected(content, GIVEN, is_json=False)
    assert "".join(d.get("refusal", "") for i, d in told if i == 1) == expected(content, GIVEN, is_json=False)
    calls = [call for index, delta in told if index == 1 for call in delta.get("tool_calls", ())]
    said = "".join(call["function"]["arguments"] for call in calls)
    assert said == expected(arguments, GIVEN, is_json=True)


def test_what_is_held_goes_out_where_nothing_ends_a_choice() -> None:
    stream = chat_event(0, {"content": "to EMAIL"}) + b"data: [DONE]\n\n"
    out = through(stream, random.Random(1))
    assert "".join(delta["content"] for _, delta in deltas(out)) == "to EMAIL"
    assert out.endswith(b"data: [DONE]\n\n")


def test_tool_arguments_that_break_off_are_flushed_with_their_own_call() -> None:
    call = {"tool_calls": [{"index": 3, "function": {"arguments": '{"to": "EMAIL_X1'}}]}
    told = deltas(through(chat_event(0, call) + chat_event(0, {}, "length"), random.Random(1)))
    assert told[-1] == (0, {"tool_calls": [{"index": 3, "function": {"arguments": "ada@lovelace-post.de"}}]})


def test_events_without_placeholders_keep_their_bytes() -> None:
    stream = b': ping\n\ndata:  {"choices" : [{"index":0, "delta":{"content":"So 1.0"}}]}\r\n\r\ndata: [DONE]\n\n'
    assert through(stream, random.Random(1)) == stream


def test_a_tgi_stream_is_restored_token_by_token_and_in_its_whole_text() -> None:
    texts = ["to ", "[EM", "AIL_", "X1", "]", "!"]
    events = [{"token": {"id": 1, "text": text}, "generated_text": None} for text in texts]
    events[-1]["generated_text"] = "".join(texts)
    stream = b"".join(b"data:" + msgspec.json.encode(event) + b"\n\n" for event in events)
    told = [msgspec.json.decode(line[5:]) for line in through(stream, random.Random(1)).split(b"\n") if line]
    assert "".join(event["token"]["text"] for event in told) == "to ada@lovelace-post.de!"
    assert told[-1]["generated_text"] == "to ada@lovelace-post.de!"


def test_a_whole_answer_is_restored_in_every_choice_and_form() -> None:
    call = {"function": {"name": "mail", "arguments": '{"id":"[NATIONAL_X3]"}'}}
    message = {"content": "to [EMAIL_X1]", "refusal": None, "tool_calls": [call]}
    choices = [{"message": message}, {"text": "EMAIL_X1", "logprobs": {"tokens": ["EMAIL_X1"]}}]
    document = {"choices": choices, "generated_text": "[CARD_X2]", "id": "[EMAIL_X1]"}
    told = msgspec.json.decode(restored_answer(msgspec.json.encode(document), GIVEN, is_json=False))
    assert told["choices"][0]["message"]["content"] == "to ada@lovelace-post.de"
    arguments = told["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert msgspec.json.decode(arguments) == {"id": GIVEN.values[2]}
    assert told["choices"][1] == {"text": "ada@lovelace-post.de", "logprobs": {"tokens": ["EMAIL_X1"]}}
    assert (told["generated_text"], told["id"]) == ("4111 1111", "[EMAIL_X1]")


def test_an_answer_without_placeholders_keeps_its_bytes() -> None:
    body = b'{ "choices": [{"message": {"content": "hello" } }] }'
    assert restored_answer(body, GIVEN, is_json=False) == body
    assert restored_answer(b"no JSON", GIVEN, is_json=False) == b"no JSON"


def test_values_are_in_no_repr() -> None:
    told = repr(GIVEN) + str(GIVEN) + repr(Restoring(GIVEN, is_json=False))
    assert "ada" not in told
    assert "4111" not in told
    assert repr(Placeholders("X", (), ())) == "Placeholders(<0>)"


@pytest.mark.slow
def test_no_fuzzed_stream_is_restored_wrong() -> None:
    """RESTORE_STREAMS=1000000 is the figure that docs/masking.md gives."""
    dice = random.Random(20261125)
    wrong = 0
    for number in range(STREAMS):
        text = "".join(dice.choices(ATOMS, k=dice.randint(1, 14)))
        stream = b"".join(chat_event(0, {"content": piece}) for piece in cut(text, dice, 9))
        stream += chat_event(0, {}, "stop") if number % 3 else b""
        is_json = number % 2 == 0
        told = deltas(through(stream, dice, is_json=is_json, most=400))
        wrong += "".join(delta.get("content", "") for _, delta in told) != expected(text, GIVEN, is_json=is_json)
    assert (STREAMS, wrong) == (STREAMS, 0)
