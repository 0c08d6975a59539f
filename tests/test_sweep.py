"""The sweep: a request whose time is up, or whose client has left, is cancelled with the reason written down first."""

import asyncio

import pytest

from gateway.sweep import WATCH_AFTER_S, Interruption, Sweep


class HandClock:
    """A clock that moves when told to."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    wall = monotonic


async def never() -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def clock() -> HandClock:
    return HandClock()


async def request(
    sweep: Sweep, client_left=never, attempt_until: float | None = None, deadline_s: float = 100.0
) -> str:
    """A request that waits for ever, and says why it ended."""
    vigil = sweep.enter(client_left, deadline_s)
    vigil.attempt_until = attempt_until
    try:
        await never()
    except asyncio.CancelledError:
        for reason in Interruption:
            if vigil.absorb(reason):
                return reason.value
        raise
    finally:
        sweep.leave(vigil)
    return "never"


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"deadline_s": 5.0}, "deadline"),
        ({"attempt_until": 5.0}, "attempt"),
        ({"attempt_until": 50.0, "deadline_s": 5.0}, "deadline"),
    ],
)
async def test_time_that_is_up_ends_a_request_with_its_reason(clock: HandClock, arguments, reason: str) -> None:
    sweep = Sweep(clock)
    task = asyncio.create_task(request(sweep, **arguments))
    await turn()
    sweep.look(4.9)
    await turn()
    assert not task.done()
    sweep.look(5.0)
    assert await task == reason
    assert sweep.in_flight == 0


async def test_only_a_request_that_waits_gets_a_watcher(clock: HandClock) -> None:
    sweep = Sweep(clock)
    task = asyncio.create_task(request(sweep))
    await turn()
    before = len(asyncio.all_tasks())
    sweep.look(WATCH_AFTER_S / 2)
    assert len(asyncio.all_tasks()) == before
    sweep.look(WATCH_AFTER_S)
    assert len(asyncio.all_tasks()) == before + 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await turn()
    assert len(asyncio.all_tasks()) == before - 1


async def test_a_client_that_leaves_ends_its_request(clock: HandClock) -> None:
    sweep, left = Sweep(clock), asyncio.Event()

    async def client_left() -> None:
        await left.wait()

    task = asyncio.create_task(request(sweep, client_left))
    await turn()
    sweep.look(1.0)
    left.set()
    assert await task == "client_left"


async def test_a_client_that_leaves_while_an_attempt_times_out_is_noticed_at_the_next_look(clock: HandClock) -> None:
    sweep, left = Sweep(clock), asyncio.Event()
    seen: list[str] = []

    async def client_left() -> None:
        await left.wait()

    async def two_attempts() -> None:
        vigil = sweep.enter(client_left, 100.0)
        vigil.attempt_until = 2.0
        for reason in (Interruption.ATTEMPT, Interruption.CLIENT_LEFT):
            try:
                await never()
            except asyncio.CancelledError:
                assert vigil.absorb(reason)
                seen.append(reason.value)
                vigil.attempt_until = None
        sweep.leave(vigil)

    task = asyncio.create_task(two_attempts())
    await turn()
    sweep.look(1.0)
    await turn()
    left.set()
    sweep.look(2.0)  # the attempt's time is up in the same turn as the client leaves
    await turn()
    sweep.look(2.1)
    await task
    assert seen == ["attempt", "client_left"]


async def test_a_cancellation_from_elsewhere_is_not_swallowed(clock: HandClock) -> None:
    task = asyncio.create_task(request(Sweep(clock)))
    await turn()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
