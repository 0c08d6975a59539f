"""Ten who ask the same are answered by one look."""

import asyncio

import pytest

from gateway.dashboard.lately import Lately

pytestmark = pytest.mark.slow


async def test_who_asks_the_same_at_once_is_answered_by_one_look() -> None:
    lately, looks = Lately(), []

    async def look() -> int:
        looks.append(1)
        await asyncio.sleep(0)
        return len(looks)

    assert await asyncio.gather(*(lately.of("the same", look) for _ in range(10))) == [1] * 10
    assert await lately.of("another", look) == 2


async def test_an_answer_that_is_too_old_is_made_again() -> None:
    lately, looks = Lately(for_s=0.0), []

    async def look() -> int:
        looks.append(1)
        return len(looks)

    assert [await lately.of("the same", look) for _ in range(2)] == [1, 2]


async def test_a_look_that_failed_is_not_kept_and_one_who_leaves_takes_it_from_nobody() -> None:
    lately, gate = Lately(), asyncio.Event()

    async def fail() -> int:
        raise LookupError

    async def wait() -> int:
        await gate.wait()
        return 7

    with pytest.raises(LookupError):
        await lately.of("it", fail)
    first, second = (asyncio.create_task(lately.of("it", wait)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()
    assert await second == 7
