"""Regular expressions in a policy: kinds like any other, refused at once where they could hold up a request."""

import pytest

from gateway.classify.patterns import VALIDATORS as CHECKS
from gateway.core.types import Sensitivity
from gateway.policy.facts import facts
from gateway.policy.prose import prose
from gateway.policy.vocabulary import VALIDATORS

PLACE = "    default: public\n"


def with_pattern(written: str) -> tuple[str, str]:
    return PLACE, f"{PLACE}    patterns: [{{{written}}}]\n"


def test_a_pattern_is_a_kind_like_any_other(policy_with) -> None:
    rule = (
        "rules:\n",
        "rules:\n  - {name: codes, when: {findings: code}, route: [{to: frontier, mask: code}, local]}\n",
    )
    written = "name: code, regex: 'PRJ-[0-9]{4}', class: internal, examples: [PRJ-2041, PRJ-0000]"
    policy = policy_with(with_pattern(written), rule)
    assert policy.labelling.kinds["code"] is Sensitivity.INTERNAL
    assert policy.masks == (("code",),)
    assert facts(policy)["pattern `code`"] == "`PRJ-[0-9]{4}`"
    assert "- A `code` is what matches `PRJ-[0-9]{4}`." in prose(policy)


@pytest.mark.parametrize(
    ("regex", "wrong"),
    [
        ("a(?=b)", "looking around is not linear"),
        ("(?<!a)b", "looking around is not linear"),
        (r"(a)\1", "back references are not linear"),
        ("((a{100}){100}){100}", "invalid repetition size"),
        (r"(\pL{1,500}){1,2}", "too large"),
        ("(a", "missing )"),
        ("a*", "it would match everywhere"),
        ("x" * 1_001, "longer than 1,000 characters"),
    ],
)
def test_what_cannot_be_matched_in_linear_time_is_refused(refused, regex, wrong) -> None:
    told = refused(with_pattern(f"name: code, regex: '{regex}', class: internal"))
    assert "`regex` in pattern 1 cannot be used: " in told
    assert wrong in told


@pytest.mark.parametrize("regex", ["(a+)+$", "(x+x+)+y", "(a|a)*b", r"(\w+\s?)*!", "(.*a){12}b"])
def test_what_python_could_be_held_up_with_is_welcome(policy_with, regex) -> None:
    assert policy_with(with_pattern(f"name: code, regex: '{regex}', class: internal")).labelling.patterns


def test_an_example_that_does_not_match_is_told(refused) -> None:
    told = refused(with_pattern("name: code, regex: 'PRJ-[0-9]{4}', class: internal, examples: [PRJ-2041, PRJ-20415]"))
    assert "`examples` in pattern 1: `code` does not match all of this one" in told


def test_a_name_is_there_once(refused) -> None:
    one = "name: code, regex: 'PRJ', class: internal"
    assert "`code` is there twice" in refused(with_pattern(one + "}, {" + one))
    assert "the detectors find `email` already" in refused(with_pattern("name: email, regex: 'x', class: public"))
    assert "must be a list" in refused((PLACE, PLACE + "    patterns: {name: code}\n"))


def test_the_checks_that_can_be_named_are_those_there_are() -> None:
    assert tuple(CHECKS) == VALIDATORS
