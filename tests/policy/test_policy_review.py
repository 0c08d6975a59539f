"""A check finds each of many broken policies and shows it on a request; of sound ones it says nothing."""

import pytest
from broken_and_sound import BROKEN, SOUND

from gateway.policy.review import review


def test_there_are_at_least_twenty_of_each() -> None:
    assert min(len(BROKEN), len(SOUND)) >= 20


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_and_shown(policy_with, name) -> None:
    changes, fault, shown = BROKEN[name]
    found = [remark for remark in review(policy_with(*changes)).remarks if remark.fault == fault]
    assert any(shown in "\n".join((remark.sentence, *remark.path)) for remark in found), found


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_else_is_said_of_what_is_broken(policy_with, name) -> None:
    changes, fault, _ = BROKEN[name]
    assert {remark.fault for remark in review(policy_with(*changes)).remarks} == {fault}


@pytest.mark.parametrize("name", SOUND)
def test_of_what_is_sound_nothing_is_said(policy_with, name) -> None:
    assert review(policy_with(*SOUND[name])).remarks == ()


@pytest.mark.parametrize("name", SOUND)
def test_every_promise_of_what_is_sound_is_proved(policy_with, name) -> None:
    policy = policy_with(*SOUND[name])
    proved = review(policy).proved
    assert [proof.invariant for proof in proved] == [None, *policy.invariants]
    assert all(proof.states > 0 for proof in proved)


def test_every_remark_says_where_it_belongs(policy_with) -> None:
    changes, _, _ = BROKEN["a rule about a class that nothing has"]
    (remark,) = review(policy_with(*changes)).remarks
    assert remark.place == (37, 5)
