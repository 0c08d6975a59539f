"""Fixtures for every room: the whole house on loopback, with simulated backends and real clients."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
from house import ZONES_AND_BACKENDS, House, open_house

OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Local first, OpenAI as fallback; both healthy."""
    async with open_house() as opened:
        yield opened


@pytest.fixture
async def a_house() -> AsyncIterator[Callable[..., object]]:
    """`await a_house(policy, ...)`: a house of your own making, closed when the test ends."""
    async with AsyncExitStack() as stack:

        async def build(*arguments: object, **named: object) -> House:
            return await stack.enter_async_context(open_house(*arguments, **named))

        yield build


@pytest.fixture
async def tgi_only(a_house) -> House:
    """Nobody else to fall back on."""
    return await a_house(ZONES_AND_BACKENDS + "otherwise: {route: [local]}\n")
