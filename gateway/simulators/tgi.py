"""A stand-in for a TGI server (router v3.3.7), exact on the wire."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from gateway.simulators.faults import Faults
from gateway.simulators.pace import Pace
from gateway.simulators.reply import Arrived, Headers, Reply, Whole, json_reply
from gateway.simulators.serde import Check, Unreadable, fits, read_json
from gateway.simulators.stand_in import StandIn
from gateway.simulators.tgi_chat import chat_completions, job_of
from gateway.simulators.tgi_completions import completions
from gateway.simulators.tgi_engine import CUDA, Engine
from gateway.simulators.tgi_fields import (
    CHAT,
    COMPAT_GENERATE,
    COMPLETION,
    GENERATE,
    SAGEMAKER,
    VERTEX,
    VERTEX_GENERATE,
)
from gateway.simulators.tgi_job import Job, TgiError, TgiSettings
from gateway.simulators.tgi_meters import Meters
from gateway.simulators.tgi_native import compat_generate, generate, generate_stream, tokenized, vertex
from gateway.simulators.watch import Watch

__all__ = ["TgiSettings", "tgi_app"]

PAGE = Whole(
    502,
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    b"text/html",
    ((b"server", b"nginx"),),
)

CORS: Headers = (
    (b"vary", b"origin, access-control-request-method, access-control-request-headers"),
    (b"access-control-allow-origin", b"*"),
)

FAILURES: Mapping[int, tuple[str, str]] = {
    422: ("Input validation error: `inputs` cannot be empty", "validation"),
    424: (CUDA, "generation"),
    429: ("Model is overloaded", "overloaded"),
    500: ("Incomplete generation", "incomplete_generation"),
    503: ("unhealthy", "healthcheck"),
}


def tgi_app(settings: TgiSettings | None = None) -> StandIn:
    """The ASGI app of one TGI server."""
    chosen = settings or TgiSettings()
    faults = Faults(prefill_ms=chosen.prefill_ms, token_ms=chosen.token_ms, jitter=chosen.jitter)
    watch = Watch(faults, chosen.keep_log)
    return StandIn(watch, Tgi(chosen, watch).answer, PAGE, CORS, body_limit=chosen.payload_limit)


class Route(NamedTuple):
    """A POST route: the type of its body, who answers, and whether it wants the key."""

    shape: Check
    answer: Callable[["Tgi", Any], Awaitable[Reply]]
    is_keyed: bool = True


class Tgi:
    """One server's routes over one engine."""

    def __init__(self, settings: TgiSettings, watch: Watch) -> None:
        self.settings = settings
        self.watch = watch
        self.meters = Meters(settings.max_input_tokens, settings.max_total_tokens, settings.max_batch_total_tokens)
        self.engine = Engine(settings, watch, self.meters)

    async def answer(self, arrived: Arrived) -> Reply:
        posts, gets = arrived.path in POSTS, arrived.path in GETS
        match arrived.method:
            case "GET" | "HEAD" if gets:
                return await GETS[arrived.path](self)
            case "POST" if posts:
                return await self._post(arrived, POSTS[arrived.path])
            case _ if posts or gets:
                allowed = ", ".join(["GET,HEAD"] * gets + ["POST"] * posts)
                return Whole(405, b"", b"", ((b"allow", allowed.encode()),))
            case _:
                return Whole(404, b"", b"")

    async def _post(self, arrived: Arrived, route: Route) -> Reply:
        if route.is_keyed and not self._is_let_in(arrived.header(b"authorization")):
            return Whole(401, b"", b"")
        if self.watch.faults.fail_status is not None:
            return self._failure(self.watch.faults.fail_status)
        try:
            return await route.answer(self, read_json(arrived, route.shape))
        except Unreadable as refusal:
            return refusal.reply
        except TgiError as error:
            return json_reply({"error": error.text, "error_type": error.error_type}, error.status)

    def _is_let_in(self, authorization: str) -> bool:
        key = self.settings.api_key
        return key is None or authorization.lower() == f"bearer {key}".lower()

    def _failure(self, status: int) -> Whole:
        if self.watch.faults.fail_body is not None:
            return Whole(status, self.watch.faults.fail_body.encode())
        error, error_type = FAILURES.get(status, ("Incomplete generation", "incomplete_generation"))
        return json_reply({"error": error, "error_type": error_type}, status)

    async def health(self) -> Whole:
        """After a generation error the next check does a real prefill first."""
        pace = Pace(self.watch.faults, 0)
        if not self.meters.is_healthy:
            await pace.prefill()
            self.meters.is_healthy = True
        await pace.health()
        if self.watch.faults.unhealthy:
            return json_reply({"error": "unhealthy", "error_type": "healthcheck"}, 503)
        return Whole(200, b"", b"")

    async def info(self) -> Whole:
        told = self.settings
        return json_reply(
            {
                "model_id": told.model_id,
                "model_sha": None,
                "model_pipeline_tag": "text-generation",
                "max_concurrent_requests": told.max_concurrent_requests,
                "max_best_of": told.max_best_of,
                "max_stop_sequences": told.max_stop_sequences,
                "max_input_tokens": told.max_input_tokens,
                "max_total_tokens": told.max_total_tokens,
                "validation_workers": 2,
                "max_client_batch_size": told.max_client_batch_size,
                "router": "text-generation-router",
                "version": told.version,
                "sha": None,
                "docker_label": told.docker_label,
            }
        )

    async def models(self) -> Whole:
        name = self.settings.model_id
        only = {"id": name, "object": "model", "created": 0, "owned_by": name}
        return json_reply({"object": "list", "data": [only]})

    async def metrics(self) -> Whole:
        return Whole(200, self.meters.exposition().encode(), b"text/plain; charset=utf-8")

    async def tokenize(self, body: Any) -> Reply:
        return json_reply(tokenized(body["inputs"], adds_special=True))

    async def chat_tokenize(self, body: Any) -> Reply:
        self.meters.count("tgi_request_count")
        job, _ = job_of(body)
        rows = tokenized(job.inputs, adds_special=False)
        return json_reply({"tokenize_response": rows, "templated_text": job.inputs})

    async def invocations(self, body: Any) -> Reply:
        """SageMaker's one door: generate, chat or completion, whichever fits first."""
        for shape, answer in ((COMPAT_GENERATE, compat_generate), (CHAT, chat_completions)):
            if fits(shape, "", body):
                return await answer(body, self.engine)
        return await completions(body, self.engine)

    async def vertex(self, body: Any) -> Reply:
        jobs = [_vertex_job(instance) for instance in body["instances"]]
        return await vertex(jobs, self.engine)


