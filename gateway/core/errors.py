"""Errors in two families: what the client hears (`GatewayError`) and what it never hears (`AttemptFailed`).

A foreign exception is translated into one of these where it enters the gateway, and nowhere else.
"""

from enum import StrEnum


class GatewayError(Exception):
    """An honest answer to the client: HTTP status, OpenAI error `type` and `code`, and a sentence with the remedy.

    The sentence is shown to the client and must hold nothing of the request's content except the `model` and field
    names. `param` names the offending field. `retry_after_s` becomes the `retry-after` header.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        type: str = "invalid_request_error",
        param: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.type = type
        self.param = param
        self.retry_after_s = retry_after_s


class ClearanceViolation(GatewayError):
    """The guard at the door: content was about to leave for a zone below its class. A bug in deciding, not routine."""

    def __init__(self, zone: str) -> None:
        super().__init__(
            403,
            "clearance_violation",
            f"the request was stopped at the door: zone `{zone}` is not cleared for its sensitivity",
            type="policy_error",
        )
        self.zone = zone


class FailureKind(StrEnum):
    """Why an attempt brought no answer. The word goes into records and metrics."""

    CONNECT = "connect"  # no connection: refused, DNS, TLS, timeout while connecting
    TIMEOUT = "timeout"  # connected, no first byte in time
    BROKEN = "broken"  # the connection ended before the answer did
    OVERLOADED = "overloaded"  # 429 or "Model is overloaded": alive but full
    QUOTA = "quota"  # insufficient_quota: paid up, never retry here
    UNAUTHORIZED = "unauthorized"  # our own key was refused
    SERVER_ERROR = "server_error"  # 5xx, TGI's 424
    BAD_ANSWER = "bad_answer"  # bytes that are not the protocol (HTML, cut JSON)
    UNABLE = "unable"  # this backend cannot express the request
    BUDGET = "budget"  # nobody pays for it; nothing was sent


class AttemptFailed(Exception):
    """Try the same route again, or the next. Raised only while nothing has been sent to the client.

    `detail` is for operators and holds nothing of the request. `is_retryable`: the same route may be asked again at
    once. `replica` is filled in by whoever chose it.
    """

    def __init__(
        self,
        kind: FailureKind,
        detail: str,
        *,
        is_retryable: bool = True,
        retry_after_s: float | None = None,
        replica: str = "",
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.replica = replica
        self.detail = detail
        self.is_retryable = is_retryable
        self.retry_after_s = retry_after_s


class Unaffordable(AttemptFailed):
    """No budget pays for the attempt, so it is not made. `refusal`: what the client hears if nothing answers."""

    def __init__(self, refusal: GatewayError) -> None:
        super().__init__(FailureKind.BUDGET, refusal.message, is_retryable=False)
        self.refusal = refusal


class StreamBroken(Exception):
    """The backend broke off after the first byte. The client hears an error event in its own format."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class JournalUnavailable(Exception):
    """Records cannot be written or read now: a full disk, a locked file, a closed pipe. Offer them again later."""


class LedgerUnavailable(Exception):
    """Nothing can be reserved now, because the ledger cannot be reached. What was spent is told to it later."""


class ConfigError(Exception):
    """A policy or configuration that cannot be used: says the file, the line, and what to do."""
