"""A client that leaves: the upstream connection closes within a second, and nothing is left behind."""

import asyncio
import gc
import json
import os

import pytest
from house import House, open_house, until

from gateway.simulators.openai import OpenAISettings
from gateway.simulators.tgi import TgiSettings

pytestmark = pytest.mark.slow


async def begin(house: House, model: str, *, stream: bool, read: int) -> asyncio.StreamWriter:
    """A bare client: sends a request, reads `read` pieces of the answer, and is still connected."""
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps(
        {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Say hello"}]}
    ).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n")
    writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    for _ in range(read):
        assert await reader.read(65536)
    return writer


SITUATIONS = {"prefill": (True, 0), "stream": (True, 2), "not streamed": (False, 0)}


@pytest.mark.parametrize("model", ["local", "frontier"])
@pytest.mark.parametrize("situation", list(SITUATIONS))
async def test_the_upstream_call_closes_when_the_client_leaves(situation: str, model: str) -> None:
    stream, read = SITUATIONS[situation]
    slow_start = 0 if read else 60_000
    async with open_house(
        tgi=TgiSettings(prefill_ms=slow_start, token_ms=1000), api=OpenAISettings(prefill_ms=slow_start, token_ms=1000)
    ) as house:
        simulator = house.gpu if model == "local" else house.api
        writer = await begin(house, model, stream=stream, read=read)
        await until(lambda: simulator.open_requests == 1, 2)
        writer.transport.abort()
        await until(lambda: simulator.open_requests == 0)
        await until(lambda: house.gateway.sweep.in_flight == 0)
        assert simulator.closed_early >= 1
        (record,) = await house.records()
        assert record.outcome.ending.value == "abandoned"


@pytest.mark.slow
async def test_a_thousand_clients_that_leave_leave_nothing_behind() -> None:
    async with open_house(tgi=TgiSettings(prefill_ms=150, token_ms=50, max_concurrent_requests=1000)) as house:

        async def come_and_go(number: int) -> None:
            stream, read = list(SITUATIONS.values())[number % 3]
            writer = await begin(house, "local", stream=stream, read=min(read, 1))
            await asyncio.sleep(0 if read else 0.06)  # 60 ms: long enough that the request has reached the backend
            writer.transport.abort()

        async def wave(first: int) -> None:
            async with asyncio.TaskGroup() as group:
                for number in range(first, first + 50):
                    group.create_task(come_and_go(number))
            await until(lambda: house.gpu.open_requests == 0 and house.gateway.sweep.in_flight == 0, 3)

        await wave(0)
        gc.collect()
        tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
        for first in range(50, 1050, 50):
            await wave(first)
        gc.collect()
        await until(lambda: len(asyncio.all_tasks()) <= tasks, 3)
        assert len(os.listdir("/proc/self/fd")) <= files + 20  # pooled keep-alive connections come and go
        assert all(count == 0 for count in house.gateway.fleet.in_flight().values())
        assert (await house.chat("Say hello")).choices[0].message.content
