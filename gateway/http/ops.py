"""What is asked about the gateway rather than through it: models, health, readiness, TGI's /info, metrics."""

from collections.abc import Callable
from typing import Any, Protocol

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.core.errors import GatewayError
from gateway.core.keys import KeyRing
from gateway.core.types import Dialect
from gateway.http.accept import authenticate
from gateway.policy.model import Policy
from gateway.wire import errors


class Running(Protocol):
    """The running gateway, as far as these answers need it."""

    @property
    def policy(self) -> Policy: ...
    @property
    def keys(self) -> KeyRing | None: ...
    @property
    def is_draining(self) -> bool: ...
    async def readiness(self) -> dict[str, object]: ...
    def info(self) -> dict[str, object]: ...
    async def metrics(self) -> bytes: ...


def refused(error: GatewayError, dialect: Dialect = Dialect.OPENAI) -> Response:
    """A GatewayError as a FastAPI response, in the same words as the data plane's."""
    headers = {name.decode(): value.decode() for name, value in errors.headers(error)}
    return Response(errors.body(error, dialect), error.status, headers, "application/json")


def router(running: Callable[[], Running]) -> APIRouter:
    """The routes of the operators' side; `running` is asked at each request, so they survive a reload."""
    routes = APIRouter()

    @routes.get("/v1/models", summary="The models a client may name")
    def models(request: Request) -> Response:
        authenticate(dict(request.scope["headers"]), running().policy, running().keys)
        return JSONResponse({"object": "list", "data": _models(running().policy)})

    @routes.get("/v1/models/{name:path}", summary="One of them")
    def model(name: str, request: Request) -> Response:
        policy = running().policy
        authenticate(dict(request.scope["headers"]), policy, running().keys)
        for row in _models(policy):
            if row["id"] == name:
                return JSONResponse(row)
        raise GatewayError(
            404, "model_not_found", f"the model `{name}` does not exist; see GET /v1/models", param="model"
        )

    @routes.get("/", summary="TGI's health check")
    @routes.get("/ping", summary="TGI's health check")
    @routes.get("/health", summary="200 while requests are taken, 503 once the gateway drains")
    def health() -> Response:
        if running().is_draining:
            return JSONResponse({"error": "draining", "error_type": "healthcheck"}, 503)
        return Response(status_code=200)

    @routes.get("/readyz", summary="200 while some backend is up; which is not, and why")
    async def readyz() -> Response:
        report = await running().readiness()
        return JSONResponse(report, 200 if report["ready"] else 503)

    @routes.get("/info", summary="What TGI clients read; the limits are the self-hosted backend's")
    def info() -> Response:
        return JSONResponse(running().info())

    @routes.get("/metrics", summary="Prometheus")
    async def metrics() -> Response:
        return Response(await running().metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes


def _models(policy: Policy) -> list[dict[str, Any]]:
    """`auto`, the names the policy maps, and the backends; `owned_by` says what a name leads to."""
    names = {"auto": "auto", **policy.models, **{name: name for name in policy.backends}}
    return [{"id": name, "object": "model", "created": 0, "owned_by": f"gateway:{to}"} for name, to in names.items()]
