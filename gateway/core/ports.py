"""The ports: what the pipeline asks of backends, the ledger and the recorder, with no word about how."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from gateway.core.budgets import Charge, Hold, Shortfall, Standing
from gateway.core.errors import GatewayError
from gateway.core.money import NanoUSD
from gateway.core.records import Record
from gateway.core.types import BackendSpec, BackendState, Envelope, Route, Sensitivity
from gateway.core.usage import Usage


class Reply(Protocol):
    """A backend's answer with its first byte in hand, already in the client's format.

    `headers` are lower-case and allow-listed. Either `body` is the whole answer and `is_stream` is false, or the
    answer is iterated once with `chunks()`, which raises `StreamBroken` when the backend breaks off. `usage` is None
    until the end is reached, and may stay None. `aclose` is idempotent, closes the upstream connection when the answer
    has not ended, and must be called.
    """

    @property
    def replica(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def is_stream(self) -> bool: ...
    @property
    def body(self) -> bytes: ...
    @property
    def usage(self) -> Usage | None: ...
    def chunks(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class Backend(Protocol):
    """One LLM service. `send` makes one attempt: it returns a Reply, or raises `AttemptFailed` (try on) or
    `GatewayError` (an answer: the client's own mistake). Cancelling it closes the upstream connection."""

    @property
    def spec(self) -> BackendSpec: ...
    async def send(self, envelope: Envelope, route: Route, sensitivity: Sensitivity) -> Reply: ...


class Fleet(Protocol):
    """Every backend of the running policy, and what is known of each now.

    `in_flight` counts requests by (backend, replica), `queues` those that wait at a replica that says so;
    `predicted_waits` are seconds by backend. `wanted`: a request would have gone to this backend, had it been
    up; what sleeps may be woken.
    """

    @property
    def states(self) -> Mapping[str, BackendState]: ...
    def __getitem__(self, name: str) -> Backend: ...
    def in_flight(self) -> Mapping[tuple[str, str], int]: ...
    def queues(self) -> Mapping[tuple[str, str], int]: ...
    def predicted_waits(self) -> Mapping[str, float]: ...
    def wanted(self, name: str) -> None: ...


class Ledger(Protocol):
    """Keeps the accounts of all budgets, together with every other gateway that has the same ledger.

    `reserve` sets `amount` aside in every account of `charges` or in none: a Hold, or the Shortfall that prevents it.
    Where a hard budget is short only because of what others hold, it waits for them in line, as long as each such
    budget lets it. With `least`, a smaller hold will do: it is given where the full amount can no longer come. Raises
    LedgerUnavailable. Cancelling it leaves nothing held.

    `settle` is told, not asked: the hold ends, and `actual` is spent, be it more or less than was held. A second time
    it does nothing. A hold that is neither settled nor extended before it expires counts as spent in full; settling it
    later puts that right. `settle(hold, NanoUSD(0))` gives it back.

    `standing` is what was last heard of an account, at no cost; `read` asks of several at once.
    """

    async def reserve(
        self, charges: tuple[Charge, ...], amount: NanoUSD, lease_s: float, least: NanoUSD | None = None
    ) -> Hold | Shortfall: ...
    def settle(self, hold: Hold, actual: NanoUSD) -> None: ...
    def extend(self, hold: Hold, lease_s: float) -> None: ...
    def standing(self, charge: Charge) -> Standing: ...
    async def read(self, charges: Sequence[Charge]) -> list[Standing]: ...


class Recorder(Protocol):
    """Takes a Record without waiting and without raising; delivery is its own affair."""

    def record(self, record: Record) -> None: ...


class Responder(Protocol):
    """The client's side of one request. Exactly one of `refuse`, `whole` or `begin` is called, and at most once.

    `break_off` ends a response that has begun with an error event in the client's format, never in silence.
    """

    @property
    def has_begun(self) -> bool: ...
    async def refuse(self, error: GatewayError, headers: list[tuple[bytes, bytes]]) -> None: ...
    async def whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None: ...
    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None: ...
    async def chunk(self, data: bytes) -> None: ...
    async def end(self) -> None: ...
    async def break_off(self, error: GatewayError) -> None: ...


class Clock(Protocol):
    """Two clocks: `wall` in seconds since the epoch for people, `monotonic` in seconds for differences."""

    def wall(self) -> float: ...
    def monotonic(self) -> float: ...
