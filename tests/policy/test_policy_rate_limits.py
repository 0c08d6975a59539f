"""The `rate_limits` section means what it says."""

from gateway.core.budgets import Each, RateLimit, Scope

END = "deadline: 2m\n"


def limits(line: str) -> tuple[str, str]:
    return END, f"{END}rate_limits:\n  {line}\n"


def test_a_rate_limit_has_all_that_the_file_says(policy_with) -> None:
    policy = policy_with(
        limits(
            "r: {requests_per_minute: 60, tokens_per_minute: 1000, concurrent_requests: 5, team: [finance], "
            "caller: billing, tag: batch, each: team}"
        )
    )
    scope = Scope(teams=frozenset({"finance"}), callers=frozenset({"billing"}), tags=frozenset({"batch"}))
    assert policy.rate_limits == (RateLimit("r", scope, Each.TEAM, 60, 1000, 5),)


def test_one_that_limits_nothing_is_refused(refused) -> None:
    told = refused(limits("r: {team: finance}"))
    assert "rate limit `r` limits nothing; give at least one of `requests_per_minute`, `tokens_per_minute`" in told


def test_a_limit_of_nothing_at_all_is_refused(refused) -> None:
    assert "must be a whole number from 1" in refused(limits("r: {requests_per_minute: 0}"))
