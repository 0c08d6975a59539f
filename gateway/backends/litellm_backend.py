"""Every other provider, through litellm: loaded when a policy has such a backend, quiet, and never in charge."""

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from gateway.backends.door import guard
from gateway.backends.headers import Headers, reply_headers
from gateway.backends.replicas import Replicas, Turn
from gateway.backends.reply import PiecewiseReply, WholeReply
from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, StreamBroken
from gateway.core.ports import Clock, Reply
from gateway.core.types import BackendSpec, BackendState, Envelope, Route, Sensitivity
from gateway.wire import litellm_call
from gateway.wire.choose import choose
from gateway.wire.exchange import Exchange, Rewriter
from gateway.wire.litellm_call import Call
from gateway.wire.litellm_errors import refusal, trouble
from gateway.wire.sse import DONE, event

LOADING = "litellm is being loaded, which takes some seconds"
MISSING = "litellm is not installed; run `pip install 'hybrid-gateway[litellm]'`"

CLOSE_S = 2.0

_JSON = "application/json"
_WHOLE_TYPE = (b"content-type", b"application/json")
_STREAM_TYPE: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_ENVIRONMENT: Mapping[str, str] = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # no download of a price list
    "LITELLM_MODE": "PRODUCTION",  # no `.env` file that happens to lie around
}
_SETTINGS: Mapping[str, Any] = {
    "suppress_debug_info": True,
    "set_verbose": False,
    "telemetry": False,
    "turn_off_message_logging": True,
    "drop_params": False,  # what a model does not take is refused, not dropped
    "modify_params": False,
    "num_retries": 0,
    "cache": None,
    "disable_token_counter": True,  # at a stream's end it loads a tokenizer, 2.6 s in which nothing else happens
    "disable_hf_tokenizer_download": True,
    "callbacks": [],
    "success_callback": [],
    "failure_callback": [],
}
_TALKERS = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router", "openai", "httpx", "httpx2", "httpcore", "httpcore2")
_MUTTERINGS = ("Pydantic serializer warnings", r"Item '\w+' on TypedDict class")  # the first quote what is serialized
_NO_KEY = "none"
_ITS_OWN = "http://litellm"  # a name in records for whatever address the provider has; nothing connects to it
_FROM_PROVIDER = "llm_provider-"
_SPEAK_OPENAI = ("openai", "text-completion-openai", "custom_openai")


