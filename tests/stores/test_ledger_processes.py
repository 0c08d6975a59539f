"""Several processes share one ledger: never above its limits, not even when one of them is killed."""

import subprocess
import sys
from pathlib import Path

import pytest
from ledgers import at_work
from spending_process import AMOUNT, SystemClock, the_budget

from gateway.core.budgets import Shortfall
from gateway.limits.budgets import charge
from gateway.stores.open_books import open_books

PROGRAM = Path(__file__).with_name("spending_process.py")
PATIENCE_S = 60
LIMIT = 20 * AMOUNT

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "redis"])
def where(request, tmp_path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite")
    server = request.getfixturevalue("redis_server")
    return str(server.url)


def started(where: str, times: int, wait_s: int, *more: str) -> subprocess.Popen[str]:
    words = [sys.executable, str(PROGRAM), where, str(LIMIT), str(times), str(wait_s), *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


async def test_several_processes_at_once_spend_the_limit_and_never_more(where) -> None:
    processes = [started(where, 70, 5) for _ in range(3)]
    given = [int(process.communicate(timeout=PATIENCE_S)[0]) for process in processes]
    assert sum(given) == 20


async def test_what_a_killed_process_held_is_spent_by_nobody_else(where) -> None:
    process = started(where, 70, 0, "held")
    assert process.stdout is not None
    assert int(process.stdout.readline()) == 20
    process.kill()
    process.communicate()
    shared = charge(the_budget(LIMIT, wait_s=0.5))
    async with at_work(lambda: open_books(where), SystemClock()) as ledger:
        refused = await ledger.reserve((shared,), AMOUNT, 600.0)
        assert isinstance(refused, Shortfall)
        assert (refused.standing.spent + refused.standing.held, refused.standing.free) == (LIMIT, 0)


async def test_a_process_that_ends_well_leaves_only_what_it_spent(where) -> None:
    process = started(where, 7, 5)
    assert int(process.communicate(timeout=PATIENCE_S)[0]) == 7
    async with at_work(lambda: open_books(where), SystemClock()) as ledger:
        (standing,) = await ledger.read([charge(the_budget(LIMIT, wait_s=0.5))])
    assert (standing.spent, standing.held) == (7 * AMOUNT, 0)
