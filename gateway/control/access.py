"""Who may look at what is served, and who may change it: by a key for each role, or, without one, at this machine."""

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.core.errors import ConfigError, GatewayError


class Role(IntEnum):
    """What somebody may do; each may all that those before it may."""

    VIEWER = 1  # look at everything
    OPERATOR = 2  # try: a prompt, a candidate, a backtest; nothing that a request would notice
    ADMIN = 3  # change the policy, take the change back

    @property
    def label(self) -> str:
        return self.name.lower()


VARIABLE = "GATEWAY_ADMIN_KEY"
VARIABLES: Mapping[str, Role] = {
    VARIABLE: Role.ADMIN,
    "GATEWAY_OPERATOR_KEY": Role.OPERATOR,
    "GATEWAY_VIEWER_KEY": Role.VIEWER,
}
SHORTEST_KEY = 16
COOKIE = "gateway_admin"
SESSION_S = 8 * 3_600
"""How long a browser stays signed in."""
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_JSON = "application/json"
_KEPT = "Path=/admin; HttpOnly; SameSite=Strict"
SIGNED_OUT = f"{COOKIE}=; Max-Age=0; {_KEPT}"


class Asked(NamedTuple):
    """What access is decided from. `peer`: the address at the other end of the connection; `headers` by lower name;
    `at`: seconds since the epoch."""

    peer: str
    method: str
    headers: Mapping[str, str]
    at: float = 0.0


class Access:
    """`keys`: by variable (of `VARIABLES`) what it says. Without that of the admin only this machine is let in, and
    nobody who comes through a proxy. Raises ConfigError."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        given = {name: keys[name] for name in VARIABLES if keys.get(name)}
        for name, key in given.items():
            if len(key) < SHORTEST_KEY:
                remedy = "make one with `openssl rand -hex 32`"
                raise ConfigError(f"`{name}` must have at least {SHORTEST_KEY} characters; {remedy}")
        if given and VARIABLE not in given:
            raise ConfigError(f"`{next(iter(given))}` is set and `{VARIABLE}` is not; set both, or neither")
        self._digests = {VARIABLES[name]: hashlib.sha256(key.encode()).digest() for name, key in given.items()}
        if len(set(self._digests.values())) < len(given):
            raise ConfigError(f"{' and '.join(f'`{name}`' for name in given)} must differ: a key is of one role")

    @property
    def is_local_only(self) -> bool:
        return not self._digests

    def check(self, asked: Asked, least: Role) -> Role:
        """The role of who asks. Raises GatewayError: 401, 403 or 415."""
        role = self._role(asked)
        check_site(asked)
        if role < least:
            message = f"a {role.label} may not do this; sign in as {least.label}"
            raise GatewayError(403, "role_too_low", message, type="permission_error")
        return role

    def sign_in(self, asked: Asked, key: str, now: float) -> str:
        """The cookie of a browser whose operator has a key. Raises GatewayError as `check` does."""
        role = self._local(asked) if self.is_local_only else self._of_key(key)
        check_site(asked)
        said = f"{role.label}.{int(now) + SESSION_S:x}"
        return f"{COOKIE}={said}.{self._seal(role, said)}; Max-Age={SESSION_S}; {_KEPT}"

    def _role(self, asked: Asked) -> Role:
        if self.is_local_only:
            return self._local(asked)
        given = asked.headers.get("authorization", "")
        if given[:7].lower() == "bearer ":
            return self._of_key(given[7:].strip())
        return self._of_session(asked) or self._of_key("")

    def _local(self, asked: Asked) -> Role:
        _check_local(asked)
        return Role.ADMIN

    def _of_key(self, key: str) -> Role:
        """Compared with each, so that the time it takes tells nothing."""
        digest = hashlib.sha256(key.encode()).digest()
        found = [role for role, known in self._digests.items() if hmac.compare_digest(digest, known)]
        if not found:
            message = f"missing or wrong admin key: send `Authorization: Bearer <key>` with the key of `{VARIABLE}`"
            raise GatewayError(401, "invalid_admin_key", message, type="authentication_error")
        return found[0]

    def _of_session(self, asked: Asked) -> Role | None:
        pairs = (pair.strip().partition("=") for pair in asked.headers.get("cookie", "").split(";"))
        said, _, seal = next((value for name, _, value in pairs if name == COOKIE), "").rpartition(".")
        label, _, until = said.partition(".")
        role = next((each for each in self._digests if each.label == label), None)
        if role is None or not hmac.compare_digest(seal.encode(), self._seal(role, said).encode()):
            return None
        return role if int(until, 16) > asked.at else None

    def _seal(self, role: Role, said: str) -> str:
        """Of the role's key alone, so that every worker knows it, and another key ends its sessions."""
        return hmac.new(b"session" + self._digests.get(role, b""), said.encode(), hashlib.sha256).hexdigest()


def _check_local(asked: Asked) -> None:
    host = urlsplit(f"//{asked.headers.get('host', '')}").hostname or ""
    is_local = _is_loopback(asked.peer) and (host == "localhost" or _is_loopback(host))
    if not is_local or any(name in asked.headers for name in _FORWARDED):
        message = f"without `{VARIABLE}` the admin routes answer this machine only; set it, and send it as a bearer key"
        raise GatewayError(403, "admin_is_local", message, type="permission_error")


def check_site(asked: Asked) -> None:
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
