"""Who may change what is served: whoever has the admin key, or, where there is none, whoever sits at this machine."""

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.core.errors import ConfigError, GatewayError

VARIABLE = "GATEWAY_ADMIN_KEY"
SHORTEST_KEY = 16
COOKIE = "gateway_admin"
SESSION_S = 8 * 3_600
"""How long a browser stays signed in."""
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_JSON = "application/json"


class Asked(NamedTuple):
    """What access is decided from. `peer`: the address at the other end of the connection; `headers` by lower name;
    `at`: seconds since the epoch."""

    peer: str
    method: str
    headers: Mapping[str, str]
    at: float = 0.0


class Access:
    """`key` None: only this machine is let in, and nobody who comes through a proxy. Raises ConfigError."""

    def __init__(self, key: str | None) -> None:
        if key is not None and len(key) < SHORTEST_KEY:
            remedy = "make one with `openssl rand -hex 32`"
            raise ConfigError(f"`{VARIABLE}` must have at least {SHORTEST_KEY} characters; {remedy}")
        self._digest = None if key is None else hashlib.sha256(key.encode()).digest()

    @property
    def is_local_only(self) -> bool:
        return self._digest is None

    def check(self, asked: Asked) -> None:
        """Raises GatewayError: 401, 403 or 415."""
        if self._digest is None:
            _check_local(asked)
        else:
            given = asked.headers.get("authorization", "")
            if given[:7].lower() == "bearer ":
                self._check_key(given[7:].strip())
            elif not self._is_signed_in(asked):
                self._check_key("")
        _check_site(asked)

    def sign_in(self, asked: Asked, key: str, now: float) -> str:
        """The cookie of a browser whose operator has the key. Raises GatewayError as `check` does."""
        if self._digest is None:
            _check_local(asked)
        else:
            self._check_key(key)
        _check_site(asked)
        until = f"{int(now) + SESSION_S:x}"
        kept = f"Max-Age={SESSION_S}; Path=/admin; HttpOnly; SameSite=Strict"
        return f"{COOKIE}={until}.{self._seal(until)}; {kept}"

    def _check_key(self, key: str) -> None:
        assert self._digest is not None
        if not hmac.compare_digest(hashlib.sha256(key.encode()).digest(), self._digest):
            message = f"missing or wrong admin key: send `Authorization: Bearer <key>` with the key of `{VARIABLE}`"
            raise GatewayError(401, "invalid_admin_key", message, type="authentication_error")

    def _is_signed_in(self, asked: Asked) -> bool:
        pairs = (pair.strip().partition("=") for pair in asked.headers.get("cookie", "").split(";"))
        until, _, seal = next((value for name, _, value in pairs if name == COOKIE), "").partition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(until).encode()):
            return False
        return int(until, 16) > asked.at

    def _seal(self, until: str) -> str:
        """Of the key alone, so that every worker knows it, and another key ends all sessions."""
        secret = b"session" + (self._digest or b"")
        return hmac.new(secret, until.encode(), hashlib.sha256).hexdigest()


def _check_local(asked: Asked) -> None:
    host = urlsplit(f"//{asked.headers.get('host', '')}").hostname or ""
    is_local = _is_loopback(asked.peer) and (host == "localhost" or _is_loopback(host))
    if not is_local or any(name in asked.headers for name in _FORWARDED):
        message = f"without `{VARIABLE}` the admin routes answer this machine only; set it, and send it as a bearer key"
        raise GatewayError(403, "admin_is_local", message, type="permission_error")


def _check_site(asked: Asked) -> None:
    """No web page of another site can make an operator's browser change the policy."""
    site, origin = asked.headers.get("sec-fetch-site", "none"), asked.headers.get("origin")
    is_foreign = origin is not None and urlsplit(origin).netloc != asked.headers.get("host")
    if site not in ("none", "same-origin") or is_foreign:
        raise GatewayError(403, "cross_site", "a page of another site may not ask this", type="permission_error")
    if asked.method != "GET" and asked.headers.get("content-type", "").split(";")[0].strip().lower() != _JSON:
        raise GatewayError(415, "not_json", f"send `content-type: {_JSON}`")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
