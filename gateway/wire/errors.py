"""Errors as clients expect them: OpenAI's four-key object, TGI's pair, and the same as the last event of a stream."""

import math
from collections.abc import Mapping, Sequence

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError, Unaffordable
from gateway.core.types import Dialect, Endpoint

_encode = msgspec.json.encode

# TGI's own words where it has one, because its clients choose their exception by it; elsewhere our code serves.
_TGI_TYPES: Mapping[int, str] = {
    400: "validation",
    413: "validation",
    415: "validation",
    422: "validation",
    424: "generation",
    429: "overloaded",
    500: "generation",
    502: "incomplete_generation",
    503: "overloaded",
    504: "generation",
}
_RETRY_AFTER_S = 1


def body(error: GatewayError, dialect: Dialect) -> bytes:
    """The whole answer of a refused request."""
    return _encode(_document(error, dialect))


def event(error: GatewayError, endpoint: Endpoint) -> bytes:
    """The event that ends a stream which broke off. There is no `[DONE]` after it: the answer is not done."""
    data = _encode(_document(error, endpoint.dialect))
    if endpoint is Endpoint.UNKNOWN:  # typed events, as /v1/responses sends them
        return b"event: error\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"


def headers(error: GatewayError) -> list[tuple[bytes, bytes]]:
    """`retry-after` where we know when; `x-should-retry: false` keeps clients from repeating what cannot succeed."""
    found: list[tuple[bytes, bytes]] = []
    if error.retry_after_s is not None:
        found.append((b"retry-after", b"%d" % error.retry_after_s))
    if error.status == 504 or error.type in ("policy_error", "insufficient_quota"):
        found.append((b"x-should-retry", b"false"))
    return found


def _document(error: GatewayError, dialect: Dialect) -> dict[str, object]:
    if dialect is Dialect.TGI:
        return {"error": error.message, "error_type": _TGI_TYPES.get(error.status, error.code)}
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def exhausted(failures: Sequence[AttemptFailed]) -> GatewayError:
    """What the client hears when no attempt brought an answer. Names kinds of failure, never addresses.

    A backend that cannot express the request decides nothing as long as another one could. Where nothing but money is
    missing, the first to miss it says so.
    """
    unpaid = [failure for failure in failures if isinstance(failure, Unaffordable)]
    if unpaid and all(failure.kind in (FailureKind.BUDGET, FailureKind.UNABLE) for failure in failures):
        return unpaid[0].refusal
    deciding = [failure for failure in failures if failure.kind is not FailureKind.UNABLE]
    kinds = {failure.kind for failure in deciding}
    tried = _tried(failures)
    if failures and not deciding:
        message = f"no backend that may answer can do this request: {failures[-1].detail}; ask for something else"
        return GatewayError(400, "unsupported_by_backend", message)
    if kinds == {FailureKind.TIMEOUT}:
        message = f"no backend answered in time: {tried}; ask for less, or try again later"
        return GatewayError(504, "backend_timeout", message, type="server_error")
    if FailureKind.OVERLOADED in kinds and kinds <= {FailureKind.OVERLOADED, FailureKind.QUOTA}:
        message = f"every backend that may answer is full: {tried}; try again shortly"
        wait = _retry_after_s(deciding)
        return GatewayError(429, "rate_limit_exceeded", message, type="requests", retry_after_s=wait)
    message = f"no backend that may answer did: {tried}; try again"
    return GatewayError(503, "no_backend_available", message, type="server_error", retry_after_s=_RETRY_AFTER_S)


def _tried(failures: Sequence[AttemptFailed]) -> str:
    number = len(failures)
    kinds = ", ".join(dict.fromkeys(failure.kind.value for failure in failures))
    return f"{number} attempt{'' if number == 1 else 's'} failed ({kinds or 'none was made'})"


def _retry_after_s(failures: Sequence[AttemptFailed]) -> int:
    """As soon as one of them may have room again."""
    waits = [failure.retry_after_s for failure in failures if failure.retry_after_s is not None]
    return max(_RETRY_AFTER_S, math.ceil(min(waits))) if waits else _RETRY_AFTER_S
