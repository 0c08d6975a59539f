"""From ASGI to Envelope: authenticate, read the body within bounds, read the request, give it an id."""

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NamedTuple

import msgspec

from gateway.core.errors import GatewayError
from gateway.core.keys import IssuedKey, KeyRing
from gateway.core.tracing import Tracing, trace_of
from gateway.core.types import Caller, Endpoint, Envelope
from gateway.policy.evaluate import unknown_model
from gateway.policy.model import Policy, key_digest
from gateway.policy.vocabulary import AUTO
from gateway.wire import requests

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = tuple[tuple[bytes, bytes], ...]


class ClientLeft(Exception):
    """The client closed the connection before its request was complete; there is nobody to answer."""


class Acceptance(NamedTuple):
    """Under which id, as what, and within which bounds a request is accepted; `tracing` None: no collector is told."""

    id: str
    endpoint: Endpoint
    policy: Policy
    max_body_bytes: int
    tracing: Tracing | None = None
    keys: KeyRing | None = None


async def accept(scope: Scope, receive: Receive, given: Acceptance) -> Envelope:
    """One request, whole and understood. Raises GatewayError (what the client did wrong) or ClientLeft."""
    policy, endpoint = given.policy, given.endpoint
    headers: Headers = tuple(scope["headers"])
    by_name = dict(reversed(headers))  # of one given twice the first counts
    caller, issued = identify(by_name, policy, given.keys)
    if endpoint is Endpoint.UNKNOWN and by_name.get(b"upgrade", b"").lower() == b"websocket":
        raise GatewayError(404, "unknown_url", "the gateway speaks no websocket; use the HTTP routes under /v1")
    body = await _body(receive, by_name, given.max_body_bytes)
    reading = _read(endpoint, by_name, body)
    if endpoint is not Endpoint.UNKNOWN and policy.resolve_model(reading.model).is_unknown:
        raise unknown_model(reading.model, policy)
    if issued is not None:
        issued.check(endpoint, reading.model or AUTO)
    trace = trace_of(by_name)
    return Envelope(
        id=given.id,
        caller=caller,
        endpoint=endpoint,
        method=scope["method"],
        path=_path(scope),
        model=reading.model,
        stream=reading.stream,
        needs=reading.needs,
        prompt_tokens=reading.prompt_tokens,
        max_tokens=reading.max_tokens,
        received_at=time.time(),
        deadline_s=_deadline(by_name, policy.deadline_s),
        body=body,
        document=reading.document,
        headers=headers,
        trace=trace if given.tracing is None else given.tracing.joined(trace, given.id),
    )


def authenticate(headers: Mapping[bytes, bytes], policy: Policy, keys: KeyRing | None = None) -> Caller:
    """The caller whose key this is. The key may come as OpenAI, Azure or Anthropic clients send theirs."""
    return identify(headers, policy, keys)[0]


def identify(headers: Mapping[bytes, bytes], policy: Policy, keys: KeyRing | None) -> tuple[Caller, IssuedKey | None]:
    """Who asks, and the key where it is an issued one: one that is there for a caller of the policy, whom it narrows.

    Where keys are issued nobody gets in without one, though the policy lists no callers.
    """
    key = _key(headers)
    issued = None if keys is None or key is None else keys.find(key_digest(key))
    if issued is not None:
        named = next((each for each in policy.everyone if each.id == issued.caller), None)
        caller = named and msgspec.structs.replace(named, zones=issued.zones)
    else:
        caller = None if keys is not None and policy.is_open else policy.caller_for(key)
    if caller is None:
        raise GatewayError(
            401,
            "invalid_api_key",
            "missing or unknown gateway key: send `Authorization: Bearer <key>` with a key that the policy lists "
            "under `callers`, or with an issued one that counts",
            type="authentication_error",
        )
    return caller, issued


def _key(headers: Mapping[bytes, bytes]) -> str | None:
    bearer = headers.get(b"authorization", b"")
    if bearer[:7].lower() == b"bearer ":
        return bearer[7:].strip().decode("latin-1")
    key = headers.get(b"api-key") or headers.get(b"x-api-key")
    return None if key is None else key.strip().decode("latin-1")


async def _body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body; refused as soon as it is known to be too large, so that no 100 MB is ever held."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientLeft
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return _within(body, limit)
    pieces, total = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        pieces.append(message.get("body", b""))
        total += len(pieces[-1])
        if total > limit:
            raise _too_large(limit)
    return b"".join(pieces)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> GatewayError:
    return GatewayError(
        413,
        "request_too_large",
        f"the body is larger than {limit:,} bytes; send less, or raise `--max-body-bytes` on the gateway",
    )


def _read(endpoint: Endpoint, headers: Mapping[bytes, bytes], body: bytes) -> requests.Reading:
    encoding = headers.get(b"content-encoding", b"")
    if endpoint is Endpoint.UNKNOWN:
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        return requests.read_unknown("application/octet-stream" if encoding else content_type, body)
    if encoding not in (b"", b"identity"):
        raise GatewayError(
            415, "unsupported_encoding", "a compressed body is not read; send it without `content-encoding`"
        )
    return requests.read(endpoint, body)


def _path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    path = raw.split(b"?", 1)[0]
    return (path + b"?" + query if query else path).decode("latin-1")


def _deadline(headers: Mapping[bytes, bytes], longest_s: float) -> float:
    """The policy's bound over the whole chain, or the client library's own patience where that is shorter."""
    said = headers.get(b"x-stainless-read-timeout")
    if said is None:
        return longest_s
    try:
        patience = float(said)
    except ValueError:
        return longest_s
    return min(patience, longest_s) if patience > 0 else longest_s
