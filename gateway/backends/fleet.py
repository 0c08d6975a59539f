"""Every backend of a policy: built by kind, opened, probed, and what is known of each."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.backends.http_backend import HttpBackend
from gateway.backends.inference_endpoint import API, InferenceEndpoint
from gateway.backends.litellm_backend import LiteLLMBackend
from gateway.backends.probes import QUESTIONS, probe
from gateway.core.ports import Backend, Clock
from gateway.core.types import BackendKind, BackendSpec, BackendState

FIRST_LOOK_S = 0.5
"""So long the start waits for the first probes: what is unreachable is known before the first request, mostly."""
REFRESH_S = 0.25
"""How late an open breaker may be seen to be due."""
FOLLOW_S = 10.0
"""How often an Inference Endpoint is looked up, and how soon it is woken after it was wanted."""


class Member(Backend, Protocol):
    """What the fleet asks of a backend of any kind. `rows` are for /readyz: replica, up, reason, breaker."""

    @property
    def state(self) -> BackendState: ...
    def rows(self) -> Sequence[dict[str, object]]: ...
    def busy(self) -> Mapping[str, int]: ...
    def open(self) -> None: ...
    def refresh(self) -> None: ...
    async def aclose(self) -> None: ...


class Fleet:
    """Implements `core.ports.Fleet`; owns the backends' connections and the tasks that watch them.

    `endpoints_api` is where Inference Endpoints are looked up.
    """

    def __init__(self, specs: Mapping[str, BackendSpec], clock: Clock, endpoints_api: str = API) -> None:
        self._endpoints_api = endpoints_api
        self._over_http = [HttpBackend(spec, clock) for spec in specs.values() if spec.kind in QUESTIONS]
        others = [LiteLLMBackend(spec, clock) for spec in specs.values() if spec.kind is BackendKind.LITELLM]
        built: list[Member] = [*self._over_http, *others]
        self._members: dict[str, Member] = {member.spec.name: member for member in built}
        self._wanted: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def states(self) -> Mapping[str, BackendState]:
        return {name: member.state for name, member in self._members.items()}

    def __getitem__(self, name: str) -> Backend:
        return self._members[name]

    def wanted(self, name: str) -> None:
        self._wanted.add(name)

    def in_flight(self) -> Mapping[tuple[str, str], int]:
        return {
            (name, replica): count for name, member in self._members.items() for replica, count in member.busy().items()
        }

    def readiness(self) -> list[dict[str, object]]:
        """A row a replica: backend, zone, replica, up, reason, breaker."""
        return [
            {"backend": name, "zone": member.spec.zone.name, **row}
            for name, member in self._members.items()
            for row in member.rows()
        ]

    def info(self) -> dict[str, object]:
        """What the first TGI that answered says of itself at /info; empty where none has."""
        tgis = (backend for backend in self._over_http if backend.spec.kind is BackendKind.TGI)
        return next((replica.told for backend in tgis for replica in backend.replicas.all if replica.told), {})

    async def start(self) -> None:
        for member in self._members.values():
            member.open()
        first = [asyncio.create_task(_probe_all(backend)) for backend in self._over_http]
        if first:
            await asyncio.wait(first, timeout=FIRST_LOOK_S)
        followed = [backend for backend in self._over_http if backend.spec.inference_endpoint]
        self._tasks = [
            *first,
            asyncio.create_task(self._refresh(), name="breakers"),
            *(asyncio.create_task(_keep_probing(each), name=f"probe {each.spec.name}") for each in self._over_http),
            *(asyncio.create_task(self._follow(each), name=f"follow {each.spec.name}") for each in followed),
        ]

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for member in self._members.values():
            await member.aclose()

    async def _refresh(self) -> None:
        """An open breaker becomes due by the clock alone, and nobody else would notice."""
        while True:
            await asyncio.sleep(REFRESH_S)
            for member in self._members.values():
                if not member.state.is_up:
                    member.refresh()

    async def _follow(self, backend: HttpBackend) -> None:
        """Keep the replicas of an Inference Endpoint where it is; wake it when a request wanted it."""
        spec = backend.spec
        endpoint = InferenceEndpoint(spec.inference_endpoint or "", spec.api_key, self._endpoints_api)
        while True:
            sighting = await endpoint.look()
            if sighting.is_asleep and spec.name in self._wanted:
                sighting = await endpoint.resume()
            self._wanted.discard(spec.name)
            backend.move(() if sighting.url is None else (sighting.url,), sighting.reason)
            await asyncio.sleep(FOLLOW_S)


async def _keep_probing(backend: HttpBackend) -> None:
    while True:
        await asyncio.sleep(QUESTIONS[backend.spec.kind].every_s)
        await _probe_all(backend)


async def _probe_all(backend: HttpBackend) -> None:
    await asyncio.gather(*(probe(backend, replica) for replica in backend.replicas.all))
    backend.refresh()