class LiteLLMBackend:
    """Implements `core.ports.Backend`. Its replicas are the policy's `urls`, or the one address that litellm knows."""

    _open: ClassVar[set["LiteLLMBackend"]] = set()  # they share litellm's connections, which the last one closes

    def __init__(self, spec: BackendSpec, clock: Clock) -> None:
        self.spec = spec
        self._replicas = Replicas((), clock)
        self._replicas.replace((), LOADING)
        self._clock = clock
        self._litellm: Any = None
        self._suffixes: Mapping[str, str] = {}
        self._loading: asyncio.Task[None] | None = None

    @property
    def state(self) -> BackendState:
        return self._replicas.state

    def open(self) -> None:
        self._open.add(self)
        self._loading = asyncio.create_task(self._load(), name=f"load litellm for {self.spec.name}")

    async def aclose(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loading
        self._open.discard(self)
        if self._litellm is not None and not self._open:
            await _close_all(self._litellm)

    def refresh(self) -> None:
        self._replicas.look_again()

    def busy(self) -> Mapping[str, int]:
        return {replica.name: replica.in_flight for replica in self._replicas.all}

    def rows(self) -> list[dict[str, object]]:
        return self._replicas.rows()

    async def send(self, envelope: Envelope, route: Route, sensitivity: Sensitivity) -> Reply:
        exchange = choose(envelope, self.spec)
        call = litellm_call.call(exchange.path, exchange.body)
        turn = self._replicas.enter()
        began = self._clock.monotonic()
        try:
            reply = await self._ask(exchange, call, turn, route, sensitivity)
        except BaseException as error:
            if isinstance(error, AttemptFailed):
                error.replica = turn.replica.name
            turn.judge(error, is_late=self._clock.monotonic() - began >= route.patience_s(envelope.stream))
            turn.leave()
            raise
        turn.answered()
        if not reply.is_stream:
            turn.leave()
        return reply

    async def _ask(self, exchange: Exchange, call: Call, turn: Turn, route: Route, sensitivity: Sensitivity) -> Reply:
        function = getattr(self._litellm, call.function)
        arguments = call.arguments | self._treatment(call.arguments["model"], turn, route)
        guard(self.spec.zone, sensitivity)
        try:
            answer = await function(**arguments)
            headers = _headers(answer)
            if exchange.expects_stream:
                reply = CallReply(call, answer, exchange.rewriter(), turn, [*headers, *_STREAM_TYPE])
                await reply.begin()
                return reply
            body = litellm_call.answered(_document(answer), call)
        except (AttemptFailed, GatewayError):
            raise
        except Exception as error:  # whatever a provider's library raises, through litellm or past it
            refused = exchange.answer(*refusal(error))
            return WholeReply(turn.replica.name, refused.status, [_WHOLE_TYPE], refused.body, None)
        whole = exchange.answer(200, {"content-type": _JSON}, body)
        return WholeReply(turn.replica.name, 200, [*headers, _WHOLE_TYPE], whole.body, whole.usage)

    def _treatment(self, model: str, turn: Turn, route: Route) -> dict[str, Any]:
        """What litellm is told beside the request. To an address of the policy's goes no key but the policy's."""
        told: dict[str, Any] = {"timeout": route.total_s, "num_retries": 0, "max_retries": 0}
        if self.spec.urls:
            told["api_base"] = str(turn.replica.url).rstrip("/") + self._suffixes.get(model, "")
        key = self.spec.api_key or (_NO_KEY if self.spec.urls else None)
        return told if key is None else {**told, "api_key": key}

    async def _load(self) -> None:
        try:
            litellm = await asyncio.to_thread(_loaded)
            self._suffixes = {model: _suffix(litellm, model) for model in self.spec.models.values()}
        except ImportError:
            self._replicas.replace((), MISSING)
        except Exception as error:  # an import runs anything, and a model may be nobody's
            self._replicas.replace((), f"litellm cannot serve its model: {type(error).__name__}")
        else:
            self._litellm = litellm
            self._replicas.replace(self.spec.urls or (_ITS_OWN,), "")


class CallReply(PiecewiseReply):
    """Implements `core.ports.Reply` for a stream that litellm hands over in objects; owns the call and its turn."""

    def __init__(self, call: Call, stream: Any, rewriter: Rewriter, turn: Turn, headers: Headers) -> None:
        super().__init__(rewriter, turn, headers, 200)
        self._call = call
        self._stream = stream

    async def begin(self) -> None:
        """As any stream's; raises the provider's own error too, which whoever asked can read."""
        try:
            await super().begin()
        except BaseException:
            await self._close()
            raise

    async def _next(self) -> bytes:
        try:
            return await self._piece()
        except (StreamBroken, AttemptFailed, GatewayError):
            raise
        except Exception as error:  # whatever a provider's library raises, through litellm or past it
            if not self._first:
                raise
            kind, what = trouble(error) or (FailureKind.SERVER_ERROR, "the provider failed in the middle of its stream")
            raise StreamBroken(kind, what) from None

    async def _piece(self) -> bytes:
        """What the next object from litellm becomes."""
        piece = await anext(self._stream, None)
        if piece is None:
            self._is_ended = True
            return self._rewriter.feed(DONE) + self._rewriter.finish()
        document = _document(piece)
        if _is_made_up(self._stream, document):
            raise StreamBroken(FailureKind.BROKEN, "the provider's stream ended without a reason to")
        return self._rewriter.feed(event(litellm_call.chunk(document, self._call)))

    async def aclose(self) -> None:
        await self._close()
        self._turn.leave()

    async def _close(self) -> None:
        """A provider computes until its connection closes."""
        if not self._is_ended:
            self._is_ended = True
            await self._stream.aclose()


def _is_made_up(stream: Any, document: Mapping[str, Any]) -> bool:
    """litellm ends a stream that was cut short, if decently, with a `stop` of its own."""
    told = (getattr(stream, name, "unknown") for name in ("received_finish_reason", "intermittent_finish_reason"))
    has_reason = any(choice.get("finish_reason") for choice in document.get("choices", ()))
    return has_reason and not any(told) and not getattr(stream, "received_any_finish_reason", False)


def _document(answer: Any) -> dict[str, Any]:
    """litellm's classes do not say what they hold, so pydantic would warn, and quote it."""
    document: dict[str, Any] = answer.model_dump(exclude_none=True, warnings=False)
    return document


def _headers(answer: Any) -> Headers:
    """The provider's own, where litellm kept them under their names."""
    hidden = getattr(answer, "_hidden_params", None)
    kept = None if hidden is None else hidden.get("additional_headers")
    named = [(str(name).removeprefix(_FROM_PROVIDER), str(value)) for name, value in (kept or {}).items()]
    return reply_headers((name.encode(), value.encode("latin-1", "replace")) for name, value in dict(named).items())


def _suffix(litellm: Any, model: str) -> str:
    """Of an address: those who speak OpenAI count `/v1` to it. Raises where the model is of no provider it knows."""
    _, provider, _, _ = litellm.get_llm_provider(model)
    return "/v1" if provider in (*_SPEAK_OPENAI, *litellm.openai_compatible_providers) else ""


def _loaded() -> Any:
    """litellm, told to keep to itself. Takes seconds; raises ImportError where it is not installed."""
    os.environ.update(_ENVIRONMENT)
    with _uncollected():
        litellm: Any = importlib.import_module("litellm")
    for name, value in _SETTINGS.items():
        setattr(litellm, name, value)
    for name in _TALKERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for words in _MUTTERINGS:
        warnings.filterwarnings("ignore", words, UserWarning)
    return litellm


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage is looked for among 370,000 new objects that stay: that held everything up for a second."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


async def _close_all(litellm: Any) -> None:
    """The clients it keeps for every address, and the task that writes its logs, which nobody reads."""
    worker: Any = importlib.import_module("litellm.litellm_core_utils.logging_worker").GLOBAL_LOGGING_WORKER
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await asyncio.sleep(0)  # what the last answers left to be logged is only now handed to that task
            await worker.flush()
    await worker.stop()
    await litellm.close_litellm_async_clients()
    litellm.in_memory_llm_clients_cache.flush_cache()
