"""The one door through which bytes leave for a backend: it checks the clearance again, then sends."""

import ssl
from collections.abc import Mapping
from types import MappingProxyType

from gateway.backends.pool import Origin, Pool, Response
from gateway.core.errors import AttemptFailed, ClearanceViolation, FailureKind
from gateway.core.types import BackendKind, BackendSpec, Sensitivity, Zone

KEEP_ALIVE_S: Mapping[BackendKind, float] = MappingProxyType({BackendKind.OPENAI: 50.0})
"""An idle connection is dropped before the server does it."""
_KEEP_ALIVE_S = 4.0  # uvicorn, under vLLM and SGLang, closes after 5

Headers = Mapping[str, str]


def guard(zone: Zone, sensitivity: Sensitivity) -> None:
    """INVARIANT: no request whose sensitivity is above a zone's clearance is sent there, whatever was decided before.

    Raises ClearanceViolation. Every kind of backend calls this immediately before it sends.
    """
    if sensitivity > zone.clearance:
        raise ClearanceViolation(zone.name)


class Door:
    """The connections to one backend. Redirects are not followed, cookies not kept, proxies not asked."""

    def __init__(self, spec: BackendSpec, tls: ssl.SSLContext | None = None) -> None:
        self._zone = spec.zone
        self._pool = Pool(KEEP_ALIVE_S.get(spec.kind, _KEEP_ALIVE_S), tls)

    async def send(
        self, method: str, where: Origin, path: str, headers: bytes, body: bytes, sensitivity: Sensitivity
    ) -> Response:
        """The backend's answer once its head is there. `path` comes after the origin's own; `headers` are lines.

        Raises ClearanceViolation or AttemptFailed.
        """
        guard(self._zone, sensitivity)
        return await self._request(method, where, path, headers, body)

    async def ask(self, where: Origin, path: str, headers: bytes) -> Response:
        """A question of our own (health, limits), which carries nothing of anybody's request."""
        return await self._request("GET", where, path, headers, b"")

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _request(self, method: str, where: Origin, path: str, headers: bytes, body: bytes) -> Response:
        if " " in path or not path.isprintable():
            raise AttemptFailed(FailureKind.UNABLE, "a path with a blank or a line break in it", is_retryable=False)
        line = f"{method} {where.prefix}{path} HTTP/1.1\r\nhost: {where.authority}\r\n"
        head = b"%b%bcontent-length: %d\r\n\r\n" % (line.encode("latin-1"), headers, len(body))
        return await self._pool.request(where, head, body, is_bodiless=method == "HEAD")


def encoded(headers: Headers) -> bytes:
    """Header lines. Raises AttemptFailed(UNABLE) where a value would end its line: what follows could be anything."""
    lines = b"".join(
        b"%b: %b\r\n" % (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    )
    if len(lines.splitlines()) != len(headers) or b"\0" in lines:
        raise AttemptFailed(FailureKind.UNABLE, "a header with a line break in it", is_retryable=False)
    return lines
