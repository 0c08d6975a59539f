"""Files of a company's own names: read with the policy, part of its digest, and told plainly where they are wrong."""

import os
from pathlib import Path

import pytest

from gateway.config import read_policy
from gateway.core.errors import ConfigError
from gateway.core.types import Sensitivity
from gateway.policy.facts import facts
from gateway.policy.lexicons import MOST_BYTES
from gateway.policy.load import load
from gateway.policy.prose import prose
from gateway.policy.verify import verify

HOUSE = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: lexical}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal}
backends:
  local: {zone: on_prem, kind: tgi, urls: ["http://tgi:8080"], model: llama}
  frontier: {zone: openai, kind: openai, urls: ["https://api.openai.com"], model: gpt-5.5}
classify:
  sensitivity:
    lexicons:
      - {name: customer, file: lists/customers.txt, class: confidential}
rules:
  - name: customers
    when: {findings: customer}
    route: [{to: frontier, mask: customer}, local]
otherwise: {route: [frontier, local]}
invariants:
  - never: {findings: customer, reaches: {zone: openai}}
tests:
  - name: a customer stays
    given: {findings: customer}
    expect: {sensitivity: confidential, rule: customers}
"""


def files(content: bytes):
    return lambda name, most: content[:most]


def told(content: bytes | None, policy: str = HOUSE) -> str:
    with pytest.raises(ConfigError) as caught:
        load(policy.encode(), "house.yaml", {}, None if content is None else files(content))
    return str(caught.value)


def test_a_lexicon_is_a_kind_like_any_other() -> None:
    policy = load(HOUSE.encode(), "house.yaml", {}, files(b"Northwind Gears\n\nAcme\r\nacme\n"))
    assert policy.labelling.kinds["customer"] is Sensitivity.CONFIDENTIAL
    assert policy.labelling.lexicons[0].entries == ("Acme", "Northwind Gears", "acme")
    assert policy.masks == (("customer",),)
    assert not verify(policy).leaks


def test_the_files_are_part_of_what_a_policy_is() -> None:
    one, other = (load(HOUSE.encode(), "house.yaml", {}, files(content)) for content in (b"Acme", b"Acme Corp"))
    assert one.digest != other.digest
    assert facts(one)["lexicon `customer`"] != facts(other)["lexicon `customer`"]
    assert one.labelling != other.labelling
    assert "- A `customer` is any of the 1 entries of `lists/customers.txt`, SHA-256 `" in prose(one)


def test_no_entry_is_in_a_repr() -> None:
    policy = load(HOUSE.encode(), "house.yaml", {}, files(b"Northwind Gears"))
    assert "Northwind" not in repr(policy)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "there is no entry in the file; write one a line"),
        (b"\n  \n", "there is no entry in the file"),
        (b"Acme\n\xff\xfe\n", "line 2 is not UTF-8"),
        (b"Acme\nA+\n", "line 2 has fewer than 3 letters or digits"),
        (b"x" * 201, "line 1 is longer than 200 characters"),
        (b"a" * (MOST_BYTES + 1), "`lists/customers.txt` is larger than 8,000,000 bytes"),
        (b"\n".join(b"name %d" % number for number in range(200_001)), "more than 200,000 entries"),
        (None, "must be readable from here"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_by_its_line(content, wrong) -> None:
    message = told(content)
    assert message.startswith("house.yaml:13:32: `file` in lexicon 1")
    assert wrong in message


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("Customer", "must be a kind's name of small letters"), ("card", "the detectors find `card` already")],
)
def test_a_name_that_is_none_is_refused(name, wrong) -> None:
    assert wrong in told(b"Acme", HOUSE.replace("name: customer,", f"name: {name},"))


def test_two_lexicons_do_not_share_a_name() -> None:
    twice = HOUSE.replace("rules:\n", "      - {name: customer, file: b.txt, class: public}\nrules:\n")
    assert "`name` in lexicon 2: `customer` is there twice" in told(b"Acme", twice)


def test_a_kind_that_no_lexicon_has_is_still_refused() -> None:
    assert "cannot be `client`" in told(b"Acme", HOUSE.replace("findings: customer}", "findings: client}"))


def test_paths_begin_at_the_policys_folder(tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text(HOUSE)
    with pytest.raises(ConfigError, match=r"cannot read `lists/customers.txt`: no such file or directory"):
        read_policy(tmp_path / "house.yaml", os.environ)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "customers.txt").write_text("Acme\n")
    assert read_policy(tmp_path / "house.yaml", os.environ).files == ("lists/customers.txt",)
