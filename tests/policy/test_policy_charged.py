"""`charged_to`: that a budget pays for all that goes somewhere is proved, and what it does not pay for is shown."""

import pytest

from gateway.policy.verify import path, verify

SIGNED = "deadline: 2m\n", "deadline: 2m\ninvariants: [{always: {reaches: {zone: openai}, charged_to: daily}}]\n"


def paid(scope: str) -> tuple[str, str]:
    return "classify:\n", f"budgets: {{daily: {{limit_usd: 50, window: day, scope: {scope}}}}}\nclassify:\n"


@pytest.mark.parametrize(
    "scope",
    ["{}", "{zone: openai}", "{backend: frontier}", "{team: [finance, growth]}", "{caller: [billing, website]}"],
)
def test_a_budget_that_pays_for_everything_there_is_proved(policy_with, scope) -> None:
    assert verify(policy_with(paid(scope), SIGNED)).leaks == []


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        ("{zone: on_prem}", "`chat`"),
        ("{tag: batch}", "from caller `website`"),
        ("{model: gpt-5.5}", "`embeddings`"),
        ("{model: text-embedding-3-small}", "`chat`"),
    ],
)
def test_what_a_budget_does_not_pay_for_is_shown(policy_with, scope, shown) -> None:
    policy = policy_with(paid(scope), SIGNED, ("route: [local]\n", "route: [{to: local}]\n"))
    found = verify(policy)
    ((proof, leak),) = found.leaks
    assert proof.sentence == "budget `daily` pays for every request that goes to zone `openai`"
    assert shown in "\n".join(path(policy, leak, found.space))


@pytest.mark.parametrize(
    ("invariant", "sentence"),
    [
        ("{always: {reaches: {zone: openai}, charged_to: dayly}}", "did you mean `daily`?"),
        ("{never: {reaches: {zone: openai}, charged_to: daily}}", "unknown key `charged_to`"),
    ],
)
def test_a_wrong_payer_is_told(refused, invariant, sentence) -> None:
    assert sentence in refused(paid("{}"), ("deadline: 2m\n", f"deadline: 2m\ninvariants: [{invariant}]\n"))
