"""A key that was issued beside the policy: whose it is, for what, and until when."""

from typing import Protocol

import msgspec

from gateway.core.errors import GatewayError
from gateway.core.types import Endpoint


class IssuedKey(msgspec.Struct, frozen=True):
    """`digest` is the SHA-256 of the key, which is kept nowhere. `caller` is one that the policy lists.

    Of `models`, `endpoints` and `zones` an empty one allows all that the policy does. Times are seconds since the
    epoch; `expires_at` 0: never, `revoked_at` 0: it counts.
    """

    id: str
    digest: str
    caller: str
    created_at: float
    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    expires_at: float = 0.0
    revoked_at: float = 0.0

    def counts(self, now: float) -> bool:
        return not (self.revoked_at and self.revoked_at <= now) and not (self.expires_at and self.expires_at <= now)

    def check(self, endpoint: Endpoint, model: str) -> None:
        """Raises GatewayError 403. A request whose model is not known is not within a list of models."""
        if self.endpoints and endpoint.value not in self.endpoints:
            raise _beyond("endpoint_not_allowed", f"the endpoint `{endpoint.value}`", self.endpoints)
        if self.models and (endpoint is Endpoint.UNKNOWN or model not in self.models):
            raise _beyond("model_not_allowed", "this model", self.models)


class KeyRing(Protocol):
    """The keys that count now."""

    def find(self, digest: str) -> IssuedKey | None: ...


def _beyond(code: str, what: str, allowed: tuple[str, ...]) -> GatewayError:
    listed = ", ".join(f"`{each}`" for each in allowed)
    message = f"this key may not be used for {what}, only for {listed}; use another key, or ask who issued it"
    return GatewayError(403, code, message, type="permission_error")
