"""The `budgets` section means what it says, and a limit may come from the environment."""

from gateway.core.budgets import Budget, CalendarUnit, CalendarWindow, Each, Exhausted, RollingWindow, Scope
from gateway.core.money import nano_usd

END = "deadline: 2m\n"


def budgets(*lines: str) -> tuple[str, str]:
    return END, END + "budgets:\n" + "".join(f"  {line}\n" for line in lines)


def test_a_budget_has_all_that_the_file_says(policy_with) -> None:
    policy = policy_with(
        budgets(
            "b: {limit_usd: 0.000000001, window: month, time_zone: Europe/Amsterdam, each: caller, hard: false,",
            "    scope: {zone: openai, model: [gpt-5.5], team: finance, tag: batch, caller: billing,",
            "    backend: frontier},",
            "    on_exhausted: queue, wait: 0s}",
        )
    )
    scope = Scope(*({word} for word in ("openai", "frontier", "gpt-5.5", "finance", "billing", "batch")))
    window = CalendarWindow(CalendarUnit.MONTH, "Europe/Amsterdam")
    written = Budget("b", nano_usd("0.000000001"), window, scope, Each.CALLER, False, Exhausted.QUEUE, 0.0)
    assert dict(policy.budgets) == {"b": written}


def test_a_budget_is_hard_downgrades_and_waits_two_seconds_unless_it_says_otherwise(policy_with) -> None:
    policy = policy_with(budgets("b: {limit_usd: 10, window: 7d}"))
    assert policy.budgets["b"] == Budget("b", nano_usd(10), RollingWindow(604_800), wait_s=2.0)


def test_a_limit_may_differ_from_one_environment_to_the_next(policy_with, environment) -> None:
    change = budgets('b: {limit_usd: "${LIMIT:-5}", window: day}')
    assert policy_with(change).budgets["b"].limit == nano_usd(5)
    assert policy_with(change, environment={**environment, "LIMIT": "7"}).budgets["b"].limit == nano_usd(7)


def test_what_else_a_budget_says_may_not(refused) -> None:
    told = refused(budgets('b: {limit_usd: 5, window: "${WINDOW:-day}"}'))
    assert "`${WINDOW:-day}` in `window` of `budgets`: what decides must stand in the file itself" in told
