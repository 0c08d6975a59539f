"""Laying a policy out changes how it looks and never what it says; laid out twice, it stays as it is."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_texts import loaded, policies, text_of

from gateway.core.errors import ConfigError
from gateway.policy import schema
from gateway.policy.facts import facts
from gateway.policy.fmt import ORDER, formatted
from gateway.policy.load import load

SHIPPED = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))
UNTIDY = """\
# what the file is about
kind: RoutingPolicy   \n\

apiVersion: gateway/v1


# at the end, where nobody looks
tests: []
# who may receive what
zones:
  home: {clearance: internal}
  # indented, so of the zones
"""


def test_sections_come_in_one_order_with_their_comments() -> None:
    assert formatted(UNTIDY.encode(), "untidy.yaml").splitlines() == [
        "# what the file is about",
        "",
        "apiVersion: gateway/v1",
        "kind: RoutingPolicy",
        "# who may receive what",
        "zones:",
        "  home: {clearance: internal}",
        "  # indented, so of the zones",
        "",
        "# at the end, where nobody looks",
        "tests: []",
    ]


def test_windows_line_ends_and_a_byte_order_mark_go() -> None:
    assert formatted(b"\xef\xbb\xbfkind: x\r\napiVersion: y\r\n", "w.yaml") == "apiVersion: y\nkind: x\n"


def test_every_section_has_its_place() -> None:
    assert set(ORDER) == set(schema.POLICY.keys)


@given(policies(), st.randoms())
@settings(max_examples=40, deadline=None)
def test_the_meaning_stays_and_a_second_time_changes_nothing(written: dict[str, Any], dice: Any) -> None:
    loaded(written)
    keys = list(written)
    dice.shuffle(keys)
    text = text_of({key: written[key] for key in keys})
    once = formatted(text, "random.yaml")
    assert formatted(once.encode(), "random.yaml") == once
    assert facts(load(once.encode(), "random.yaml", {})) == facts(load(text, "random.yaml", {}))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_policies_are_laid_out(path) -> None:
    text = path.read_bytes()
    assert formatted(text, path.name).encode() == text


def test_a_file_that_cannot_be_read_is_told_and_not_touched() -> None:
    with pytest.raises(ConfigError, match="given twice"):
        formatted(b"kind: x\nkind: y\n", "twice.yaml")


def test_a_policy_on_one_line_is_left_as_it_is() -> None:
    assert formatted(b"{kind: x, apiVersion: y}", "flow.yaml") == "{kind: x, apiVersion: y}\n"
