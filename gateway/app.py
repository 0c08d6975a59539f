"""The composition root: builds every part, wires them, and puts the plain ASGI data plane in front of FastAPI."""

import asyncio
import contextlib
import gc
import importlib.metadata
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import NamedTuple

import msgspec
from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from gateway.backends.fleet import Fleet
from gateway.classify.verdict import Classifier
from gateway.classify.weights import Weights
from gateway.config import Settings
from gateway.control import admin
from gateway.control.access import Access, Role
from gateway.control.admitting import admitting, sessions
from gateway.control.aside import Aside
from gateway.control.follow import Follow
from gateway.control.keyring import Keyring
from gateway.control.origin import Origin, Served, read_weights
from gateway.control.reload import Reload, tell
from gateway.control.rewrite import Rewrite, noting
from gateway.control.siblings import Question, Seat, Siblings
from gateway.control.succession import Generation, Succession
from gateway.core.budgets import Warned
from gateway.core.errors import GatewayError
from gateway.core.records import Record
from gateway.dashboard import api as dashboard
from gateway.dashboard import page, trying
from gateway.dashboard.answers import as_json
from gateway.dashboard.described import described
from gateway.dashboard.feed import Feed
from gateway.http import ops
from gateway.http.accept import Receive, Scope
from gateway.http.data_plane import DataPlane, endpoint_of
from gateway.http.respond import Send
from gateway.pipeline import Pipeline
from gateway.policy.model import Policy
from gateway.shadows import Shadows
from gateway.spending import Kept, Spending
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.stores.journal_view import JournalView
from gateway.stores.ledger import SlicedLedger
from gateway.stores.open_books import open_books
from gateway.stores.open_history import open_history
from gateway.sweep import Sweep
from gateway.telemetry.alerts import Alerts
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.otlp import tellings
from gateway.telemetry.pruning import Pruning
from gateway.telemetry.recorder import Recorder
from gateway.telemetry.together import together
from gateway.turnstile import Turnstile

GC_THRESHOLDS = (50_000, 20, 100)
"""A request leaves no cycles behind, so the collector that looks for them is asked seldom."""

VERSION = importlib.metadata.version("hybrid-gateway")


