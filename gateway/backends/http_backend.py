"""Backends that speak HTTP, whatever their dialect: choose a replica, send through the door, have an answer in hand."""

from collections.abc import Mapping, Sequence

from gateway.backends.door import Door, encoded
from gateway.backends.headers import Headers, beta, reply_headers, request_headers
from gateway.backends.pool import Response
from gateway.backends.replicas import Replicas, Turn
from gateway.backends.reply import StreamReply, WholeReply
from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.ports import Clock, Reply
from gateway.core.types import BackendSpec, BackendState, Endpoint, Envelope, Route, Sensitivity
from gateway.wire.choose import choose
from gateway.wire.exchange import Exchange

HIGHEST = max(Sensitivity)
MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""A whole answer is held in memory; one that does not end must not be able to fill it."""

_EVENTS = "text/event-stream"
_UNBUFFERED: Headers = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]  # nginx would hold events back


class HttpBackend:
    """Implements `core.ports.Backend` for every kind that `wire/` knows a format for."""

    def __init__(self, spec: BackendSpec, clock: Clock) -> None:
        self.spec = spec
        self.door = Door(spec)
        self.replicas = Replicas(spec.urls, clock, spec.saturated_at)
        self._clock = clock
        self._heads: dict[tuple[str, bool], bytes] = {}
        self._hears_of_traces = (
            spec.zone.clearance is HIGHEST
        )  # a trace's words are the caller's: nobody classified them

    @property
    def state(self) -> BackendState:
        return self.replicas.state

    def open(self) -> None:
        """Connections are opened when they are needed."""

    async def aclose(self) -> None:
        await self.door.aclose()

    def refresh(self) -> None:
        self.replicas.look_again()

    def move(self, urls: Sequence[str], reason: str) -> None:
        """The servers are elsewhere now; `reason` is why there are none."""
        self.replicas.replace(urls, reason)

    def busy(self) -> Mapping[str, int]:
        return {replica.name: replica.in_flight for replica in self.replicas.all}

    def rows(self) -> list[dict[str, object]]:
        return self.replicas.rows()

    async def send(self, envelope: Envelope, route: Route, sensitivity: Sensitivity) -> Reply:
        exchange = choose(envelope, self.spec)
        turn = self.replicas.enter()
        counts = envelope.endpoint is not Endpoint.UNKNOWN  # elsewhere a client could provoke failures as it likes
        began = self._clock.monotonic()
        try:
            reply = await self._ask(exchange, envelope, turn, sensitivity)
        except BaseException as error:
            if isinstance(error, AttemptFailed):
                error.replica = turn.replica.name
            if counts:
                is_late = self._clock.monotonic() - began >= route.patience_s(envelope.stream)
                turn.judge(error, is_late=is_late)
            turn.leave()
            raise
        if counts:
            turn.answered()
        if not reply.is_stream:
            turn.leave()
        return reply

    async def _ask(self, exchange: Exchange, envelope: Envelope, turn: Turn, sensitivity: Sensitivity) -> Reply:
        response = await self.door.send(
            exchange.method,
            turn.replica.where,
            exchange.path,
            self._told(exchange, envelope) + self._traced(envelope),
            exchange.body,
            sensitivity,
        )
        try:
            return await self._answer(exchange, envelope, response, turn)
        except BaseException:
            response.close()
            raise

    async def _answer(self, exchange: Exchange, envelope: Envelope, response: Response, turn: Turn) -> Reply:
        content_type = response.headers.get("content-type", "")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise AttemptFailed(FailureKind.BAD_ANSWER, "the backend compressed its answer without being asked to")
        headers = reply_headers(response.raw_headers)
        if response.status < 300 and _is_passed_on(exchange, envelope, content_type):
            if content_type:
                headers.append((b"content-type", content_type.encode("latin-1")))
            if content_type.startswith(_EVENTS):
                headers += _UNBUFFERED
            reply = StreamReply(response, exchange.rewriter(), turn, headers, response.status)
            await reply.begin()
            return reply
        answer = exchange.answer(response.status, response.headers, await response.read(MAX_ANSWER_BYTES))
        headers.append((b"content-type", answer.content_type.encode("latin-1")))
        return WholeReply(turn.replica.name, answer.status, headers, answer.body, answer.usage)

    def _traced(self, envelope: Envelope) -> bytes:
        return b"" if envelope.trace is None or not self._hears_of_traces else encoded(envelope.trace.headers)

    def _told(self, exchange: Exchange, envelope: Envelope) -> bytes:
        key = (exchange.content_type, exchange.expects_stream)
        if envelope.endpoint is Endpoint.UNKNOWN:  # there the content type is the client's own
            return encoded({**request_headers(self.spec, *key), **beta(envelope)})
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = encoded(request_headers(self.spec, *key))
        return head


def _is_passed_on(exchange: Exchange, envelope: Envelope, content_type: str) -> bool:
    """Piece by piece: events, and on routes we do not know whatever is no JSON (sound, files)."""
    if content_type.startswith(_EVENTS):
        return exchange.expects_stream or envelope.endpoint is Endpoint.UNKNOWN
    return envelope.endpoint is Endpoint.UNKNOWN and "json" not in content_type
