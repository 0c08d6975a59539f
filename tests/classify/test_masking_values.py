"""No masked value is in what would be sent, in any encoding that the detectors know; the rest keeps its bytes."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.classify.examine import examine
from gateway.classify.masking import mask, masked_envelope
from gateway.classify.verdict import Classifier
from gateway.classify.weights import shipped_weights
from gateway.core.placeholders import Placeholders
from gateway.core.types import ANONYMOUS, Endpoint, Envelope, Masking, Need
from gateway.policy.evaluate import decide, masks_wanted
from gateway.policy.load import load

MAIL, OTHER, CARD = "ada@lovelace-post.de", "bob.fermat@mail-margin.org", "4111 1111 1111 1111"
PHONE, KEY = "+49 30 90182034", "sk-" + "proj-" + "Zq7Lm2Xv9Tn4Rb8Wc3Yd6Kf1Hs5Jp0GaUe2Io7Nx4Mb9Vt6Rc1"
VALUES = {MAIL: "email", OTHER: "email", CARD: "card", PHONE: "phone", KEY: "api_key"}
KINDS = ("api_key", "card", "email", "phone")
PLAIN = (
    "Why was I charged",
    "my card is",
    "call me at",
    "é 漢",
    "{",
    '"quoted"',
    "12 apples",
    "\\n",
    "[EMAIL_X1]",
    "_x1",
)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS = (str, str.upper, lambda text: text.replace(" ", "-"), lambda text: text.replace(" ", ""), b64)
PIECES = st.one_of(
    st.sampled_from(PLAIN),
    st.sampled_from(sorted(VALUES)),
    st.builds(lambda f, v: f(v), st.sampled_from(FORMS), st.sampled_from((MAIL, CARD))),
)
TEXTS = st.lists(PIECES, max_size=6).map(" ".join)
ARGUMENTS = st.fixed_dictionaries({"to": TEXTS, "deep": TEXTS.map(lambda text: json.dumps({"x": text}))}).map(
    json.dumps
)
MESSAGES = st.one_of(
    st.builds(lambda text: {"role": "user", "content": text}, TEXTS),
    st.builds(lambda text: {"role": "user", "content": [{"type": "text", "text": text}]}, TEXTS),
    st.builds(
        lambda a: {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": a}}]},
        ARGUMENTS,
    ),
    st.builds(lambda text: {"role": "tool", "tool_call_id": "c", "content": text}, TEXTS),
)
DOCUMENTS = st.fixed_dictionaries(
    {"model": st.just("auto"), "messages": st.lists(MESSAGES, min_size=1, max_size=4)},
    optional={"metadata": st.dictionaries(TEXTS, TEXTS, max_size=2), "x_card": st.just(4111111111111111)},
)


def strings_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (text for item in node.items() for part in item for text in strings_in(part))
    elif isinstance(node, list):
        yield from (text for part in node for text in strings_in(part))
    elif isinstance(node, str | int):
        yield str(node)


def forms(value: str) -> set[str]:
    spaced = {value, value.replace(" ", ""), value.replace(" ", "-")}
    return {form.casefold() for text in spaced for form in (text, text.encode().hex(), b64(text).rstrip("="))}


def masked(document: Any, kinds: tuple[str, ...] = KINDS) -> tuple[Any, Placeholders]:
    found = mask(json.dumps(document).encode(), document, kinds)
    assert found is not None
    assert json.loads(found.body) == found.document
    return found.document, found.placeholders


def asked(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_where_nothing_is_found_any_more_no_masked_value_is_left_in_any_encoding(document) -> None:
    found = mask(json.dumps(document).encode(), document, KINDS)
    if found is None or any(each.place.kind in KINDS for each in examine(found.document).findings):
        return  # does not go
    sent = "\n".join(strings_in(found.document)).casefold()
    assert [form for value in found.placeholders.values for form in forms(value) if form in sent] == []


POLICY = load(
    b"""
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: masks}
zones: {home: {clearance: restricted}, out: {clearance: internal}}
backends:
  gpu: {zone: home, kind: vllm, model: llama, urls: ["http://gpu"]}
  api: {zone: out, kind: openai, model: gpt, urls: ["http://api"], api_key: "${KEY:-}"}
