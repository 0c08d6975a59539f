"""Ten dashboards that are open: ten live feeds, and what the page asks every five seconds."""

import asyncio
import sys

import aiohttp

DASHBOARDS = 10
EVERY_S = 5.0
PATHS = ("overview", "costs", "backends", "budgets", "decisions")


async def watch(url: str) -> None:
    """Until it is ended."""
    async with aiohttp.ClientSession(url) as client, asyncio.TaskGroup() as group:
        for number in range(DASHBOARDS):
            group.create_task(_listen(client))
            group.create_task(_ask(client, number * EVERY_S / DASHBOARDS))
        print("open", flush=True)


async def _listen(client: aiohttp.ClientSession) -> None:
    while True:
        async with client.get("/admin/feed") as answer:
            async for _ in answer.content:
                pass


async def _ask(client: aiohttp.ClientSession, later_s: float) -> None:
    await asyncio.sleep(later_s)
    while True:
        for path in PATHS:
            async with client.get(f"/admin/{path}") as answer:
                answer.raise_for_status()
                await answer.read()
        await asyncio.sleep(EVERY_S)


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1]))
