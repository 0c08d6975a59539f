"""A budget pays for what its scope selects, and warns once for each line that is crossed."""

import pytest

from gateway.core.budgets import Budget, Each, RollingWindow, Scope
from gateway.core.money import NanoUSD
from gateway.core.types import Caller
from gateway.limits.accounts import ROOMY, slack
from gateway.limits.budgets import charges, crossed

ANN = Caller("ann", team="finance", tags=("batch", "night"))


def budget(name: str, each: Each | None = None, **scope: set[str]) -> Budget:
    return Budget(
        name, NanoUSD(10), RollingWindow(60), Scope(**{key: frozenset(some) for key, some in scope.items()}), each
    )


@pytest.mark.parametrize(
    ("scope", "pays"),
    [
        ({}, True),
        ({"zones": {"openai"}}, True),
        ({"zones": {"on_prem"}}, False),
        ({"backends": {"frontier", "other"}}, True),
        ({"models": {"gpt-5.5"}, "teams": {"finance"}, "callers": {"ann"}, "tags": {"night"}}, True),
        ({"models": {"gpt-5.5"}, "teams": {"growth"}}, False),
        ({"callers": {"bob"}}, False),
        ({"tags": {"day"}}, False),
    ],
)
def test_a_budget_pays_where_all_of_its_scope_holds(scope, pays) -> None:
    assert bool(charges([budget("b", **scope)], ANN, "openai", "frontier", "gpt-5.5")) is pays


def test_a_model_budget_pays_for_nothing_that_has_no_model() -> None:
    assert charges([budget("b", models={"gpt-5.5"})], ANN, "openai", "frontier", None) == ()


def test_who_shares_a_budget_shares_an_account_and_who_does_not_has_one() -> None:
    budgets = [budget("all"), budget("each", Each.CALLER), budget("teams", Each.TEAM)]
    found = charges(budgets, ANN, "openai", "frontier", "gpt-5.5")
    assert [each.share for each in found] == ["", "ann", "finance"]
    assert len({each.account for each in found}) == 3


@pytest.mark.parametrize(
    ("before", "after", "lines"), [(0, 79, []), (79, 80, [80]), (80, 94, []), (0, 100, [80, 95, 100]), (100, 101, [])]
)
def test_each_line_is_crossed_once(before, after, lines) -> None:
    assert list(crossed(NanoUSD(100), NanoUSD(before), NanoUSD(after))) == lines


@pytest.mark.parametrize(
    ("free", "extra"), [(0, 0), (-5, 0), (ROOMY * 10 - 1, 0), (ROOMY * 10, 10), (10**9, ROOMY * 10)]
)
def test_nothing_is_kept_without_need_near_the_end(free, extra) -> None:
    assert slack(free, 10) == extra
