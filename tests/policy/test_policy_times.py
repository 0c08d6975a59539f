"""Windows of time: on whose clock, over midnight, in the proofs, and what is told of a wrong one."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.mutants import mutants
from gateway.policy.verify import verify
from gateway.policy.windows import Window, instants
from gateway.policy.words import condition_words, window_words

HARD = ("when: {complexity: hard}", "when: {complexity: hard, time: office}")
SIGNED = (
    "deadline: 2m\n",
    "deadline: 2m\ninvariants: [{never: {time: office, complexity: hard, reaches: {zone: openai}}}]\n",
)


def named(*times: str) -> tuple[str, str]:
    return "classify:\n", "times:\n" + "".join(f"  {each}\n" for each in times) + "classify:\n"


def at(said: str) -> float:
    return datetime.fromisoformat(said).timestamp()


OFFICE = "office: {days: [mon, tue, wed, thu, fri], from: 08:00, to: 18:00, time_zone: Europe/Rome}"


@pytest.fixture
def is_hard_rule(policy_with, envelope, verdict):
    """Whether the rule about hard requests in office hours matches at this instant."""
    rule = policy_with(HARD, named(OFFICE)).rules[1]
    return lambda said: rule.matches(envelope(received_at=at(said)), verdict(tier=2), {})


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("2026-01-05T08:00+01:00", True),
        ("2026-01-05T07:59:59+01:00", False),
        ("2026-01-05T17:59:59+01:00", True),
        ("2026-01-05T18:00+01:00", False),
        ("2026-01-04T12:00+01:00", False),
        ("2026-07-06T08:00+02:00", True),
        ("2026-07-06T07:30+01:00", True),
        ("2026-01-05T07:30+00:00", True),
    ],
)
def test_a_window_is_open_from_its_first_minute_until_its_last_on_its_own_clock(is_hard_rule, said, wanted) -> None:
    assert is_hard_rule(said) is wanted


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    night = Window(frozenset({4}), 20 * 60, 4 * 60, "UTC")
    assert night.holds(at("2026-01-10T03:59+00:00"))
    assert not night.holds(at("2026-01-09T03:59+00:00"))


def test_a_window_may_be_written_where_it_is_asked_about(policy_with, envelope, verdict) -> None:
    inline = ("when: {complexity: hard}", "when: {time: [office, {days: [sat, sun]}]}")
    rule = policy_with(inline, named(OFFICE)).rules[1]
    matching = [
        day for day in range(5, 12) if rule.matches(envelope(received_at=at(f"2026-01-{day:02}T23:00Z")), verdict(), {})
    ]
    assert matching == [10, 11]


def test_a_rule_in_a_window_is_told_in_words(policy_with) -> None:
    words = condition_words(policy_with(HARD, named(OFFICE)).rules[1].when)
    assert words == "hard and received during `office`, mon, tue, wed, thu, fri from 08:00 to 18:00 (Europe/Rome)"


def test_a_hole_between_two_windows_is_found_where_something_falls_through_it(policy_with) -> None:
    day, night = "day: {from: 07:00, to: 19:00}", "night: {from: 19:30, to: 07:00}"
    guards = "  - {name: in, when: {tag: batch, time: [day, night]}, route: [local]}\n  - name: hard\n"
    changes = [("  - name: hard\n", guards), ("unknown_routes: frontier\n", ""), ("best: frontier", "best: auto")]
    promise = "deadline: 2m\ninvariants: [{never: {tag: batch, model: auto, reaches: {zone: openai}}}]\n"
    (leak,) = verify(policy_with(*changes, named(day, night), ("deadline: 2m\n", promise))).leaks
    hole = datetime.fromtimestamp(leak[1].witness.envelope.received_at).astimezone()
    assert (hole.utctimetuple().tm_hour, hole.utctimetuple().tm_min) == (19, 0)
    whole = named(day, night.replace("19:30", "19:00"))
    assert verify(policy_with(*changes, whole, ("deadline: 2m\n", promise))).leaks == []


def test_a_promise_about_a_window_is_kept_where_the_rule_is_outside_it(policy_with) -> None:
    outside = ("when: {complexity: hard}", "when: {complexity: hard, not: {time: office}}")
    local = ("route: [local, frontier]\nunknown_routes: frontier\n", "route: [local]\n")
    pin = ("best: frontier", "best: auto")
    promise = (SIGNED[0], SIGNED[1].replace("complexity", "model: auto, complexity"))
    assert verify(policy_with(outside, local, pin, named(OFFICE), promise)).leaks == []
    assert verify(policy_with(HARD, local, pin, named(OFFICE), promise)).leaks != []


windows = st.builds(
    Window,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start=st.integers(0, 23).map(lambda hour: hour * 60 + 30),
    until=st.integers(1, 24).map(lambda hour: hour * 60),
    time_zone=st.sampled_from(["UTC", "Europe/Rome", "America/New_York", "Asia/Kolkata"]),
)


@given(st.lists(windows, min_size=1, max_size=4), st.floats(1.767e9, 1.798e9))
@settings(max_examples=60, deadline=None)
def test_every_instant_is_like_one_that_the_proofs_look_at(asked, moment) -> None:
    ways = {tuple(window.holds(each) for window in asked) for each in instants(asked)}
    assert tuple(window.holds(moment) for window in asked) in ways


def test_what_no_window_is_asked_about_is_one_instant() -> None:
    assert len(instants(())) == 1


def test_a_window_that_loses_a_day_or_its_hours_is_a_change_to_notice(policy_with) -> None:
    changes = {mutant.change for mutant in mutants(policy_with(HARD, named(OFFICE))) if mutant.rule == "hard"}
    office = window_words(Window(frozenset(range(5)), 480, 1080, "Europe/Rome", "office"))
    assert {f"rule `hard` all day in {office}", f"rule `hard` without mon in {office}"} <= changes


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        ("{}", "`office` is always; give it `days`, or `from` and `to`"),
        ("{time_zone: Europe/Rome}", "is always"),
        ("{from: 08:00}", "needs both `from` and `to`, or neither"),
        ("{from: 8, to: 18:00}", "must be a time of day such as `08:30`, not `8`"),
        ("{from: 08:00, to: 25:00}", "must be a time of day"),
        ("{from: 08:00, to: 08:00}", "begins when it ends; for whole days leave both out"),
        ("{days: monday}", "did you mean `mon`?"),
        ("{days: mon, time_zone: Europe/Rom}", "must be a time zone such as `Europe/Amsterdam`, not `Europe/Rom`"),
        ("{days: mon, time_zone: ../etc/passwd}", "must be a time zone"),
        ('{days: mon, time_zone: "${TZ:-UTC}"}', "what decides must stand in the file itself"),
        ("{days: mon, til: 18:00}", "unknown key `til`"),
    ],
)
def test_a_wrong_window_is_told(refused, window, sentence) -> None:
    assert sentence in refused(named(f"office: {window}"))


def test_an_unknown_window_is_told_with_the_nearest(refused) -> None:
    wrong = ("when: {complexity: hard}", "when: {time: ofice}")
    assert "did you mean `office`?" in refused(wrong, named(OFFICE))
