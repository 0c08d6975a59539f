"""Copies of requests to another backend, after their answers: few at once, none that anybody waits for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, StreamBroken
from gateway.core.ports import Backend, Clock, Recorder
from gateway.core.records import Record
from gateway.core.shadow import DROPPED, Shadow
from gateway.core.types import UP, BackendSpec, BackendState, Envelope, Route, Sensitivity
from gateway.core.usage import Usage
from gateway.spending import Slip

MOST_AT_ONCE = 8
"""A request whose copy would be one more has none: a slow backend must not make the gateway hold on to requests."""

_log = logging.getLogger("gateway")


Afford = Callable[[Envelope, BackendSpec, BackendState], Awaitable[Slip | None]]


class Copy(NamedTuple):
    """What is sent where, and what to call when it is over. `sensitivity` is that of what is sent. `afford` sets money
    aside for it; None: no budgets are kept."""

    backend: Backend
    route: Route
    envelope: Envelope
    sensitivity: Sensitivity
    ended: Callable[[], None]
    afford: Afford | None = None
    state: BackendState = UP

    def left(self, error: str = "", **more: object) -> Shadow:
        spec = self.backend.spec
        return msgspec.structs.replace(Shadow(spec.name, spec.zone.name, self.sensitivity.label, 0, error), **more)


class Shadows:
    """Owns the tasks that send the copies. A request's Record is handed over once its copy has ended."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, copy: Copy, record: Record) -> None:
        """Send the copy of a request that has been answered. Never waits."""
        if len(self._tasks) >= MOST_AT_ONCE:
            self._end(copy, record, copy.left(DROPPED))
            return
        task = asyncio.create_task(self._send(copy, record), name="shadow")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Copies under way are called off, and recorded so."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, copy: Copy, record: Record) -> None:
        began = self._clock.monotonic()
        left = copy.left("cancelled")
        try:
            left = await _outcome(copy)
        finally:
            total_ms = (self._clock.monotonic() - began) * 1000
            self._end(copy, record, msgspec.structs.replace(left, total_ms=total_ms))

    def _end(self, copy: Copy, record: Record, left: Shadow) -> None:
        self._recorder.record(msgspec.structs.replace(record, shadow=left))
        copy.ended()


async def _outcome(copy: Copy) -> Shadow:
    """Ask, and read to the end. Raises nothing but its own cancellation."""
    try:
        async with asyncio.timeout(copy.route.total_s):
            return await _read(copy)
    except (AttemptFailed, StreamBroken) as failure:
        return copy.left(failure.kind.value)
    except GatewayError as error:
        return copy.left(error.code, status=error.status)
    except TimeoutError:
        return copy.left(FailureKind.TIMEOUT.value)
    except Exception as bug:  # its words may quote the request
        _log.error("unexpected %s in a shadow", type(bug).__name__)
        return copy.left("internal_error")


async def _read(copy: Copy) -> Shadow:
    slip = None if copy.afford is None else await copy.afford(copy.envelope, copy.backend.spec, copy.state)
    try:
        return await _answer(copy, slip)
    except BaseException as error:
        if slip is not None:
            slip.failed(error)  # of no effect where it had been answered
        raise


async def _answer(copy: Copy, slip: Slip | None) -> Shadow:
    envelope = copy.envelope if slip is None else slip.envelope
    reply = await copy.backend.send(envelope, copy.route, copy.sensitivity)
    is_whole = not reply.is_stream
    try:
        if reply.is_stream:
            async for _ in reply.chunks():
                pass
            is_whole = True
        return _used(copy, reply.status, reply.usage)
    finally:
        if slip is not None:
            slip.answered(reply.status, reply.usage, is_whole=is_whole)
        await reply.aclose()


def _used(copy: Copy, status: int, usage: Usage | None) -> Shadow:
    price = copy.backend.spec.price_for(copy.envelope.endpoint)
    if usage is None:
        return copy.left(status=status)
    cost = price and usage.cost(price)
    return copy.left(
        status=status, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens, cost=cost
    )
