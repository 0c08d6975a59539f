"""The one door through which bytes leave for a backend: it checks the clearance again, then opens the connection."""

import io
import os
from collections.abc import Mapping

import aiohttp
from yarl import URL

from gateway.core.errors import AttemptFailed, ClearanceViolation, FailureKind
from gateway.core.types import BackendKind, BackendSpec, Sensitivity, Zone

CONNECT_S = 5.0
KEEP_ALIVE_S: Mapping[BackendKind, float] = {BackendKind.OPENAI: 50.0}
"""An idle connection is dropped before the server does it, so that no request is written into a closing one."""
_KEEP_ALIVE_S = 4.0  # uvicorn, under vLLM and SGLang, closes after 5
_LARGE = 1 << 20  # aiohttp warns of larger bodies that are plain bytes

Headers = Mapping[str, str]


def guard(zone: Zone, sensitivity: Sensitivity) -> None:
    """INVARIANT: no request whose sensitivity is above a zone's clearance is sent there, whatever was decided before.

    Raises ClearanceViolation. Every kind of backend calls this immediately before it sends.
    """
    if sensitivity > zone.clearance:
        raise ClearanceViolation(zone.name)


class Door:
    """The connections to one backend. Redirects are not followed, cookies not kept, proxies not asked."""

    def __init__(self, spec: BackendSpec) -> None:
        self._zone = spec.zone
        self._keep_alive_s = KEEP_ALIVE_S.get(spec.kind, _KEEP_ALIVE_S)
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Must be called in the running loop, before the first request."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=self._keep_alive_s, ttl_dns_cache=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),  # the sweep keeps all other times
            auto_decompress=False,
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(
        self, method: str, url: URL, headers: Headers, body: bytes, sensitivity: Sensitivity
    ) -> aiohttp.ClientResponse:
        """The backend's answer once its head is there. Raises ClearanceViolation or AttemptFailed."""
        guard(self._zone, sensitivity)
        return await self._request(method, url, headers, body)

    async def ask(self, url: URL, headers: Headers) -> aiohttp.ClientResponse:
        """A question of our own (health, limits), which carries nothing of anybody's request."""
        return await self._request("GET", url, headers, b"")

    async def _request(self, method: str, url: URL, headers: Headers, body: bytes) -> aiohttp.ClientResponse:
        assert self._session is not None, "the door is open while the gateway runs"
        data = body if len(body) < _LARGE else io.BytesIO(body)
        try:
            return await self._session.request(method, url, headers=headers, data=data or None, allow_redirects=False)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise AttemptFailed(FailureKind.CONNECT, f"no connection: {_reason(error)}") from None
        except (aiohttp.ServerConnectionError, aiohttp.ClientOSError, ConnectionError) as error:
            raise AttemptFailed(FailureKind.BROKEN, f"the connection broke: {_reason(error)}") from None
        except aiohttp.ClientError as error:
            raise AttemptFailed(FailureKind.BAD_ANSWER, f"not an HTTP answer: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    """The kind of trouble, in words that hold nothing of the request: neither its path nor its headers."""
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = inner.errno if isinstance(inner, OSError) else None
    return os.strerror(number).lower() if number else type(inner).__name__
