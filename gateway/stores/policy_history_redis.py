"""The history of policies in Redis, one list for all machines whose gateways must serve the same."""

import importlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.core.errors import ConfigError, JournalUnavailable
from gateway.stores.policy_history import Version
from gateway.stores.redis_client import client

_APPEND = (
    "if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end return redis.call('RPUSH', KEYS[1], ARGV[2])"
)
_STEP = 32
_decode = msgspec.json.Decoder(Version).decode


class RedisHistory:
    """Implements `PolicyHistory`; a version's number is its place in the list. Raises ConfigError for its URL."""

    is_shared = True

    def __init__(self, url: str, name: str = "gateway") -> None:
        self._key = f"{{{name}}}:policies"
        self._where = urlsplit(url).netloc.rpartition("@")[2] or urlsplit(url).path
        self._errors: type[Exception] = importlib.import_module("redis.exceptions").RedisError
        try:
            self._client: Any = client(url, "redis")
        except (ValueError, self._errors) as error:
            raise ConfigError(f"`--history` is no address of a Redis: {str(error).lower()}") from None

    def newest(self, limit: int) -> list[Version]:
        return self._read(-limit, -1)[::-1]

    def find(self, version: int) -> Version | None:
        return next(iter(self._read(version - 1, version - 1)), None) if version > 0 else None

    def before(self, version: Version) -> Version | None:
        stood = version.restores or version.version
        while stood > 1:
            first = max(1, stood - _STEP)
            for found in reversed(self._read(first - 1, stood - 2)):
                if found.text != version.text:
                    return found
            stood = first
        return None

    def append(self, version: Version, allows: Callable[[Version | None], bool]) -> bool:
        while True:
            latest = next(iter(self.newest(1)), None)
            if not allows(latest):
                return False
            number = latest.version if latest else 0
            numbered = msgspec.structs.replace(version, version=number + 1)
            if self._asked("EVAL", _APPEND, 1, self._key, number, msgspec.json.encode(numbered)):
                return True

    def _read(self, first: int, last: int) -> list[Version]:
        """Places count from 0, or backwards from -1."""
        return [_decode(text) for text in self._asked("LRANGE", self._key, first, last)]

    def _asked(self, *words: object) -> Any:
        try:
            return self._client.execute_command(*words)
        except (self._errors, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
            message = (
                f"the history of policies at `{self._where}` cannot be used: {reason}; start it, or look at its log"
            )
            raise JournalUnavailable(message) from None
