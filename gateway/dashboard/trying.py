"""Trying without touching: a prompt that is not sent, a decision made again, a policy's cases, a backtest."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from gateway.asking import body_of, classifier, masked_ways, request
from gateway.classify.explain import explain
from gateway.classify.weights import Weights
from gateway.control.access import Access, Role
from gateway.control.admitting import admitting
from gateway.control.aside import Aside
from gateway.control.posted import posted
from gateway.control.rewrite import Rewrite
from gateway.core.errors import ConfigError, GatewayError
from gateway.core.records import Record
from gateway.core.types import BackendState, Caller, Endpoint
from gateway.dashboard import told
from gateway.dashboard.answers import as_json, kept
from gateway.dashboard.tried import Bounds, backtested, tested
from gateway.policy.evaluate import decide, unknown_model
from gateway.policy.explain import Asked
from gateway.policy.model import Policy
from gateway.policy.space import Witness
from gateway.stores.journal_view import JournalView

MOST_RECORDS, USUAL_RECORDS = 200_000, 20_000
LONGEST_S = 60.0
WEEK_S = 7 * 86_400
_DOWN = BackendState(is_up=False, reason="you said so")
_SATURATED = BackendState(is_up=True, reason="you said so", is_saturated=True)


class Running(Protocol):
    """The running gateway, as far as trying needs it. `rewrite` None: its policy came from no file."""

    @property
    def policy(self) -> Policy: ...
    @property
    def weights(self) -> Weights: ...
    @property
    def rewrite(self) -> Rewrite | None: ...
    @property
    def aside(self) -> Aside: ...
    async def find(self, id: str) -> Record | None: ...


class Under(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Under which policy: a file's text, a version of the history, or neither: the one in use."""

    text: str = ""
    version: int | None = None


class Backtested(Under, frozen=True, forbid_unknown_fields=True):
    """`since`: seconds since the epoch, by default a week ago; `most`: of the newest records."""

    since: float | None = None
    most: int = USUAL_RECORDS


class Tested(Under, frozen=True, forbid_unknown_fields=True):
    """`is_scored`: also change each rule and see whether a case notices, which takes longer."""

    is_scored: bool = False


class Prompted(Under, frozen=True, forbid_unknown_fields=True):
    """A `prompt`, or a whole `body` as a client would send it; what is said of backends is supposed."""

    prompt: str = ""
    body: dict[str, object] | None = None
    endpoint: Endpoint = Endpoint.CHAT
    model: str = "auto"
    caller: str = ""
    stream: bool = False
    down: tuple[str, ...] = ()
    saturated: tuple[str, ...] = ()


def router(running: Callable[[], Running], view: JournalView, access: Access) -> APIRouter:
    """Everything here is tried in a thread that gives way to requests; backtests one after the other."""
    routes = APIRouter(prefix="/admin", dependencies=[Depends(admitting(access, Role.OPERATOR))])
    turn = asyncio.Lock()

    @routes.post("/try", summary="What would be believed and decided of a prompt; nothing is sent or recorded")
    async def playground(request: Request) -> Response:
        asked, gateway = await posted(request, Prompted), running()
        policy = await _policy(gateway, asked)
        return as_json(await gateway.aside.do(_tried, policy, gateway.weights, asked))

    @routes.post("/decisions/{id}/again", summary="A recorded decision made again under another policy")
    async def again(id: str, request: Request) -> Response:
        asked, gateway = await posted(request, Under), running()
        record = await kept(gateway.find(id))
        if record is None:
            raise GatewayError(404, "no_such_decision", "the journal has no such decision; it may have been pruned")
        policy = await _policy(gateway, asked)
        return as_json(await gateway.aside.do(told.again, record, policy))

    @routes.post("/policy/test", summary="A policy's own cases")
    async def cases(request: Request) -> Response:
        asked, gateway = await posted(request, Tested), running()
        policy = await _policy(gateway, asked)
        try:
            return as_json(await gateway.aside.do(tested, policy, gateway.weights, asked.is_scored))
        except ConfigError as error:
            raise GatewayError(422, "policy_refused", str(error)) from None

    @routes.post("/policy/backtest", summary="The newest recorded requests decided again under another policy")
    async def backtest(request: Request) -> Response:
        asked, gateway = await posted(request, Backtested), running()
        policy = await _policy(gateway, asked)
        since = time.time() - WEEK_S if asked.since is None else asked.since
        bounds = Bounds(max(1, min(asked.most, MOST_RECORDS)), LONGEST_S)
        async with turn:
            found = await kept(gateway.aside.do(backtested, policy, partial(view.newest, since), bounds))
            of = await kept(asyncio.to_thread(view.count, since))
        return as_json({"policy": {"name": policy.name, "digest": policy.digest}, "since": since, "of": of, **found})

    return routes


async def _policy(gateway: Running, under: Under) -> Policy:
    if not under.text.strip() and under.version is None:
        return gateway.policy
    if gateway.rewrite is None:
        raise GatewayError(409, "no_policy_file", "this gateway's policy came from no file, so no other can be tried")
    if under.version is not None:
        return await kept(gateway.rewrite.version(under.version))
    return await gateway.rewrite.candidate(under.text.encode())


def _tried(policy: Policy, weights: Weights, given: Prompted) -> dict[str, object]:
    """Blocking. Raises GatewayError where no client would get an answer to this request."""
    if given.body is None:
        body = body_of(given.endpoint, given.prompt, given.model, given.stream)
    else:
        body = msgspec.json.encode(given.body)
    envelope = request(policy, given.endpoint, _caller(policy, given.caller), body, time.time())
    if given.endpoint is not Endpoint.UNKNOWN and policy.resolve_model(envelope.model).is_unknown:
        raise unknown_model(envelope.model, policy)
    states = {_known(policy, name): _SATURATED for name in given.saturated}
    states |= {_known(policy, name): _DOWN for name in given.down}
    classify = classifier(policy, weights)
    verdict = classify.classify(envelope)
    maskings = masked_ways(policy, envelope, verdict, classify)
    decided = decide(policy, envelope, verdict, states, maskings)
    asked = Asked(Witness(envelope, verdict), states, maskings, explain(envelope.document, weights))
    return told.would_be(policy, asked, decided)


def _caller(policy: Policy, name: str) -> Caller:
    found = policy.everyone[0] if not name else next((each for each in policy.everyone if each.id == name), None)
    if found is None:
        raise GatewayError(400, "no_such_caller", "the policy knows no such caller; see its `callers`")
    return found


def _known(policy: Policy, name: str) -> str:
    if name not in policy.backends:
        raise GatewayError(
            400, "no_such_backend", f"`down` and `saturated` name backends: {', '.join(policy.backends)}"
        )
    return name
