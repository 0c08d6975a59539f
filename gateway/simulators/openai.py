"""A stand-in for the OpenAI API, exact on the wire."""

import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from gateway.simulators.faults import Faults
from gateway.simulators.openai_chat import chat
from gateway.simulators.openai_errors import PAGE, Refusal, out_of_quota, outage, pretty, unknown_model
from gateway.simulators.openai_fields import read_object
from gateway.simulators.openai_model import Model, OpenAISettings
from gateway.simulators.openai_others import embeddings, moderations, transcribe, upload
from gateway.simulators.openai_responses import responses
from gateway.simulators.openai_text import completions
from gateway.simulators.reply import Arrived, Headers, Reply, Whole
from gateway.simulators.stand_in import StandIn
from gateway.simulators.watch import Watch

__all__ = ["OpenAISettings", "openai_app"]

USUAL_MODELS = ("gpt-5.5", "gpt-5-mini", "text-embedding-3-small", "text-embedding-3-large", "omni-moderation-latest")

JSON_ROUTES: Mapping[str, Callable[[dict[str, Any], Model], Awaitable[Reply]]] = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/embeddings": embeddings,
    "/v1/responses": responses,
    "/v1/moderations": moderations,
}
FORM_ROUTES: Mapping[str, Callable[[Arrived, Model], Awaitable[Reply]]] = {
    "/v1/files": upload,
    "/v1/audio/transcriptions": transcribe,
}
MODELS = "/v1/models"

SHOWN_LIMIT = 30_000
"""Requests a minute in the headers of an account without a limit of its own."""


def openai_app(settings: OpenAISettings | None = None) -> StandIn:
    """The ASGI app of one account at OpenAI. Its root is the host's: clients add `/v1`."""
    chosen = settings or OpenAISettings()
    faults = Faults(prefill_ms=chosen.prefill_ms, token_ms=chosen.token_ms, jitter=chosen.jitter)
    watch = Watch(faults, chosen.keep_log)
    return StandIn(watch, OpenAI(chosen, watch).answer, PAGE)


class OpenAI:
    """One account's routes, keys and limits."""

    def __init__(self, settings: OpenAISettings, watch: Watch) -> None:
        self.settings = settings
        self.watch = watch
        self.model = Model(settings, watch)
        self._asked = 0
        self._lately: deque[float] = deque()

    async def answer(self, arrived: Arrived) -> Reply:
        started = time.monotonic()
        try:
            self._let_in(arrived)
            reply = await self._routed(arrived)
        except Refusal as refusal:
            reply = refusal.reply()
        return msgspec.structs.replace(reply, headers=(*reply.headers, *self._headers(started)))

    def _let_in(self, arrived: Arrived) -> None:
        key = self.settings.api_key
        if key is not None and arrived.header(b"authorization") != f"Bearer {key}":
            raise outage(401)
        if not arrived.has_content:
            return
        faults = self.watch.faults
        self._asked += 1
        if faults.insufficient_quota:
            raise out_of_quota()
        if faults.takes_overload(self._asked):
            raise outage(503)
        if faults.fail_status is not None and faults.fail_body is None:
            raise outage(faults.fail_status)
        self._spend_a_request()

    def _spend_a_request(self) -> None:
        """A sliding minute."""
        limit = self.settings.requests_per_minute
        if limit is None:
            return
        now = time.monotonic()
        while self._lately and self._lately[0] < now - 60:
            self._lately.popleft()
        if len(self._lately) >= limit:
            raise outage(429)
        self._lately.append(now)

    async def _routed(self, arrived: Arrived) -> Reply:
        path, faults = arrived.path, self.watch.faults
        if arrived.has_content and faults.fail_status is not None and faults.fail_body is not None:
            return Whole(faults.fail_status, faults.fail_body.encode())
        if path in JSON_ROUTES and arrived.method == "POST":
            return await JSON_ROUTES[path](read_object(arrived), self.model)
        if path in FORM_ROUTES and arrived.method == "POST":
            return await FORM_ROUTES[path](arrived, self.model)
        if path.startswith(MODELS) and arrived.method == "GET":
            return self._models(path.removeprefix(MODELS).removeprefix("/"))
        if path in JSON_ROUTES or path in FORM_ROUTES or path == MODELS:
            message = f"Not allowed to {arrived.method} on {path}."
            raise Refusal(405, message, code="method_not_supported")
        raise Refusal(404, f"Invalid URL ({arrived.method} {path})")

    def _models(self, name: str) -> Whole:
        known = self.settings.models or USUAL_MODELS
        rows = [{"id": each, "object": "model", "created": 1_767_225_600, "owned_by": "openai"} for each in known]
        if not name:
            return pretty({"object": "list", "data": rows})
        if name not in known:
            raise unknown_model(name)
        return pretty(rows[known.index(name)])

    def _headers(self, started: float) -> Headers:
        limit = self.settings.requests_per_minute or SHOWN_LIMIT
        left = max(0, limit - len(self._lately))
        return (
            (b"x-request-id", b"req_" + uuid.uuid4().hex.encode()),
            (b"openai-organization", self.settings.organization.encode()),
            (b"openai-processing-ms", b"%d" % int((time.monotonic() - started) * 1000)),
            (b"openai-version", b"2020-10-01"),
            (b"x-ratelimit-limit-requests", b"%d" % limit),
            (b"x-ratelimit-limit-tokens", b"150000000"),
            (b"x-ratelimit-remaining-requests", b"%d" % left),
            (b"x-ratelimit-remaining-tokens", b"149999980"),
            (b"x-ratelimit-reset-requests", b"2ms" if left else b"1s"),
            (b"x-ratelimit-reset-tokens", b"0s"),
            (b"server", b"cloudflare"),
            (b"set-cookie", b"__cf_bm=not-a-real-cookie; path=/; HttpOnly; Secure; SameSite=None"),
        )
