"""A ledger in Redis under sentinels or spread over a cluster: exact, and after the master's death told again."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledgers import LEASE_S, account, at_work
from redis import Redis
from redis_servers import RedisSentinel, RedisServer
from spending_process import SystemClock

from gateway.core.budgets import Hold
from gateway.core.errors import LedgerUnavailable
from gateway.core.money import NanoUSD
from gateway.stores.books_redis import RedisBooks
from gateway.stores.ledger import SlicedLedger
from gateway.stores.redis_look import look

PATIENCE_S = 40.0
SLOTS = 16_384
BUDGET = account(100)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    def made(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    return made


def soon(claim: Callable[[], bool]) -> None:
    """Look again until it is so; fails when time is up."""
    until = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < until
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def connections(sentinel: RedisServer) -> int:
    """How many clients there are, whoever asks left out."""
    with Redis(port=sentinel.port) as client:
        return len(client.client_list(_type="normal")) - 1


@contextlib.contextmanager
def watched(folder: Callable[[str], Path]) -> Iterator[tuple[RedisServer, RedisSentinel]]:
    """A master with a replica that is in step, and a sentinel over both."""
    master, replica = RedisServer(folder("master")), RedisServer(folder("replica"))
    sentinel = RedisSentinel(folder("sentinel"))
    try:
        master.start()
        replica.start("--replicaof", f"127.0.0.1 {master.port}", "--repl-diskless-sync-delay", "0")
        sentinel.watch(master)
        with Redis(port=master.port) as client, Redis(port=sentinel.port) as watch:
            soon(lambda: client.info("replication").get("slave0", {}).get("state") == "online")
            soon(lambda: len(watch.sentinel_slaves("books")) == 1)
        yield master, sentinel
    finally:
        for each in (sentinel, replica, master):
            each.kill()


@contextlib.contextmanager
def cluster(folder: Callable[[str], Path]) -> Iterator[str]:
    """Three nodes with a third of the slots each."""
    nodes = [RedisServer(folder(name)) for name in ("a", "b", "c")]
    buses = [free_port() for _ in nodes]
    try:
        for number, node in enumerate(nodes):
            node.start("--cluster-enabled", "yes", "--cluster-port", str(buses[number]))
            with Redis(port=node.port) as client:
                first, last = SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1
                client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for node in nodes[1:]:
            with Redis(port=node.port) as client:
                client.execute_command("CLUSTER MEET", "127.0.0.1", nodes[0].port, buses[0])
        for node in nodes:
            with Redis(port=node.port) as client:
                soon(lambda client=client: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        yield nodes[1].url.replace("redis:", "redis+cluster:")
    finally:
        for node in nodes:
            node.kill()


@pytest.mark.slow
async def test_a_cluster_keeps_one_budget_for_two_workers(folder: Callable[[str], Path]) -> None:
    with cluster(folder) as url:
        opened = lambda: RedisBooks(url)  # noqa: E731
        async with at_work(opened, SystemClock()) as one, at_work(opened, SystemClock()) as other:
            asks = [
                worker.reserve((BUDGET, account(60, "narrow")), NanoUSD(10), LEASE_S)
                for worker in (one, other)
                for _ in range(8)
            ]
            granted = [hold for hold in await asyncio.gather(*asks) if isinstance(hold, Hold)]
            assert len(granted) == 6
            one.settle(granted[0], NanoUSD(7))
            assert (await one.read([BUDGET]))[0].spent == 7
        assert look(url).is_kept


@pytest.mark.slow
async def test_sentinels_lead_to_the_new_master_when_the_old_one_dies_and_no_bill_is_lost(
    folder: Callable[[str], Path],
) -> None:
    with watched(folder) as (master, sentinel):
        async with at_work(lambda: RedisBooks(sentinel.url), SystemClock()) as ledger:
            first = await ledger.reserve((BUDGET,), NanoUSD(40), LEASE_S)
            second = await ledger.reserve((BUDGET,), NanoUSD(20), LEASE_S)
            assert isinstance(first, Hold)
            assert isinstance(second, Hold)
            master.kill()
            ledger.settle(first, NanoUSD(4))
            assert await once_back(ledger) == (4, 20)
            assert not isinstance(await ledger.reserve((BUDGET,), NanoUSD(77), LEASE_S), Hold)
            ledger.settle(second, NanoUSD(1))
            assert await once_back(ledger) == (5, 0)


@pytest.mark.slow
async def test_books_that_are_closed_leave_no_connection_to_a_sentinel(folder: Callable[[str], Path]) -> None:
    with watched(folder) as (_, sentinel):
        before = connections(sentinel)
        books = RedisBooks(sentinel.url)
        await books.leave("nobody")
        assert connections(sentinel) > before
        await books.aclose()
        soon(lambda: connections(sentinel) == before)


async def once_back(ledger: SlicedLedger) -> tuple[int, int]:
    """What is spent and held, as soon as a master can be asked and has heard everything."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(LedgerUnavailable):
                (standing,) = await ledger.read([BUDGET])
                if not ledger._trouble:
                    return standing.spent, standing.held
            await asyncio.sleep(0.01)
