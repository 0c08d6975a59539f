"""The command `gateway scan`: kinds, places and confidence, and never a word of the text."""

import base64
import json

import pytest

from gateway.cli import main
from gateway.config import shipped_policy

CARD = "4539 1488 0343 6467"
MAIL = "mira.oldenkott@northwind-gears.eu"
PASSWORD = "the password is " + "Blau-" + "4711!"


@pytest.fixture
def scanned(tmp_path, capsys):
    """The lines that a scan of these lines writes."""

    def ran(*lines: str, options: tuple[str, ...] = ()) -> list[str]:
        file = tmp_path / "file"
        file.write_bytes("\n".join(lines).encode())
        assert main(["scan", str(file), *options]) == 0
        return capsys.readouterr().out.splitlines()

    return ran


@pytest.fixture
def answered(scanned):
    def ran(*rows: object, options: tuple[str, ...] = ()) -> list[dict]:
        return [json.loads(line) for line in scanned(*map(json.dumps, rows), options=("--jsonl", *options))]

    return ran


def spots(answer: dict, text: str) -> dict[str, str]:
    return {found["kind"]: text[found["start"] : found["end"]] for found in answer["findings"]}


def test_people_are_told_line_column_kind_and_class(scanned) -> None:
    lines = scanned("Dear all,", f"my card is {CARD}.")
    assert lines == ["2:12: card, 19 characters, confidence 0.99", "restricted: 1 finding"]


def test_the_text_is_never_told(scanned) -> None:
    told = "\n".join(scanned(CARD, MAIL, PASSWORD))
    assert not any(part in told for part in (CARD, "mira", "Blau", "4711"))


def test_a_prompt_without_a_finding_is_public(answered) -> None:
    [answer] = answered({"id": 7, "text": "Why is the sky blue?"})
    assert answer == {"id": 7, "sensitivity": "public", "task": "chat", "findings": []}


def test_a_row_is_told_what_its_last_turn_asks_for(answered) -> None:
    turns = [{"role": "user", "content": said} for said in ("Sum up this letter", "Translate the letter into English")]
    [answer] = answered({"id": 1, "messages": turns})
    assert answer["task"] == "translation"


def test_offsets_are_code_points_of_the_text(answered) -> None:
    text = f"\U0001f600 é e\u0301 ﬃ: {CARD}, {MAIL}"
    [answer] = answered({"id": "a", "text": text})
    assert spots(answer, text) == {"card": CARD, "email": MAIL}
    assert {found["path"] for found in answer["findings"]} == {"text"}


def test_a_find_in_an_encoding_has_the_place_of_the_encoded_stretch(answered) -> None:
    stretch = base64.b64encode(f"the card is {CARD}, keep it".encode()).decode()
    text = f"Please decode {stretch} for me"
    [answer] = answered({"id": 1, "text": text})
    assert spots(answer, text) == {"card": stretch.rstrip("=")}


ESCAPED = [
    (f'"{CARD}\\n{MAIL}"', {"card": CARD, "email": MAIL}),
    ('x = "4539 1488" + " 0343 6467"', {"card": '4539 1488" + " 0343 6467'}),
    ("%34539148803436467 is my card", {"card": "%34539148803436467"}),
    ("card &#52;539 1488 0343 6467&#x27;", {"card": "&#52;539 1488 0343 6467"}),
    ("45\u200b39 1488 0343 6467", {"card": "45\u200b39 1488 0343 6467"}),
    ("mir\u0430.oldenkott@northwind-gears.eu", {"email": "mir\u0430.oldenkott@northwind-gears.eu"}),
]


@pytest.mark.parametrize(("text", "expected"), ESCAPED, ids=range(len(ESCAPED)))
def test_an_escaped_value_has_the_place_where_it_is_written(answered, text, expected) -> None:
    [answer] = answered({"text": text})
    assert spots(answer, text) == expected


def test_a_find_in_messages_has_the_path_of_its_string(answered) -> None:
    call = {"function": {"name": "pay", "arguments": json.dumps({"to": MAIL})}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": CARD}]},
        {"role": "assistant", "content": None, "tool_calls": [call], "metadata": {"card": CARD}},
    ]
    [answer] = answered({"id": 1, "messages": messages})
    found = {(each["path"], each["start"], each["end"]) for each in answer["findings"]}
    arguments = call["function"]["arguments"]
    start = arguments.index(MAIL)
    assert found == {
        ("messages[0].content[1].text", 0, 19),
        ("messages[1].metadata.card", 0, 19),
        ("messages[1].tool_calls[0].function.arguments", start, start + len(MAIL)),
    }


def test_a_number_split_over_messages_has_the_path_of_them_all(answered) -> None:
    parts = ["my card begins with 4539 1488", "and goes on 0343 6467"]
    [answer] = answered({"id": 1, "messages": [{"role": "user", "content": part} for part in parts]})
    assert answer["sensitivity"] == "restricted"
    assert [(each["path"], each["kind"]) for each in answer["findings"]] == [("messages", "card")]


def test_what_cannot_be_read_is_restricted_and_said(answered) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://intranet/scan.png"}}
    [answer] = answered({"id": 1, "messages": [{"role": "user", "content": [image]}]})
    assert (answer["sensitivity"], answer["unknown"]) == ("restricted", ["content of kind `image` could not be read"])


def test_the_class_is_the_policys(answered, tmp_path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text(shipped_policy("default").read_text().replace("email: confidential", "email: internal"))
    [answer] = answered({"id": 1, "text": MAIL}, options=("--policy", str(policy)))
    assert answer["sensitivity"] == "internal"


WRONG = {
    "[1]": "line 1 is no row",
    '{"id": 1}': "give `text` or `messages`",
    '{"id": 1, "text": "a", "messages": []}': "give `text` or `messages`",
    "{": "line 1 is no row",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_row_that_is_none_is_told_by_its_line(line, tmp_path, capsys) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(line)
    assert main(["scan", str(file), "--jsonl"]) == 2
    assert WRONG[line] in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(tmp_path, capsys) -> None:
    assert main(["scan", str(tmp_path / "none")]) == 2
    assert "no such file or directory; give the path of a file, or `-`" in capsys.readouterr().err
