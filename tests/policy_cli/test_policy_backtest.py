"""`gateway policy backtest` prints then beside now, and says no beyond the limits it is given."""

import os
import time

import pytest

from gateway.core.money import NanoUSD
from gateway.core.records import Attempt, Ending, Outcome, Record
from gateway.core.types import ANONYMOUS, Endpoint, Envelope, Finding, Need, Sensitivity, Tier, Verdict
from gateway.core.usage import Usage
from gateway.policy.evaluate import decide
from gateway.policy.load import load
from gateway.stores.journal_sqlite import SqliteJournal

KINDS = {"email": Sensitivity.CONFIDENTIAL, "card": Sensitivity.RESTRICTED}
HARDER = ("when: {complexity: hard}", "when: {complexity: {at_least: medium}}")


def request(number: int, at: float) -> Envelope:
    return Envelope(
        id=f"req_{number:024x}",
        caller=ANONYMOUS,
        endpoint=Endpoint.CHAT,
        method="POST",
        path="/v1/chat/completions",
        model="auto",
        stream=False,
        needs=frozenset({Need.CHAT}),
        prompt_tokens=100,
        max_tokens=None,
        received_at=at,
        deadline_s=600.0,
        body=b"",
        document=None,
    )


@pytest.fixture
def journal(written, tmp_path):
    """A day of ten requests under the policy: six simple, two medium, one hard, one with an address."""
    policy = load(written().read_bytes(), "house.yaml", os.environ)
    path = tmp_path / "journal.sqlite"
    store = SqliteJournal(path)
    day = [(Tier.SIMPLE, "")] * 6 + [(Tier.MEDIUM, "")] * 2 + [(Tier.HARD, ""), (Tier.SIMPLE, "email")]
    records = []
    for number, (tier, kind) in enumerate(day):
        envelope = request(number, time.time() - 3600)
        level = KINDS.get(kind, Sensitivity.PUBLIC)
        verdict = Verdict(level, (0.1, 0.35, 0.9)[tier], tier, (Finding(kind, 1, 0.9),) if kind else ())
        decision = decide(policy, envelope, verdict, {})
        spec = policy.backends[decision.routes[0].backend]
        assert spec.price is not None
        attempt = Attempt(spec.name, "a:1", 0.1, 3.0)
        cost = NanoUSD(spec.price.cost(100, 50))
        outcome = Outcome(Ending.COMPLETED, 200, "", (attempt,), Usage(100, 50), cost, 200.0)
        records.append(
            Record(
                id=envelope.id,
                decision_id=envelope.decision_id,
                at=envelope.received_at,
                caller=ANONYMOUS,
                endpoint=Endpoint.CHAT,
                model="auto",
                stream=False,
                needs=(Need.CHAT,),
                prompt_tokens=100,
                max_tokens=None,
                body_bytes=10,
                verdict=verdict,
                decision=decision,
                backend=spec.name,
                zone=spec.zone.name,
                outcome=outcome,
            )
        )
    store.write(records)
    store.close()
    return path


def test_the_same_file_reproduces_what_it_decided(shown, written, journal) -> None:
    code, out, err = shown("backtest", written(), "--journal", journal, "--max-cost-increase", "0%", "--no-new-egress")
    assert (code, err) == (0, "")
    assert "  10 records; 0 would be routed differently" in out
    assert "  10 of 10 that this very file decided are reproduced exactly" in out


def test_then_stands_beside_now(shown, written, journal) -> None:
    code, out, _ = shown("backtest", written(HARDER, name="new.yaml"), "--journal", journal)
    rows = {" ".join(line.split()) for line in out.splitlines()}
    assert code == 0
    assert "answered by `frontier` 1 3" in rows
    assert "answered by `local` 9 7" in rows
    assert "US dollars 0.00335 0.00705" in rows
    assert "answers half to 2 times as long 0.00555 to 0.01005" in rows
    assert "public → `openai` 1 3" in rows
    assert "confidential → `on_prem` 1 1" in rows
    assert "may newly reach an outer zone 0" in rows
    assert any(row.startswith("2 public: `local` by `otherwise` ⇒ `frontier` by `hard`, +0.0037 USD") for row in rows)


def test_more_dollars_than_allowed_are_no_success(shown, written, journal) -> None:
    new = written(HARDER, name="new.yaml")
    code, out, _ = shown("backtest", new, "--journal", journal, "--max-cost-increase", "5%")
    assert code == 1
    assert out.splitlines()[-1] == "beyond the limit: up to +200.0 % of cost, 5 % is allowed"
    assert shown("backtest", new, "--journal", journal, "--max-cost-increase", "200")[0] == 0


def test_a_request_that_may_newly_leave_is_no_success(shown, written, journal) -> None:
    lax = (("clearance: internal", "clearance: confidential"), ("route: [local]\n", "route: [local, frontier]\n"))
    new = written(*lax, name="new.yaml")
    code, out, _ = shown("backtest", new, "--journal", journal, "--no-new-egress")
    assert code == 1
    assert "beyond the limit: 1 requests may reach a zone that they could not, such as dec_" in out
    assert shown("backtest", new, "--journal", journal)[0] == 0


def test_only_what_is_recent_enough_counts(shown, written, journal) -> None:
    code, _, err = shown("backtest", written(), "--journal", journal, "--since", "30m")
    assert code == 2
    assert "has no record since" in err
    assert "10 records" in shown("backtest", written(), "--journal", journal, "--since", "2h")[1]
    assert "since the beginning" in shown("backtest", written(), "--journal", journal, "--since", "all")[1]


def test_an_age_that_is_none_is_told(shown, written, journal) -> None:
    code, _, err = shown("backtest", written(), "--journal", journal, "--since", "yesterday")
    assert (code, err) == (2, "`--since` must be an age such as `30m`, `24h`, `7d` or `all`, not `yesterday`\n")


def test_what_is_no_journal_is_told_and_left_alone(shown, written, tmp_path) -> None:
    for path in (tmp_path / "none.sqlite", written(name="text.sqlite")):
        code, _, err = shown("backtest", written(), "--journal", path)
        assert code == 2
        assert f"cannot read the journal `{path}`" in err
    assert not (tmp_path / "none.sqlite").exists()


def test_a_recorded_decision_is_explained_by_its_id(shown, written, journal) -> None:
    for name in ("dec_" + "0" * 23 + "9", "req_" + "0" * 23 + "9"):
        code, out, _ = shown("explain", written(), "--decision", name, "--journal", journal)
        assert code == 0
        assert "`email` × 1, sure to 0.90: confidential" in out
        assert "✓ private: confidential or restricted: yes" in out


def test_a_decision_that_was_not_recorded_is_told(shown, written, journal) -> None:
    code, _, err = shown("explain", written(), "--decision", "dec_no", "--journal", journal)
    assert code == 2
    assert "has no decision `dec_no`; ids begin with `dec_` or `req_`" in err
