"""The plain ASGI app every simulator is: it notes, answers, fails as told, and stops when the client goes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.simulators.control import CONTROL, control
from gateway.simulators.keep_alive import KeepAlive
from gateway.simulators.line import EXTENSION, Line
from gateway.simulators.reply import KEEP_ALIVE, Arrived, Events, Headers, Reply, Whole
from gateway.simulators.watch import CURRENT, Seen, Watch

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = Callable[[Arrived], Awaitable[Reply]]

FLUSH_S = 0.01
"""So long the client may read what was sent before a reset takes the rest away."""

MISSING_BYTES = 64
"""What a cut body falls short of its content-length by."""


class StandIn:
    """One simulated service. `answer` is the service; everything around it is the same for all.

    `page` is what a broken intermediary says instead; `headers` go with every answer; a request whose body is longer
    than `body_limit` arrives without the rest.
    """

    def __init__(
        self, watch: Watch, answer: Answer, page: Whole, headers: Headers = (), body_limit: int | None = None
    ) -> None:
        self.watch = watch
        self._answer = answer
        self._page = page
        self._headers = headers
        self._body_limit = body_limit

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "lifespan":
                await _live(receive, send)
            case "http":
                arrived = await _arrive(scope, receive, self._body_limit)
                if arrived is not None and arrived.path.startswith(CONTROL):
                    await self._send_whole(control(arrived, self.watch), arrived.seen, send)
                elif arrived is not None:
                    self.watch.note(arrived.seen)
                    await self._attend(arrived, scope["extensions"][EXTENSION]["line"], send)
            case _:
                pass

    async def _attend(self, arrived: Arrived, line: Line, send: Send) -> None:
        """Answer while the client is there: its leaving cancels the task at once, without a second task to watch."""
        CURRENT.set(arrived.seen)
        task = asyncio.current_task()
        assert task is not None, "an ASGI app runs in a task"
        line.on_lost = task.cancel
        self.watch.open_requests += arrived.has_content
        try:
            if line.is_lost:
                raise asyncio.CancelledError
            await self._reply(arrived, line, send)
        except asyncio.CancelledError:
            if line.is_lost:
                if arrived.has_content:
                    self.watch.note_left(arrived.seen)
            else:
                await line.reset()  # the server stops
        finally:
            line.on_lost = None
            self.watch.open_requests -= arrived.has_content

    async def _reply(self, arrived: Arrived, line: Line, send: Send) -> None:
        faults = self.watch.faults
        if arrived.has_content and faults.hang:
            await asyncio.Event().wait()
        reply = self._page if arrived.has_content and faults.html else await self._answer(arrived)
        if arrived.has_content and faults.cut_after_events == 0 and faults.cut_with != "end":
            await self._cut(line)
        elif isinstance(reply, Events):
            await self._stream(reply, arrived.seen, line, send)
        elif arrived.has_content and faults.cut_body:
            await self._send_part(reply, arrived.seen, line, send)
        else:
            await self._send_whole(reply, arrived.seen, send)

    async def _stream(self, reply: Events, seen: Seen, line: Line, send: Send) -> None:
        await self._start(200, [*_EVENT_STREAM, *reply.headers], seen, send)

        async def say(data: bytes) -> None:
            seen.parts.append(data)
            await send({"type": "http.response.body", "body": data, "more_body": True})

        faults = self.watch.faults
        beat = None if reply.keep_alive_s is None else KeepAlive(reply.keep_alive_s, lambda: say(KEEP_ALIVE))
        sent = 0
        try:
            async for event in reply.events:
                if sent == faults.cut_after_events:
                    break
                await say(event)
                sent += 1
                if beat is not None:
                    beat.touch()
                if sent == faults.cut_after_events and faults.cut_with != "end":
                    await asyncio.sleep(FLUSH_S)
                    await self._cut(line)
                    return
        finally:
            if beat is not None:
                beat.close()
            await reply.events.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_whole(self, reply: Whole, seen: Seen, send: Send) -> None:
        seen.parts.append(reply.body)
        await self._start(reply.status, reply.head(len(reply.body)), seen, send)
        await send({"type": "http.response.body", "body": reply.body})

    async def _send_part(self, reply: Whole, seen: Seen, line: Line, send: Send) -> None:
        seen.parts.append(reply.body)
        await self._start(reply.status, reply.head(len(reply.body) + MISSING_BYTES), seen, send)
        await send({"type": "http.response.body", "body": reply.body, "more_body": True})
        await asyncio.sleep(FLUSH_S)
        await line.close()

    async def _start(self, status: int, head: list[tuple[bytes, bytes]], seen: Seen, send: Send) -> None:
        seen.status = status
        await send({"type": "http.response.start", "status": status, "headers": [*head, *self._headers]})

    async def _cut(self, line: Line) -> None:
        await (line.reset() if self.watch.faults.cut_with == "reset" else line.close())


_EVENT_STREAM = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"))


async def _arrive(scope: Message, receive: Receive, body_limit: int | None) -> Arrived | None:
    """Read the request to its end, or to the limit; None: the client left before."""
    body = bytearray()
    headers = dict(scope["headers"])
    declared = int(headers.get(b"content-length", b"0"))
    is_too_large = body_limit is not None and declared > body_limit
    more = not is_too_large
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        is_too_large = body_limit is not None and len(body) > body_limit
        more = message.get("more_body", False) and not is_too_large
    query = scope["query_string"]
    raw_path = scope["raw_path"] + (b"?" + query if query else b"")
    seen = Seen(scope["method"], raw_path.decode("latin-1"), tuple(scope["headers"]), bytes(body), time.time())
    return Arrived(scope["method"], scope["path"], headers, seen, is_too_large)


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
