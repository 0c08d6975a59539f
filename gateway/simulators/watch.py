"""What a simulator saw and charged: the log, the open requests, the leavings, the bill."""

import time
from contextvars import ContextVar

import msgspec

from gateway.simulators.faults import Faults


class Seen(msgspec.Struct, eq=False):
    """One request as it arrived, and what has been answered so far.

    `path` is as sent, query included. `at` is seconds since the epoch. `closed_after_s` is how long after its arrival
    the client's connection was found closed, if that was before the answer's end. `parameters` are what the engine was
    told to generate with, where something was generated.
    """

    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    at: float
    status: int | None = None
    parts: list[bytes] = msgspec.field(default_factory=list)
    parameters: dict[str, object] = msgspec.field(default_factory=dict)
    closed_after_s: float | None = None
    started: float = msgspec.field(default_factory=time.monotonic)

    @property
    def answer(self) -> bytes:
        """The body of the answer, as far as it was sent."""
        return b"".join(self.parts)

    def told(self) -> dict[str, object]:
        """For people and JSON: no header values, since keys are among them."""
        return {
            "method": self.method,
            "path": self.path,
            "headers": [name.decode("latin-1") for name, _ in self.headers],
            "body": self.body.decode("utf-8", "replace"),
            "at": self.at,
            "status": self.status,
            "parameters": self.parameters,
            "closed_after_s": self.closed_after_s,
        }


CURRENT: ContextVar[Seen] = ContextVar("the request being answered in this task")


class Bill(msgspec.Struct):
    """The tokens a provider would charge for one model, those of abandoned requests included."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Watch:
    """Everything a test or an operator can ask a running simulator. `log` keeps the newest `keep` entries, or none."""

    def __init__(self, faults: Faults, keep: int = 10_000) -> None:
        self.faults = faults
        self.log: list[Seen] = []
        self.open_requests = 0
        self.closed_early = 0
        self.bill: dict[str, Bill] = {}
        self._keep = keep

    def note(self, seen: Seen) -> None:
        if self._keep == 0:
            return
        if len(self.log) >= self._keep:
            del self.log[: (self._keep + 1) // 2]
        self.log.append(seen)

    def note_left(self, seen: Seen) -> None:
        self.closed_early += 1
        seen.closed_after_s = time.monotonic() - seen.started

    def charge(self, model: str, prompt_tokens: int, completion_tokens: int) -> None:
        bill = self.bill.setdefault(model, Bill())
        bill.requests += 1
        bill.prompt_tokens += prompt_tokens
        bill.completion_tokens += completion_tokens
