"""Every string of a request counts, wherever it is; what is no text counts as unreadable."""

import json

import pytest
from invented import CARD, MAIL, classified, classifier, envelope

from gateway.core.types import Endpoint, Sensitivity

NUMBER = 4539148803436467
SAY = {"role": "user", "content": "what is this?"}


def tool(**function: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": "look_up", **function}}


PLACES = {
    "a message": {"messages": [{"role": "user", "content": CARD}]},
    "an earlier message": {
        "messages": [{"role": "user", "content": CARD}, {"role": "assistant", "content": "ok"}, SAY]
    },
    "the system message": {"messages": [{"role": "system", "content": f"the card is {CARD}"}, SAY]},
    "a content part": {"messages": [{"role": "user", "content": [{"type": "text", "text": CARD}]}]},
    "a content part of an unknown type": {"messages": [{"role": "user", "content": [{"type": "x", "y": {"z": CARD}}]}]},
    "a refusal": {"messages": [{"role": "assistant", "refusal": CARD}, SAY]},
    "a name": {"messages": [{"role": "user", "name": "4539148803436467", "content": "hi"}]},
    "a tool call": {
        "messages": [
            SAY,
            {"role": "assistant", "tool_calls": [{"id": "1", **tool(arguments=json.dumps({"q": [{"n": CARD}]}))}]},
        ]
    },
    "a number in a tool call": {
        "messages": [{"role": "assistant", "tool_calls": [tool(arguments=json.dumps({"card": NUMBER}))]}, SAY]
    },
    "json in json in a tool call": {
        "messages": [{"role": "assistant", "tool_calls": [tool(arguments=json.dumps({"q": json.dumps({"a": MAIL})}))]}]
    },
    "a tool result": {"messages": [SAY, {"role": "tool", "tool_call_id": "1", "content": CARD}]},
    "a function call": {"messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": CARD}}]},
    "a tool's description": {"messages": [SAY], "tools": [tool(description=f"for {CARD}")]},
    "a tool's default": {
        "messages": [SAY],
        "tools": [tool(parameters={"properties": {"n": {"type": "integer", "default": NUMBER}}})],
    },
    "a tool's enum": {"messages": [SAY], "tools": [tool(parameters={"properties": {"n": {"enum": ["a", CARD]}}})]},
    "a key of a schema": {"messages": [SAY], "tools": [tool(parameters={"properties": {MAIL: {}}})]},
    "metadata": {"messages": [SAY], "metadata": {"customer": CARD}},
    "a key of metadata": {"messages": [SAY], "metadata": {"4539148803436467": "x"}},
    "user": {"messages": [SAY], "user": MAIL},
    "stop": {"messages": [SAY], "stop": [CARD]},
    "an unknown field": {"messages": [SAY], "x_customer": {"deep": [[[{"er": CARD}]]]}},
    "a key at the top": {"messages": [SAY], MAIL: 1},
    "a number": {"messages": [SAY], "card": NUMBER},
    "a number with a point": {"messages": [SAY], "card": float(NUMBER)},
    "numbers in a list": {"messages": [SAY], "card": [4539, 1488, 343, 6467, 4539, 1488, 4539148803436467]},
    "a response format": {"messages": [SAY], "response_format": {"type": "json_schema", "json_schema": {"name": CARD}}},
    "the model": {"model": MAIL, "messages": [SAY]},
    "logit_bias": {"messages": [SAY], "logit_bias": {"4539148803436467": 1}},
    "a prompt": {"prompt": CARD},
    "one of several prompts": {"prompt": ["hello", CARD]},
    "a suffix": {"prompt": "x", "suffix": CARD},
    "inputs": {"inputs": CARD, "parameters": {"max_new_tokens": 5}},
    "a parameter of TGI": {"inputs": "x", "parameters": {"stop": [CARD], "grammar": {"value": "x"}}},
    "a grammar of TGI": {"inputs": "x", "parameters": {"grammar": {"type": "regex", "value": CARD}}},
    "the input of an embedding": {"input": CARD, "model": "m"},
    "one of several inputs": {"input": ["hello", MAIL], "model": "m"},
    "messages that are no list": {"messages": {"content": CARD}},
    "a message that is a string": {"messages": [CARD]},
    "a body that is a list": [SAY, {"x": CARD}],
    "a body that is a string": CARD,
    "a body that is a number": NUMBER,
    "an url": {"messages": [{"role": "user", "content": f"https://intranet/?card={CARD.replace(' ', '+')}"}]},
    "behind filler": {"messages": [{"role": "user", "content": "la " * 40_000 + CARD + " la" * 40_000}]},
}
UNREADABLE = {
    "tokens": {"input": [1, 2, 3], "model": "m"},
    "tokens in lists": {"input": [[1, 2], [3]], "model": "m"},
    "a prompt of tokens": {"prompt": [15339, 1917]},
    "an image": {
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/a"}}]}]
    },
    "an image without its type": {
        "messages": [{"role": "user", "content": [{"type": "x", "image_url": {"url": "a"}}]}]
    },
    "audio": {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "UklGRg"}}]}]},
    "a file": {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]},
    "an input file": {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
    "a blob": {"messages": [{"role": "user", "content": "data:image/png;base64," + "iVBORw0KGgo9" * 120}]},
    "bytes": {"messages": [{"role": "user", "content": b"\x00"}]},
    "no document": None,
}


@pytest.mark.parametrize("document", PLACES.values(), ids=PLACES.keys())
def test_a_value_counts_wherever_it_stands(document):
    assert classified(document).sensitivity >= Sensitivity.CONFIDENTIAL


@pytest.mark.parametrize("document", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_text_is_unreadable_and_the_verdict_says_so(document):
    verdict = classified(document)
    assert verdict.sensitivity is Sensitivity.RESTRICTED
    assert any("could not be read" in note for note in verdict.unknown)


@pytest.mark.parametrize(
    "method_path",
    [
        "/v1/files?purpose=mira.oldenkott@northwind-gears.eu",
        "/v1/x?card=4539+1488+0343+6467",
        "/v1/threads/mira.oldenkott%40northwind-gears.eu",
    ],
)
def test_the_path_of_an_unknown_route_counts(method_path):
    verdict = classifier().classify(envelope({}, Endpoint.UNKNOWN, method_path))
    assert verdict.sensitivity >= Sensitivity.CONFIDENTIAL


CLEAN = {
    "a plain chat": {"model": "gpt-4-turbo", "messages": [SAY], "temperature": 0.7, "seed": 1234, "max_tokens": 100},
    "a tool": {"messages": [SAY], "tools": [tool(description="Looks up", parameters={"type": "object"})]},
    "a speech of its own": {"messages": [{"role": "user", "content": "Explain what a credit card number is"}]},
    "an embedding": {"input": ["a", "b"], "model": "text-embedding-3-small"},
    "an empty body": {},
    "a time": {"messages": [SAY], "metadata": {"at": 1732622400000, "id": "1f3b5c7d-2e4a-4b6c-8d0e-9a1b2c3d4e5f"}},
}


@pytest.mark.parametrize("document", CLEAN.values(), ids=CLEAN.keys())
def test_a_request_without_anything_is_public_and_fully_known(document):
    verdict = classified(document)
    assert (verdict.sensitivity, verdict.findings, verdict.unknown) == (Sensitivity.PUBLIC, (), ())
