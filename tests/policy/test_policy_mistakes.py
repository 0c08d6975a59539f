"""Every mistake a policy file can hold is told with its place, in the user's words, with what to do about it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.policy.load import load
from gateway.policy.parse import MAX_BYTES

TABLE = Path(__file__).with_name("mistakes.txt").read_text(encoding="utf-8")


def mistakes() -> Iterator[tuple[str, str, list[str]]]:
    """The table's cases: old text, new text, lines told."""
    for case in TABLE.split("\n\n"):
        lines = [line for line in case.splitlines() if not line.startswith("=")]
        if lines:
            old = "\n".join(line[2:] for line in lines if line.startswith("- "))
            new = "\n".join(line[2:] for line in lines if line.startswith("+ "))
            yield old, new, [line for line in lines if line[0] not in "-+"]


def told(text: bytes, environment: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, "house.yaml", environment)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("old", "new", "lines"), list(mistakes()))
def test_a_mistake_is_told_with_its_place_and_the_remedy(base, environment, old, new, lines) -> None:
    assert old in base
    assert told(base.replace(old, new, 1).encode(), environment) == [f"house.yaml:{line}" for line in lines]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(base, environment) -> None:
    text = base.replace("clearance: internal", "clearance: secret").replace("route: [local]", "route: [locl]")
    text = text.replace("name: house", "name: house, ownr: me").replace("2m", "soon")
    lines = told(text.encode(), environment)
    assert [line.split(":")[1] for line in lines] == ["3", "6", "36", "44"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"", "1:1: the file is empty; start from one of the shipped policies"),
        (b"# nothing but this\n", "1:1: the file is empty; start from one of the shipped policies"),
        (b"just words", "1:1: the policy must be a mapping of keys to values"),
        (b"kind: x\n  - \tname: y", "2:5: a tab is refused; indent with spaces"),
        (b"kind: caf\xe9", "1:10: this byte is not UTF-8; save the file as UTF-8"),
        ("# ü\nkind: x".encode() + b"\xff", "2:8: this byte is not UTF-8; save the file as UTF-8"),
        ("kind: x".encode("utf-16"), "1:1: this byte is not UTF-8; save the file as UTF-8"),
        (b"kind: x\x07y", "1:8: a control character is refused; remove it"),
        (b"x" * (MAX_BYTES + 1), "1:1: the file is larger than 262,144 bytes; a policy is for people to read"),
        (b"[" * 10_000, "1:17: nested more than 16 deep; a policy is for people to read"),
    ],
)
def test_what_is_not_a_small_utf8_yaml_file_is_refused_clearly(text, line) -> None:
    assert told(text, {})[0] == f"house.yaml:{line}"


def test_an_alias_bomb_is_refused_at_its_first_anchor(environment) -> None:
    bomb = b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
    assert told(bomb, environment) == ["house.yaml:1:4: the anchor `&a` is refused; write it out where it is used"]


def test_a_byte_order_mark_is_no_mistake(base, environment) -> None:
    assert load(b"\xef\xbb\xbf" + base.encode(), "house.yaml", environment).name == "house"


def test_a_secret_is_never_shown_in_an_error(base, environment) -> None:
    text = base.replace("${OPENAI_API_KEY}", "sk-invented-and-literal").replace("${BILLING_KEY}", "literal-too")
    shown = "\n".join(told(text.encode(), {**environment, "WEBSITE_KEY": "two words"}))
    assert "`WEBSITE_KEY` must hold visible ASCII characters only" in shown
    assert not any(secret in shown for secret in ("sk-invented", "literal-too", "two words"))


def test_no_line_of_an_error_can_forge_another(base, environment) -> None:
    text = base.replace("gpt-4o: auto", '"gpt\\n\\e[31mhouse.yaml:1:1: fine": auto').replace("2m", '"2m\\nhouse.yaml"')
    lines = told(text.encode(), environment)
    assert all(line.startswith("house.yaml:") and line.isprintable() for line in lines)


def test_two_rules_that_cannot_be_read_are_not_called_the_same(base, environment) -> None:
    text = base.replace("{sensitivity: {at_least: confidential}}", "{caller: bill}").replace(
        "{complexity: hard}", "{caller: web}"
    )
    assert [line.split(": ", 1)[1] for line in told(text.encode(), environment)] == [
        "`caller` in `when` of rule `private` cannot be `bill`; did you mean `billing`?",
        "`caller` in `when` of rule `hard` cannot be `web`; did you mean `website`?",
    ]
