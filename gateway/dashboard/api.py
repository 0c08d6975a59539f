"""What the dashboard asks: read-only, of sums and records, off the event loop and never of the data plane."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from gateway.control.aside import Aside
from gateway.core.errors import GatewayError
from gateway.core.records import Record
from gateway.dashboard import told
from gateway.dashboard.answers import as_json, encoded, kept
from gateway.dashboard.costs import COSTS, costs
from gateway.dashboard.feed import Feed
from gateway.dashboard.lately import Lately
from gateway.dashboard.overview import OVERVIEW, overview
from gateway.dashboard.quality import QUALITY, histograms
from gateway.policy.model import Policy
from gateway.policy.prose import prose
from gateway.policy.verify import verify
from gateway.spending import Kept
from gateway.stores.journal_view import FILTERS, JournalView, Row, Wanted
from gateway.stores.rollups import SPAN_S

T = TypeVar("T")
LONGEST_S = 366 * 86_400
_DAY_S = 86_400
_SAME_S = 60
"""Stretches of time that end within the same minute are the same to a sum of ten."""
Summed = Callable[[Mapping[str, Sequence[Row]], Policy, float, float], object]


class _Asked:
    """Of a page of decisions: its bounds in seconds since the epoch, the place it begins after, its length."""

    def __init__(self, since: float = 0.0, until: float | None = None, after: str = "", limit: int = 50) -> None:
        self.since, self.until = since, math.inf if until is None else until
        self.after, self.limit = after, limit


class Running(Protocol):
    """The running gateway, as far as the page needs it."""

    @property
    def policy(self) -> Policy: ...
    @property
    def aside(self) -> Aside: ...
    def replicas(self) -> list[dict[str, object]]: ...
    async def budgets(self) -> list[Kept]: ...
    async def find(self, id: str) -> Record | None: ...


def router(
    running: Callable[[], Running], view: JournalView, feed: Feed, admitted: Callable[[Request], None]
) -> APIRouter:
    """`admitted` raises GatewayError for whoever may not look."""
    routes = APIRouter(prefix="/admin", dependencies=[Depends(admitted)])
    lately = Lately()

    async def read(blocking: Callable[[], T]) -> T:
        return await kept(running().aside.do(blocking))

    async def summed(span: tuple[float, float], what: str, tables: Mapping[str, Sequence[str]], of: Summed) -> Response:
        """`of` the sums of these tables, made in a thread, and once for all who ask for the same at about this time."""
        first, last = span
        policy, aside = running().policy, running().aside
        question = (what, first // SPAN_S, math.ceil(last / _SAME_S), policy.digest)

        async def made() -> bytes:
            def blocking() -> bytes:
                return msgspec.json.encode(of(view.sums(first, last, tables), policy, first, last))

            return await kept(aside.do(blocking))

        return encoded(await lately.of(question, made))

    @routes.get("/overview", summary="Where data went, what it cost, which way requests took")
    async def where(since: float | None = None, until: float | None = None) -> Response:
        return await summed(_span(since, until), "overview", OVERVIEW, overview)

    @routes.get("/costs", summary="What traffic cost, beside all of it at the baseline and all of it at home")
    async def money(since: float | None = None, until: float | None = None) -> Response:
        return await summed(_span(since, until), "costs", COSTS, costs)

    @routes.get("/quality", summary="How hard requests are, and how long backends take: histograms")
    async def quality(since: float | None = None, until: float | None = None) -> Response:
        return await summed(_span(since, until), "quality", QUALITY, histograms)

    @routes.get("/timeline", summary="Requests, tokens and cost of each ten minutes, hour or day, by backend")
    async def timeline(since: float | None = None, until: float | None = None) -> Response:
        first, last = _span(since, until)

        async def made() -> bytes:
            steps = await read(lambda: view.timeline(first, last))
            return msgspec.json.encode({"since": first, "until": last, "step_s": steps.step_s, "rows": steps.rows})

        return encoded(await lately.of(("timeline", first // SPAN_S, math.ceil(last / _SAME_S)), made))

    @routes.get("/decisions", summary="Recorded decisions, the newest first, chosen by any of their columns")
    async def decisions(request: Request, asked: Annotated[_Asked, Depends()]) -> Response:
        chosen = {name: value for name, value in request.query_params.items() if name in FILTERS and value}
        wanted = Wanted(chosen, asked.since, asked.until)
        try:
            page = await read(lambda: view.page(wanted, asked.after, asked.limit))
        except ValueError:
            raise GatewayError(400, "invalid_place", "`after` must be what a page before this one said") from None
        return as_json({"rows": [told.row(record) for record in page.records], "after": page.after or None})

    @routes.get("/decisions/{id}", summary="One of them, and why")
    async def decision(id: str) -> Response:
        record = await kept(running().find(id))
        if record is None:
            raise GatewayError(404, "no_such_decision", "the journal has no such decision; it may have been pruned")
        policy = running().policy
        return as_json(await running().aside.do(told.decision, record, policy))

    @routes.get("/feed", summary="What happens, as server-sent events; by about a second later, of all workers")
    async def live() -> Response:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(feed.listen(), media_type="text/event-stream", headers=headers)

    @routes.get("/backends", summary="Every backend and replica as it is now")
    async def backends() -> Response:
        return as_json({"rows": told.backends(running().policy, running().replicas())})

    @routes.get("/budgets", summary="What of every budget is spent, held and left")
    async def budgets() -> Response:
        return as_json({"rows": told.budgets(await kept(running().budgets()))})

    @routes.get("/proofs", summary="What the policy in use means in plain words, and what is proved of it")
    async def proofs() -> Response:
        policy = running().policy
        return as_json(await running().aside.do(_proofs, policy))

    return routes


def _proofs(policy: Policy) -> Mapping[str, object]:
    verification = verify(policy)
    return {
        "policy": {"name": policy.name, "version": policy.version, "owner": policy.owner, "digest": policy.digest},
        "prose": prose(policy),
        "proofs": [
            {
                "is_of_clearance": proof.invariant is None,
                "sentence": proof.sentence,
                "states": proof.states,
                "holds": proof.leak is None,
            }
            for proof in verification.proofs
        ],
    }


def _span(since: float | None, until: float | None) -> tuple[float, float]:
    """By default the last day."""
    last = time.time() if until is None else until
    first = last - _DAY_S if since is None else since
    if not 0 <= last - first <= LONGEST_S:
        raise GatewayError(400, "invalid_span", "`since` must be before `until`, by a year at most; both in seconds")
    return first, last