class SystemClock:
    """The machine's clocks; implements `core.ports.Clock`."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class Control(NamedTuple):
    """What a gateway that was started from files is changed by."""

    reload: Reload
    rewrite: Rewrite
    follow: Follow | None


class Gateway:
    """Everything of one running gateway, built from a policy and settings; owns what must be started and closed.

    `origin`: the files the policy came from, which are then watched; None where it came from none. `seat`: its place
    among the workers of one address; None where it is alone.
    """

    def __init__(
        self, policy: Policy, settings: Settings, origin: Origin | None = None, seat: Seat | None = None
    ) -> None:
        weights = read_weights(settings.weights)
        clock = SystemClock()
        self.is_draining = False
        self._clock = clock
        self.aside = Aside()
        self.sweep = Sweep(clock)
        self.journal = SqliteJournal(settings.journal)
        self.view = JournalView(settings.journal)
        self.feed = Feed(self.view)
        environment: Mapping[str, str] = {} if origin is None else origin.environment
        self.access = Access(environment)
        self.keys = None if settings.keys is None else Keyring(settings.keys, clock)
        fleet = Fleet(policy.backends, clock)
        self._metrics = Metrics(policy, fleet, self.sweep)
        out = sys.stdout if settings.log == "json" else None
        self.recorder = Recorder(
            self.journal, self._metrics, out, tellings(settings.collector, lambda: self.policy.backends, tell)
        )
        self._pruning = Pruning(self.journal, settings.journal_keep, clock)
        self._alerts = Alerts(settings.budget_webhook)
        ledger = settings.ledger or str(settings.journal.with_suffix(".ledger.sqlite"))
        self.ledger = SlicedLedger(lambda: open_books(ledger), clock, self._warned)
        self.shadows = Shadows(self.recorder, clock)
        self.succession = succession = Succession(
            self._generation(Served(policy, weights), fleet, self._classifier(Served(policy, weights)))
        )
        self._metrics.serves(policy, fleet, weights.digest)
        self.siblings = Siblings(
            seat, {Question.STATE: self._state, Question.METRICS: self._page, Question.RELOAD: self._reloaded}
        )
        self.control = None if origin is None else self._control(origin, settings)
        self.data_plane = DataPlane(
            lambda: succession.pipeline,
            settings.max_body_bytes,
            self._metrics.turned_away,
            settings.collector.tracing,
            self.keys,
        )

    @property
    def policy(self) -> Policy:
        return self.succession.pipeline.policy

    @property
    def fleet(self) -> Fleet:
        return self.succession.now.fleet

    def served(self) -> Served:
        return Served(self.policy, self.succession.now.weights)

    async def serve(self, following: Served, commit: Callable[[], None]) -> None:
        """Build everything of another policy beside what is served; once `commit`, which may block, has made it the
        truth, serve it from the next request on."""
        fleet = Fleet(following.policy.backends, self._clock, before=self.fleet)
        try:
            await fleet.start()
            await self._keep_accounts(following.policy)
            classifier = await self.aside.do(self._classifier, following, self.succession.now)
            await asyncio.to_thread(commit)
        except BaseException:
            await fleet.aclose()
            raise
        self.succession.swap(self._generation(following, fleet, classifier))
        self._metrics.serves(following.policy, fleet, following.weights.digest)

    @property
    def weights(self) -> Weights:
        return self.succession.now.weights

    @property
    def rewrite(self) -> Rewrite | None:
        return None if self.control is None else self.control.rewrite

    def replicas(self) -> list[dict[str, object]]:
        return self.fleet.readiness()

    async def budgets(self) -> list[Kept]:
        """How the budgets of the policy stand. Raises LedgerUnavailable."""
        spending = self.succession.pipeline.spending
        return [] if spending is None else await spending.standings()

    async def find(self, id: str) -> Record | None:
        """A record by request or decision id, also one that waits to be written."""
        await self.recorder.flushed()
        return await asyncio.to_thread(self.journal.find, id)

    async def _keep_accounts(self, policy: Policy) -> None:
        if policy.budgets or policy.rate_limits:
            await self.ledger.start()

    def _warned(self, warned: Warned) -> None:
        if warned.charge.budget.name in self.policy.budgets:  # and not a rate limit, which is often full
            self._metrics.budget_passed(warned)
            self._alerts.tell(warned)

    def _classifier(self, served: Served, before: Generation | None = None) -> Classifier:
        """Where texts are labelled and scored as before, what was found in them is remembered."""
        policy, weights = served
        if before and (before.pipeline.policy.labelling, before.weights.digest) == (policy.labelling, weights.digest):
            return before.classifier
        return Classifier(policy.labelling, weights, secrets.token_bytes(32))

    def _generation(self, served: Served, fleet: Fleet, classifier: Classifier) -> Generation:
        policy, weights = served
        turnstile = Turnstile(policy, self.ledger, self._clock) if policy.rate_limits else None
        spending = Spending(policy, self.ledger, self._clock) if policy.budgets else None
        parts = (classifier, fleet, self.recorder, self.sweep, self.shadows, self._clock)
        pipeline = Pipeline(policy, *parts, turnstile, spending)
        return Generation(pipeline, fleet, classifier, weights)

    def _control(self, origin: Origin, settings: Settings) -> Control:
        history = open_history(settings.policies)
        note = noting(origin, history, self._clock)
        reload = Reload(origin, self.served, self.serve, self._metrics.reloaded, note, self.aside, self._clock)
        rewrite = Rewrite(origin, history, reload, self.served, self._spread, self._clock)
        return Control(reload, rewrite, Follow(history, origin, reload) if history.is_shared else None)

    async def start(self) -> None:
        await self._keep_accounts(self.policy)
        await self.fleet.start()
        await self.recorder.start()
        self._pruning.start()
        if self.keys is not None:
            self.keys.start()
        self.sweep.start()
        await self.siblings.start()
        if self.control is not None:
            if self.control.follow is not None:
                await self.control.follow.start()
            await self.control.reload.start()

    async def aclose(self) -> None:
        """In the order of the promises: requests first, then what they left behind, then the connections."""
        self.feed.end()
        await self.siblings.aclose()
        if self.control is not None:
            if self.control.follow is not None:
                await self.control.follow.aclose()
            await self.control.reload.aclose()
        await self.sweep.aclose()
        await self.shadows.aclose()
        await self.ledger.aclose()
        await self._alerts.aclose()
        await self._pruning.aclose()
        if self.keys is not None:
            await self.keys.aclose()
        await self.recorder.aclose()
        self.journal.close()
        await self.succession.aclose()

    def drain(self) -> None:
        """Health turns unready; requests in flight, and those that still come, are finished."""
        self.is_draining = True

    async def readiness(self) -> dict[str, object]:
        """For /readyz: this worker's, and what the others say they serve."""
        report = {**self._report(), "backends": self.fleet.readiness(), "journal": self.recorder.health()}
        return {**report, "workers": await self.workers()} if self.siblings.seat else report

    async def workers(self) -> list[dict[str, object]]:
        """What each worker of this address serves, this one first; one that does not answer says nothing."""
        return [self._report(), *await self._of_others()]

    async def metrics(self) -> bytes:
        """Prometheus' text; of all workers where there are several."""
        page, seat = await self._page(), self.siblings.seat
        if seat is None:
            return page
        others = await self.siblings.ask(Question.METRICS)
        pages = {seat.number: page, **{number: other for number, other in others.items() if other}}
        return await asyncio.to_thread(together, pages)

    def _report(self) -> dict[str, object]:
        up = any(state.is_up for state in self.fleet.states.values())
        seat = self.siblings.seat
        return {
            **({} if seat is None else {"worker": seat.number, "pid": os.getpid()}),
            "ready": up and not self.is_draining,
            "draining": self.is_draining,
            "policy": {"name": self.policy.name, "digest": self.policy.digest, "refused": self._refused()},
            "weights": {"digest": self.succession.now.weights.digest},
        }

    def _refused(self) -> dict[str, object] | None:
        """The file that was to be served and is not; its first line says enough to look into the log."""
        refused = None if self.control is None else self.control.reload.refused
        return refused and {"at": refused.at, "reason": refused.reason.split("\n")[0]}

    async def _state(self) -> bytes:
        return msgspec.json.encode(self._report())

    async def _page(self) -> bytes:
        spending = self.succession.pipeline.spending
        self._metrics.budgets_stand(() if spending is None else await spending.standings_or_heard())
        return await asyncio.to_thread(self._metrics.render)

    async def _reloaded(self) -> bytes:
        if self.control is not None:
            await self.control.reload.now()
        return await self._state()

    async def _spread(self) -> object:
        return await self.siblings.ask(Question.RELOAD)

    async def _of_others(self) -> list[dict[str, object]]:
        answers = await self.siblings.ask(Question.STATE)
        return [
            {"worker": number, "answers": False} if answer is None else msgspec.json.decode(answer)
            for number, answer in answers.items()
        ]

    def info(self) -> dict[str, object]:
        return {**self.fleet.info(), "router": "hybrid-gateway", "version": VERSION}


