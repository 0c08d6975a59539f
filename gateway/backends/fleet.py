"""Every backend of a policy: built by kind, opened, probed, and what is known of each."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from gateway.backends.http_backend import HttpBackend
from gateway.backends.inference_endpoint import API, InferenceEndpoint
from gateway.backends.litellm_backend import LiteLLMBackend
from gateway.backends.probes import QUESTIONS, probe
from gateway.core.ports import Backend, Clock
from gateway.core.types import BackendKind, BackendSpec, BackendState, Standing

FIRST_LOOK_S = 0.5
"""So long the start waits for the first probes: what is unreachable is known before the first request, mostly."""
REFRESH_S = 0.25
"""How late an open breaker may be seen to be due."""
FOLLOW_S = 10.0
"""How often an Inference Endpoint is looked up, and how soon it is woken after it was wanted."""


class Member(Backend, Protocol):
    """What the fleet asks of a backend of any kind. `rows` are for /readyz: what each replica is like."""

    @property
    def state(self) -> BackendState: ...
    def rows(self) -> Sequence[dict[str, object]]: ...
    def busy(self) -> Mapping[str, int]: ...
    def open(self) -> None: ...
    def refresh(self) -> None: ...
    async def aclose(self) -> None: ...


class Fleet:
    """Implements `core.ports.Fleet`; owns the backends' connections and the tasks that watch them.

    `endpoints_api` is where Inference Endpoints are looked up. A backend that the fleet `before` has declared alike is
    taken over as it is, with its connections, its breakers and what is known of it; it closes with the last of the
    fleets that have it.
    """

    def __init__(
        self, specs: Mapping[str, BackendSpec], clock: Clock, endpoints_api: str = API, before: "Fleet | None" = None
    ) -> None:
        self._endpoints_api = endpoints_api
        known = {} if before is None else before._watched
        self._watched: dict[str, _Watched] = {}
        for name, spec in specs.items():
            found = known.get(name)
            self._watched[name] = _Watched(_built(spec, clock)) if found is None or found.spec != spec else found
            self._watched[name].fleets += 1
        self._members: dict[str, Member] = {name: each.member for name, each in self._watched.items()}
        self._refreshing: asyncio.Task[None] | None = None

    @property
    def states(self) -> Mapping[str, BackendState]:
        return {name: member.state for name, member in self._members.items()}

    def __getitem__(self, name: str) -> Backend:
        return self._members[name]

    def wanted(self, name: str) -> None:
        self._watched[name].is_wanted = True

    def in_flight(self) -> Mapping[tuple[str, str], int]:
        return {
            (name, replica): count for name, member in self._members.items() for replica, count in member.busy().items()
        }

    def queues(self) -> Mapping[tuple[str, str], int]:
        return {
            (backend.spec.name, replica.name): replica.queued
            for backend in self._over_http()
            for replica in backend.replicas.all
            if replica.load is not None
        }

    def predicted_waits(self) -> Mapping[str, float]:
        waits = ((backend.spec.name, backend.replicas.predicted_wait_s()) for backend in self._over_http())
        return {name: wait_s for name, wait_s in waits if wait_s is not None}

    def readiness(self) -> list[dict[str, object]]:
        """A row a replica: backend, zone, whether that is saturated, and what the replica is like."""
        return [
            {"backend": name, "zone": member.spec.zone.name, "saturated": member.state.is_saturated, **row}
            for name, member in self._members.items()
            for row in member.rows()
        ]

    def info(self) -> dict[str, object]:
        """What the first TGI that answered says of itself at /info; empty where none has."""
        tgis = (backend for backend in self._over_http() if backend.spec.kind is BackendKind.TGI)
        return next((replica.told for backend in tgis for replica in backend.replicas.all if replica.told), {})

    def _over_http(self) -> Iterator[HttpBackend]:
        return (member for member in self._members.values() if isinstance(member, HttpBackend))

    async def start(self) -> None:
        """Open what is not open yet, and wait a little for what it says of itself."""
        first = [look for each in self._watched.values() for look in each.start(self._endpoints_api)]
        if first:
            await asyncio.wait(first, timeout=FIRST_LOOK_S)
        self._refreshing = asyncio.create_task(self._refresh(), name="breakers")

    async def aclose(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing
        for each in self._watched.values():
            each.fleets -= 1
            if not each.fleets:
                await each.aclose()

    async def _refresh(self) -> None:
        """An open breaker becomes due by the clock alone, a queue shorter as requests end: nobody else would notice."""
        while True:
            await asyncio.sleep(REFRESH_S)
            for member in self._members.values():
                if member.state.standing is not Standing.UP:
                    member.refresh()


class _Watched:
    """One backend and the tasks that watch it, in as many fleets as have it."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.fleets = 0
        self.is_wanted = False
        self._tasks: list[asyncio.Task[None]] = []
        self._is_open = False

    @property
    def spec(self) -> BackendSpec:
        return self.member.spec

    def start(self, endpoints_api: str) -> Iterator[asyncio.Task[None]]:
        """Yields the first look at it, where there is something to look at; nothing where it is open already."""
        if self._is_open:
            return
        self._is_open = True
        self.member.open()
        if isinstance(self.member, HttpBackend):
            backend, name = self.member, self.spec.name
            first = asyncio.create_task(_probe_all(backend))
            self._tasks = [first, asyncio.create_task(_keep_probing(backend), name=f"probe {name}")]
            if self.spec.inference_endpoint:
                self._tasks.append(asyncio.create_task(self._follow(backend, endpoints_api), name=f"follow {name}"))
            yield first

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.member.aclose()

    async def _follow(self, backend: HttpBackend, api: str) -> None:
        """Keep the replicas of an Inference Endpoint where it is; wake it when a request wanted it."""
        endpoint = InferenceEndpoint(self.spec.inference_endpoint or "", self.spec.api_key, api)
        while True:
            sighting = await endpoint.look()
            if sighting.is_asleep and self.is_wanted:
                sighting = await endpoint.resume()
            self.is_wanted = False
            backend.move(() if sighting.url is None else (sighting.url,), sighting.reason)
            await asyncio.sleep(FOLLOW_S)


def _built(spec: BackendSpec, clock: Clock) -> Member:
    return HttpBackend(spec, clock) if spec.kind in QUESTIONS else LiteLLMBackend(spec, clock)


async def _keep_probing(backend: HttpBackend) -> None:
    while True:
        await asyncio.sleep(QUESTIONS[backend.spec.kind].every_s)
        await _probe_all(backend)


async def _probe_all(backend: HttpBackend) -> None:
    await asyncio.gather(*(probe(backend, replica) for replica in backend.replicas.all))
    backend.refresh()
