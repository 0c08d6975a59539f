"""What an error answer of a server that speaks OpenAI means: the client's own mistake, or a failure of the backend."""

import re
from collections.abc import Mapping

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError

_NEVER_RETRY = frozenset({"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"})
_FULL = frozenset({"rate_limit_exceeded", "rate_limit_error", "slow_down", "server_is_overloaded", "429"})
_MISTAKES = frozenset({"invalid_request_error", "BadRequestError", "NotFoundError", "UnprocessableEntityError"})
_STATUSES: Mapping[int, tuple[FailureKind, bool, str]] = {
    401: (FailureKind.UNAUTHORIZED, False, "refused the gateway's key"),
    403: (FailureKind.UNAUTHORIZED, False, "refused the gateway's key"),
    404: (FailureKind.UNABLE, False, "does not know the model or the route"),
    405: (FailureKind.UNABLE, False, "does not know the route"),
    408: (FailureKind.TIMEOUT, True, "timed out"),
    409: (FailureKind.SERVER_ERROR, True, "had a conflict"),
    429: (FailureKind.OVERLOADED, True, "is rate limiting"),
    504: (FailureKind.TIMEOUT, True, "timed out"),
    529: (FailureKind.OVERLOADED, True, "is overloaded"),
}
_INVALID = "invalid_request"
_UNSUPPORTED = frozenset({"unsupported_parameter", "unsupported_value"})
_PARAM = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]]{0,63}")
_LONGEST_WAIT_S = 86_400
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,63}")


class Said(msgspec.Struct, frozen=True):
    """An OpenAI-like error: `code` as text (vLLM and SGLang send numbers)."""

    message: str
    type: str
    code: str
    param: str | None


def said(body: bytes) -> Said | None:
    """The error object of an answer or of an event; None where it is none. vLLM's older form has no outer `error`."""
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    inner = document.get("error", document if document.get("object") == "error" else None)
    if isinstance(inner, str):
        return Said(inner, str(document.get("error_type", "")), "", None)
    if not isinstance(inner, dict):
        return None
    param = inner.get("param")
    return Said(
        message=str(inner.get("message") or "the backend gave no reason"),
        type=str(inner.get("type") or ""),
        code=str(inner.get("code") or ""),
        param=param if isinstance(param, str) else None,
    )


def openai_failure(status: int, headers: Mapping[str, str], body: bytes) -> AttemptFailed | None:
    """The failure that an answer of status 400 or above is; None: an answer all the same, the client's own mistake."""
    error = said(body)
    if error is not None and _is_among(_NEVER_RETRY, error):
        return _quota()
    if status in _STATUSES:
        kind, is_retryable, what = _STATUSES[status]
        wait = retry_after(headers)
        return AttemptFailed(kind, f"the backend {what}", is_retryable=is_retryable, retry_after_s=wait)
    if status >= 500:
        kind = FailureKind.OVERLOADED if error is not None and _is_among(_FULL, error) else FailureKind.SERVER_ERROR
        return AttemptFailed(kind, f"the backend answered {status}", retry_after_s=retry_after(headers))
    if error is None and not _is_json(headers):  # a page of something in between, which nobody asked
        return AttemptFailed(FailureKind.BAD_ANSWER, f"the backend answered {status} in something that is not JSON")
    return None


def unsupported(status: int, body: bytes) -> AttemptFailed | None:
    """The failure that a 400 is where a model of our choice does not take a field, or not that value.

    The client did not choose the model, so the mistake is not the client's, and another model may take it.
    """
    error = said(body) if status == 400 else None
    if error is None or error.code not in _UNSUPPORTED:
        return None
    name = f"`{error.param}`" if error.param and _PARAM.fullmatch(error.param) else "a parameter of the request"
    return AttemptFailed(FailureKind.UNABLE, f"the backend's model does not take {name}", is_retryable=False)


def event_failure(error: Said) -> AttemptFailed | GatewayError:
    """What an error event means that came in place of a stream."""
    if _is_among(_NEVER_RETRY, error):
        return _quota()
    if _is_among(_FULL, error) or error.type in {"requests", "tokens"}:
        return AttemptFailed(FailureKind.OVERLOADED, "the backend is rate limiting")
    status = int(error.code) if error.code.isdecimal() and len(error.code) == 3 else 0
    if status in _STATUSES:
        kind, is_retryable, what = _STATUSES[status]
        return AttemptFailed(kind, f"the backend {what}", is_retryable=is_retryable)
    if error.type in _MISTAKES or 400 <= status < 500:
        return told(400, error)
    return AttemptFailed(FailureKind.SERVER_ERROR, "the backend sent an error in place of a stream")


def told(status: int, error: Said | None) -> GatewayError:
    """The client's mistake, for a client that cannot be given the backend's own bytes."""
    if error is None:
        return GatewayError(status, _INVALID, "the backend refused the request without a reason")
    code = error.code if _CODE.fullmatch(error.code) else _INVALID  # it is recorded, so it may be nothing but a code
    return GatewayError(status, code, error.message, param=error.param)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after`; dates are left alone, having no clock."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if 0 <= seconds < _LONGEST_WAIT_S:
            return seconds
    return None


def _is_among(words: frozenset[str], error: Said) -> bool:
    return error.code in words or error.type in words


def _is_json(headers: Mapping[str, str]) -> bool:
    return "json" in headers.get("content-type", "json")


def _quota() -> AttemptFailed:
    return AttemptFailed(FailureKind.QUOTA, "the backend's quota is used up", is_retryable=False)