classify: {sensitivity: {kinds: {email: confidential, phone: internal, card: restricted, api_key: restricted}}}
rules: [{name: hard, when: {complexity: hard}, route: [{to: api, mask: [card, email]}, gpu]}]
otherwise: {route: [{to: api, mask: [email, phone]}, gpu]}
""",
    "masks.yaml",
    {},
)
CLASSIFIER = Classifier(POLICY.labelling, shipped_weights(), b"k" * 32)


def envelope_of(document: Any) -> Envelope:
    return Envelope(
        "req_1", ANONYMOUS, Endpoint.CHAT, "POST", "/", "auto", False, frozenset({Need.CHAT}), 1, None, 0.0, 60.0,
        json.dumps(document).encode(), document,
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_masks_never_let_more_through_than_the_clearance_allows(document) -> None:
    envelope = envelope_of(document)
    verdict = CLASSIFIER.classify(envelope)
    sent = {
        kinds: made[0]
        for kinds in masks_wanted(POLICY, envelope, verdict, {})
        if (made := masked_envelope(envelope, kinds))
    }
    maskings = tuple(Masking(kinds, CLASSIFIER.classify(each)) for kinds, each in sent.items())
    for route in decide(POLICY, envelope, verdict, {}, maskings).routes:
        content = sent.get(route.mask, envelope)
        seen = CLASSIFIER.classify(content)
        assert seen.sensitivity <= POLICY.backends[route.backend].zone.clearance
        assert not {finding.kind for finding in seen.findings} & set(route.mask)


@given(DOCUMENTS)
@settings(max_examples=50, deadline=None)
def test_without_its_masking_no_request_takes_a_route_that_would_mask_it(document) -> None:
    envelope = envelope_of(document)
    verdict = CLASSIFIER.classify(envelope)
    routes = decide(POLICY, envelope, verdict, {}).routes
    assert not masks_wanted(POLICY, envelope, verdict, {}) or [route.backend for route in routes] == ["gpu"]


def test_one_value_has_one_placeholder_however_it_is_written() -> None:
    text = f"{MAIL} {MAIL.upper()} card {CARD} {CARD.replace(' ', '-')} {CARD.replace(' ', '')}"
    document, placeholders = masked(asked(text))
    content = document["messages"][0]["content"]
    assert content == "[EMAIL_X1] [EMAIL_X1] card [CARD_X2] [CARD_X2] [CARD_X2]"
    assert placeholders.values == (MAIL, CARD)


def test_a_conversation_that_grows_keeps_its_placeholders() -> None:
    first = asked(f"mail {MAIL} and {OTHER}")
    later = {"messages": [*first["messages"], {"role": "user", "content": f"and call {PHONE} or {OTHER}"}]}
    assert masked(first)[0]["messages"] == masked(later)[0]["messages"][:1]


def test_a_second_mention_is_masked_though_nothing_announces_it() -> None:
    document, _ = masked(asked("my password is hunter2Rex! and again: hunter2Rex!"), ("password",))
    assert document["messages"][0]["content"] == "my password is [PASSWORD_X1] and again: [PASSWORD_X1]"


def test_json_within_a_string_stays_json_and_a_number_becomes_a_string() -> None:
    arguments = json.dumps({"card": 4111111111111111, "deep": json.dumps({"mail": MAIL, "quote": 'a "b"'})})
    call = {"id": "c", "type": "function", "function": {"name": "pay", "arguments": arguments}}
    document, _ = masked({"messages": [{"role": "assistant", "tool_calls": [call]}]})
    read = json.loads(document["messages"][0]["tool_calls"][0]["function"]["arguments"])
    assert read["card"] == "[CARD_X1]"
    assert json.loads(read["deep"]) == {"mail": "[EMAIL_X2]", "quote": 'a "b"'}


def test_bytes_of_other_strings_stay_as_the_client_wrote_them() -> None:
    body = b'{ "model":"gpt", "x":1.0, "y":"\\u00e9" ,"messages":[{"role":"user","content":"to ada@lovelace-post.de"}]}'
    found = mask(body, json.loads(body), KINDS)
    assert found is not None
    assert found.body == body.replace(b"ada@lovelace-post.de", b"[EMAIL_X1]")


def test_the_formats_own_words_are_never_masked() -> None:
    document, _ = masked(
        {"messages": [{"role": "user", "content": "password: assistant7 is my login"}], "stop": ["assistant7"]},
        ("password",),
    )
    assert document["messages"][0]["role"] == "user"
    assert document["stop"] == ["[PASSWORD_X1]"]


def test_a_name_is_masked_without_brackets_which_openai_refuses_there() -> None:
    document, _ = masked({"messages": [{"role": "user", "name": "4111111111111111", "content": "hello"}]})
    assert document["messages"][0]["name"] == "CARD_X1"


@pytest.mark.parametrize("text", ["use EMAIL_X1", "email_x7", r"CARD\\_X1", "a_X9 and b_x2"])
def test_another_letter_is_taken_where_the_request_has_something_like_it(text) -> None:
    assert masked(asked(f"{text} for {MAIL}"))[1].letter == "Q"


def test_two_keys_that_would_become_one_are_not_masked() -> None:
    document = {**asked("hello"), "metadata": {MAIL: "1", MAIL.upper(): "2"}}
    assert mask(json.dumps(document).encode(), document, KINDS) is None


def test_a_hundred_values_and_more_are_all_masked() -> None:
    text = "\n".join(f"person{number}@lovelace-post.de" for number in range(250))
    document, placeholders = masked(asked(text))
    assert len(placeholders.values) == 250
    assert "@" not in document["messages"][0]["content"]


def test_more_values_than_a_request_may_keep_others_waiting_for_are_not_masked() -> None:
    lines = [" ".join(f"p{number}-{each}@lovelace-post.de" for each in range(90)) for number in range(23)]
    document = {"messages": [{"role": "user", "content": line} for line in lines]}
    assert mask(json.dumps(document).encode(), document, KINDS) is None


def test_of_two_values_that_begin_alike_the_longer_is_masked_whole() -> None:
    document, _ = masked(asked("ada@lovelace-post.de, ada@lovelace-post.dev and ada@lovelace-post.de"))
    assert document["messages"][0]["content"] == "[EMAIL_X1], [EMAIL_X2] and [EMAIL_X1]"


def test_there_is_nothing_to_mask_where_nothing_is_found() -> None:
    assert mask(b'{"messages": []}', {"messages": []}, KINDS) is None
    assert mask(b"\xff", {}, KINDS) is None


def test_masked_requests_show_no_value_in_their_repr() -> None:
    found = mask(json.dumps(asked(MAIL)).encode(), asked(MAIL), KINDS)
    assert MAIL not in repr(found)


def test_the_time_it_takes_grows_with_the_text() -> None:
    def seconds(times: int) -> float:
        document = asked(f"{MAIL} wrote of {CARD} " + "and so it goes, " * 100 * times)
        began = time.perf_counter()
        masked(document)
        return time.perf_counter() - began

    seconds(1)
    assert min(seconds(16) for _ in range(3)) < 64 * min(seconds(1) for _ in range(3))
