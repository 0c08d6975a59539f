"""The faults a simulator can be told to have, changeable while it runs."""

from typing import Literal

import msgspec


class Faults(msgspec.Struct, forbid_unknown_fields=True):
    """What goes wrong, and how slowly everything goes; times in milliseconds. Nothing, by default.

    All but the times, `unhealthy` and `slow_health_ms` concern requests that carry content (POST and the like); GET
    routes go on answering. `cut_after_events`: the connection ends after that many events of a stream; a whole answer
    counts as one event, so 0 cuts it too. `cut_with` says how: `reset` (RST), `eof` (the socket closes inside the
    answer), `end` (the answer ends properly, but early: no finish reason, no `[DONE]`).
    """

    prefill_ms: float = 0.0
    token_ms: float = 0.0
    jitter: float = 0.0  # each wait is multiplied by something in 1 ± jitter
    overloaded: bool = False
    overloaded_first: int = 0  # the next so many requests; counts down
    overloaded_every: int = 0  # every so-manieth request since the start
    error_event_first: bool = False  # a stream is 200 and then an error event; a whole answer is the error
    fail_status: int | None = None
    fail_body: str | None = None  # None: what the service says with that status
    cut_after_events: int | None = None
    cut_with: Literal["reset", "eof", "end"] = "reset"
    cut_body: bool = False  # content-length promises more than is sent; a whole answer only
    hang: bool = False
    html: bool = False  # what stands in front of the service answers, with a page
    insufficient_quota: bool = False  # OpenAI's alone
    unhealthy: bool = False
    slow_health_ms: float = 0.0

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.__struct_fields__:
            raise AttributeError(f"no fault `{name}`; there are {', '.join(self.__struct_fields__)}")
        msgspec.Struct.__setattr__(self, name, value)

    def takes_overload(self, nth: int) -> bool:
        """Whether the `nth` request meets overload; uses up one of `overloaded_first`."""
        if self.overloaded_first > 0:
            self.overloaded_first -= 1
            return True
        return self.overloaded or (self.overloaded_every > 0 and nth % self.overloaded_every == 0)

    def change(self, wanted: bytes) -> None:
        """Set the faults named in a JSON object; the others stay. Raises `msgspec.DecodeError`, having changed none."""
        named = msgspec.json.decode(wanted, type=dict[str, msgspec.Raw])
        now = msgspec.to_builtins(self)
        merged = msgspec.convert({**now, **{name: msgspec.json.decode(raw) for name, raw in named.items()}}, Faults)
        for name in self.__struct_fields__:
            setattr(self, name, getattr(merged, name))
