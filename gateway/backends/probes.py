"""Asking a replica how it is, how busy, and how much it takes: questions that cost nothing and carry nothing."""

import asyncio
import contextlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from gateway.backends import meters
from gateway.backends.door import encoded
from gateway.backends.headers import request_headers
from gateway.backends.http_backend import HttpBackend
from gateway.backends.replicas import Replica
from gateway.core.errors import AttemptFailed
from gateway.core.types import BackendKind

PROBE_S = 5.0
METERS_S = 1.0
"""A server that does not say in this time how busy it is may be just that; it is not held against its health."""
_MAX_BYTES = 1 << 20


class Questions(NamedTuple):
    """Where to ask a kind of backend for its health and for its limits, and how often, seconds."""

    health: str
    limits: str | None
    every_s: float


QUESTIONS: Mapping[BackendKind, Questions] = MappingProxyType(
    {
        BackendKind.TGI: Questions("/health", "/info", 2.0),
        BackendKind.VLLM: Questions("/health", "/v1/models", 2.0),
        BackendKind.SGLANG: Questions("/health", "/v1/models", 2.0),
        BackendKind.OPENAI: Questions("/v1/models", None, 20.0),
    }
)


async def probe(backend: HttpBackend, replica: Replica) -> None:
    """Ask one replica and note what it says. Never raises."""
    questions = QUESTIONS[backend.spec.kind]
    try:
        async with asyncio.timeout(PROBE_S):
            status, _ = await _ask(backend, replica, backend.spec.health_path or questions.health)
            replica.trouble = _trouble(backend.spec.kind, status)
            if questions.limits and not replica.trouble and not replica.told:
                status, answer = await _ask(backend, replica, questions.limits)
                if status < 300:
                    _note_limits(replica, answer)
    except TimeoutError:
        replica.trouble = f"no answer to a health check within {PROBE_S:g} s"
    except AttemptFailed as failure:
        replica.trouble = failure.detail
    if replica.trouble:
        replica.told = {}  # it may come back with another model
        replica.load = None
    elif backend.spec.kind in meters.NAMES:
        await _look_at_meters(backend, replica)


async def _look_at_meters(backend: HttpBackend, replica: Replica) -> None:
    """What cannot be read is not known, and nobody's fault: SGLang has no meters unless told to, proxies hide them."""
    found = None
    with contextlib.suppress(TimeoutError, AttemptFailed):
        async with asyncio.timeout(METERS_S):
            status, answer = await _ask(backend, replica, meters.PATH)
            found = meters.reading(backend.spec.kind, answer) if status < 300 else None
    replica.note(found)


async def _ask(backend: HttpBackend, replica: Replica, path: str) -> tuple[int, bytes]:
    headers = encoded(request_headers(backend.spec, "application/json", accepts_stream=False))
    response = await backend.door.ask(replica.where, path, headers)
    try:
        return response.status, await response.read(_MAX_BYTES)
    finally:
        response.close()


def _trouble(kind: BackendKind, status: int) -> str:
    if status in (401, 403):
        return f"it refused the gateway's key ({status})"
    if kind is BackendKind.OPENAI and status < 500:
        return ""  # servers that speak OpenAI need not list their models to be well
    return "" if status < 300 else f"its health check answered {status}"


def _note_limits(replica: Replica, answer: bytes) -> None:
    """TGI says what prompt and answer may take together, vLLM and SGLang say it of their model."""
    try:
        told = msgspec.json.decode(answer)
    except (ValueError, RecursionError):
        return
    if not isinstance(told, dict):
        return
    replica.told = told
    replica.context_tokens = _count(told.get("max_total_tokens")) or _count(
        _first(told.get("data")).get("max_model_len")
    )


def _first(models: Any) -> Mapping[str, Any]:
    return models[0] if isinstance(models, list) and models and isinstance(models[0], dict) else {}


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None  # and not `true`