def _vertex_job(instance: Any) -> Job:
    if not fits(VERTEX_GENERATE, "", instance):
        return job_of(instance)[0]
    given = instance.get("parameters") or {}
    return Job(instance["inputs"], {name: given.get(name) for name in ("max_new_tokens", "seed")}, adds_special=True)


POSTS: Mapping[str, Route] = {
    "/": Route(COMPAT_GENERATE, lambda tgi, body: compat_generate(body, tgi.engine)),
    "/generate": Route(GENERATE, lambda tgi, body: generate(body, tgi.engine)),
    "/generate_stream": Route(GENERATE, lambda tgi, body: generate_stream(body, tgi.engine)),
    "/v1/chat/completions": Route(CHAT, lambda tgi, body: chat_completions(body, tgi.engine)),
    "/v1/completions": Route(COMPLETION, lambda tgi, body: completions(body, tgi.engine)),
    "/tokenize": Route(GENERATE, Tgi.tokenize),
    "/vertex": Route(VERTEX, Tgi.vertex),
    "/invocations": Route(SAGEMAKER, Tgi.invocations),
    "/chat_tokenize": Route(CHAT, Tgi.chat_tokenize, is_keyed=False),
}

GETS: Mapping[str, Callable[[Tgi], Awaitable[Whole]]] = {
    "/": Tgi.health,
    "/health": Tgi.health,
    "/ping": Tgi.health,
    "/info": Tgi.info,
    "/v1/models": Tgi.models,
    "/metrics": Tgi.metrics,
}
