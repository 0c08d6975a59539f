"""Whether each replica of each backend answers, takes our key and is what the policy says; nothing is spent."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gateway.backends.door import encoded
from gateway.backends.headers import request_headers
from gateway.backends.http_backend import HttpBackend
from gateway.backends.inference_endpoint import API, InferenceEndpoint
from gateway.backends.probes import PROBE_S, QUESTIONS, probe
from gateway.backends.replicas import Replica
from gateway.config import price_list
from gateway.core.errors import AttemptFailed
from gateway.core.ports import Clock
from gateway.core.types import BackendKind, BackendSpec, Sensitivity
from gateway.doctor import clocks
from gateway.doctor.result import Result, ok, trouble, warning

_MAX_BYTES = 4 << 20
_TOKENIZE = b'{"inputs":"a"}'


class _Answer(NamedTuple):
    status: int
    date: str
    body: bytes


async def results(specs: Mapping[str, BackendSpec], clock: Clock, endpoints_api: str = API) -> list[Result]:
    """In the policy's order; all are asked at once."""
    found = await asyncio.gather(*(_looked_at(spec, clock, endpoints_api) for spec in specs.values()))
    return [result for each in found for result in each]


async def _looked_at(spec: BackendSpec, clock: Clock, endpoints_api: str) -> list[Result]:
    if spec.kind not in QUESTIONS:
        return [_by_litellm(spec)]
    backend = HttpBackend(spec, clock)
    endpoint_said = await _endpoint(spec, backend, endpoints_api)
    try:
        asked = await asyncio.gather(*(_replica(backend, replica) for replica in backend.replicas.all))
    finally:
        await backend.aclose()
    return [*endpoint_said, *(result for each in asked for result in each)]


def _by_litellm(spec: BackendSpec) -> Result:
    """What litellm reaches has no question that is free everywhere, so nobody is asked."""
    about = f"backend `{spec.name}`"
    if price_list() is None:
        return trouble(about, "litellm is not installed", "`pip install 'hybrid-gateway[litellm]'`")
    return ok(about, "litellm is installed; its provider is not asked, since no question is free at all of them")


async def _endpoint(spec: BackendSpec, backend: HttpBackend, api: str) -> list[Result]:
    if spec.inference_endpoint is None:
        return []
    about = f"backend `{spec.name}`"
    seen = await InferenceEndpoint(spec.inference_endpoint, spec.api_key, api).look()
    backend.move(() if seen.url is None else (seen.url,), seen.reason)
    if seen.url:
        return [ok(about, "its Inference Endpoint is running")]
    if seen.is_asleep:
        return [warning(about, seen.reason, "well, if it may sleep: the first request that wants it wakes it")]
    return [trouble(about, seen.reason, "see the endpoint's page at Hugging Face, its name and `api_key`")]


async def _replica(backend: HttpBackend, replica: Replica) -> list[Result]:
    spec = backend.spec
    about = f"backend `{spec.name}` at `{replica.name}`"
    await probe(backend, replica)
    if replica.trouble:
        return [trouble(about, replica.trouble, _remedy(spec, replica.trouble))]
    before = time.time()
    try:
        async with asyncio.timeout(PROBE_S):
            answer = await _keyed(backend, replica)
    except (AttemptFailed, TimeoutError) as failure:
        detail = failure.detail if isinstance(failure, AttemptFailed) else f"no answer within {PROBE_S:g} s"
        return [trouble(about, f"it is well, but did not answer a question with the key: {detail}", _remedy(spec, ""))]
    theirs = clocks.stamp_of(answer.date) if answer.date else None
    said = [_let_in(spec, about, answer), *_limits(spec, about, replica), *_models(spec, about, answer)]
    if theirs is not None:
        said.append(clocks.compared(about, theirs, before, time.time()))
    return said


async def _keyed(backend: HttpBackend, replica: Replica) -> _Answer:
    """What only a valid key may ask, and nobody bills: the models, or at TGI the tokens of one letter."""
    headers = encoded(request_headers(backend.spec, "application/json", accepts_stream=False))
    if backend.spec.kind is BackendKind.TGI:
        path, body = "/tokenize", _TOKENIZE
        answer = await backend.door.send("POST", replica.where, path, headers, body, Sensitivity.PUBLIC)
    else:
        answer = await backend.door.ask(replica.where, "/v1/models", headers)
    try:
        return _Answer(answer.status, answer.headers.get("date", ""), await answer.read(_MAX_BYTES))
    finally:
        answer.close()


def _let_in(spec: BackendSpec, about: str, answer: _Answer) -> Result:
    told = "answers" if spec.api_key is None else "answers, and takes the key"
    if answer.status in (401, 403):
        return trouble(about, f"it refused the gateway's key ({answer.status})", _remedy(spec, str(answer.status)))
    if answer.status >= 500:
        return trouble(about, f"it answered {answer.status}", "look into its own log")
    if answer.status >= 300:
        return warning(
            about,
            f"answers, but not the question with the key ({answer.status}), so that is not tried",
            "well, if it has no such route; else see that `urls` is its root, without `/v1`",
        )
    return ok(about, told)


def _limits(spec: BackendSpec, about: str, replica: Replica) -> Iterator[Result]:
    """What the server says of itself, beside what the policy says of it."""
    most, declared = replica.context_tokens, spec.context_tokens
    if most is not None and declared is not None and declared > most:
        yield trouble(
            about,
            f"it takes {most:,} tokens, the policy says {declared:,}",
            f"lower `context_tokens` of `{spec.name}`, or start the server with more (TGI: `--max-total-tokens`)",
        )
    elif most is not None:
        at_once = replica.told.get("max_concurrent_requests")
        suffix = f", {at_once} requests at once" if isinstance(at_once, int) else ""
        yield ok(about, f"takes {most:,} tokens{suffix}")
    elif spec.kind is not BackendKind.OPENAI and declared is None:
        yield warning(
            about, "it does not say how many tokens it takes", f"give `context_tokens` of `{spec.name}` in the policy"
        )
    serves = replica.told.get("model_id")
    wanted = spec.models.get("chat")
    if isinstance(serves, str) and wanted not in (None, serves, "tgi"):
        yield warning(
            about, f"it serves `{serves}`, the policy says `{wanted}`", "correct `model`, or see what runs there"
        )


def _models(spec: BackendSpec, about: str, answer: _Answer) -> Iterator[Result]:
    """Names that a server which lists its models does not list."""
    if spec.kind is BackendKind.TGI or answer.status >= 300:
        return
    listed = _listed(answer.body)
    for name in sorted(set(spec.models.values()) - listed) if listed else ():
        yield warning(about, f"it does not list the model `{name}`", "correct `model`, or see what this key may use")


def _listed(body: bytes) -> set[str]:
    try:
        rows = json.loads(body)["data"]
        return {row["id"] for row in rows if isinstance(row["id"], str)}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


def _remedy(spec: BackendSpec, reason: str) -> str:
    if "key" in reason or reason in ("401", "403"):
        return f"see that the variable in `api_key` of `{spec.name}` holds a valid key of that service"
    if "certificate" in reason:
        return "give the authority that signed it in `SSL_CERT_FILE`"
    if "503" in reason or "health check answered" in reason:
        return "it runs, but is not well: look into its own log; a model that is still loading needs minutes"
    return f"see that it runs, and that `urls` of `{spec.name}` is its address as seen from here"
