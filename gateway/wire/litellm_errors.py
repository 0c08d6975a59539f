"""What an exception of litellm's means, told by its class, its status and its code, never in its own words.

Its sentences quote addresses, keys and what providers say of the request. The classes' names are looked at and not the
classes, so that nothing here loads litellm: https://docs.litellm.ai/docs/exception_mapping.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind

_TROUBLES: Mapping[str, tuple[FailureKind, str]] = MappingProxyType(
    {
        "ConnectError": (FailureKind.CONNECT, "no connection to the provider"),
        "ConnectTimeout": (FailureKind.CONNECT, "no connection to the provider"),
        "ClientConnectorError": (FailureKind.CONNECT, "no connection to the provider"),
        "Timeout": (FailureKind.TIMEOUT, "the provider did not answer in time"),
        "ReadTimeout": (FailureKind.TIMEOUT, "the provider did not answer in time"),
        "APITimeoutError": (FailureKind.TIMEOUT, "the provider did not answer in time"),
        "ReadError": (FailureKind.BROKEN, "the connection to the provider broke"),
        "WriteError": (FailureKind.BROKEN, "the connection to the provider broke"),
        "RemoteProtocolError": (FailureKind.BROKEN, "the connection to the provider broke"),
        "ServerDisconnectedError": (FailureKind.BROKEN, "the connection to the provider broke"),
        "StopAsyncIteration": (FailureKind.BROKEN, "the provider's stream ended early"),
        "JSONDecodeError": (FailureKind.BAD_ANSWER, "the provider answered with something that is not JSON"),
    }
)
_MISTAKES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ContextWindowExceededError": (
            "context_length_exceeded",
            "the prompt and the answer asked for do not fit into the model's context window; shorten one of them",
        ),
        "ContentPolicyViolationError": (
            "content_policy_violation",
            "the provider's content policy refused the request",
        ),
    }
)
_OF_THE_CLIENT = frozenset({400, 413, 422})
_TOLD = frozenset({401, 403, 404, 408, 409, 429})
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_PARAM = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]]{0,63}")
_LONGEST_CHAIN = 12


class Refusal(NamedTuple):
    """An error answer in OpenAI's form, for `Exchange.answer`, which knows what it means to the client."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def refusal(error: Exception) -> Refusal:
    """What the provider answered. Raises AttemptFailed where it did not answer, or where litellm itself refused."""
    names = _names(error)
    if "UnsupportedParamsError" in names:
        what = "the provider's model does not take a parameter of the request"
        raise AttemptFailed(FailureKind.UNABLE, what, is_retryable=False)
    status = _status(error)
    if status >= 500 and (found := trouble(error)) is not None:
        raise AttemptFailed(*found)
    for name, (told, sentence) in _MISTAKES.items():
        if name in names:
            return Refusal(400, {}, _body(sentence, told, None))
    code = "insufficient_quota" if status == 402 else _word(error, "code", _CODE)
    if status not in _OF_THE_CLIENT:
        status = status if status in _TOLD or status >= 500 else 500
        return Refusal(status, _headers(error), _body("the provider failed", code, None))
    param = _word(error, "param", _PARAM)
    because = f"`{param}` is not as it takes it" if param else "it is not as the provider takes it"
    return Refusal(status, {}, _body(f"the provider refused the request: {because}", code, param))


def trouble(error: BaseException) -> tuple[FailureKind, str] | None:
    """What went wrong on the way, from the exception or what it was made of; None: nothing of that kind."""
    found = (_TROUBLES[name] for each in _chain(error) for name in _names(each) if name in _TROUBLES)
    return next(found, None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those it was raised from; one that wraps another for litellm's router comes first."""
    current: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if current is None:
            return
        yield current
        current = _original(current) or current.__cause__ or current.__context__


def _original(error: BaseException) -> BaseException | None:
    original = getattr(error, "original_exception", None)
    return original if isinstance(original, BaseException) else None


def _names(error: BaseException) -> list[str]:
    return [each.__name__ for each in type(_original(error) or error).__mro__]


def _status(error: Exception) -> int:
    status = getattr(_original(error) or error, "status_code", None)
    return status if isinstance(status, int) and 400 <= status < 600 else 500


def _word(error: Exception, field: str, shape: re.Pattern[str]) -> str | None:
    """A code or a parameter's name, from the provider's error object or from the exception made of it."""
    error_object = getattr(error, "body", None)
    given = error_object.get(field) if isinstance(error_object, dict) else getattr(error, field, None)
    return given if isinstance(given, str) and shape.fullmatch(given) else None


def _headers(error: Exception) -> Mapping[str, str]:
    headers = getattr(getattr(error, "response", None), "headers", None)
    return {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}


def _body(message: str, code: str | None, param: str | None) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return msgspec.json.encode({"error": error})