def asgi(gateway: Gateway) -> "Front":
    """The ASGI application of one gateway."""
    return Front(gateway.data_plane, house(gateway))


class Front:
    """Content to the data plane, everything else to FastAPI: `app.mount` costs 40-60 µs a request, this does not."""

    def __init__(self, data_plane: DataPlane, house: FastAPI) -> None:
        self._data_plane = data_plane
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            endpoint = endpoint_of(scope["method"], scope["path"])
            if endpoint is not None:
                await self._data_plane(scope, receive, send, endpoint)
                return
        await self._house(scope, receive, send)


def house(gateway: Gateway) -> FastAPI:
    """Everything but content: operations, the admin routes, the page."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await gateway.start()
        gc.collect()
        gc.freeze()  # what lives for ever need not be walked again at every collection
        gc.set_threshold(*GC_THRESHOLDS)
        try:
            yield
        finally:
            await gateway.aclose()

    app = FastAPI(title="hybrid-gateway", version=VERSION, lifespan=lifespan, openapi_url=None)
    app.include_router(ops.router(lambda: gateway))
    app.include_router(sessions(gateway.access))
    looking = admitting(gateway.access, Role.VIEWER)
    app.include_router(dashboard.router(lambda: gateway, gateway.view, gateway.feed, looking))
    app.include_router(trying.router(lambda: gateway, gateway.view, gateway.access))
    app.include_router(page.router())

    @app.get("/admin/openapi.json", dependencies=[Depends(looking)])
    def routes() -> Response:
        """Every route but those of the data plane, as OpenAPI."""
        return as_json(described(app.openapi()))

    if gateway.control is not None:
        app.include_router(admin.router(gateway.control.rewrite, gateway.access, gateway.workers))

    @app.exception_handler(GatewayError)
    def refused(request: Request, error: GatewayError) -> Response:
        return ops.refused(error)

    @app.exception_handler(HTTPException)
    def unknown(request: Request, error: HTTPException) -> Response:
        return ops.refused(_as_gateway_error(request, error))

    return app


def _as_gateway_error(request: Request, error: HTTPException) -> GatewayError:
    code = "method_not_allowed" if error.status_code == 405 else "unknown_url"
    message = f"the gateway has no `{request.method} {request.url.path}`; see the README for its routes"
    return GatewayError(error.status_code, code, message)
