"""A look at a Redis before anything depends on it: whether scripts may write, its clock, and what it would lose."""

import importlib
import time
from typing import Any, NamedTuple

from gateway.stores.redis_client import client, sentinels_of

_SCRIPT = (
    "redis.call('SET', KEYS[1], '1', 'EX', '1') redis.call('DEL', KEYS[1]) "
    "local now = redis.call('TIME') return {now[1], now[2]}"
)
_NO_LOSS = "noeviction"


class RedisTrouble(Exception):
    """Why it cannot be used; its words hold no address and no password."""


class Look(NamedTuple):
    """`now` is the server's clock, `before` and `after` ours around it, seconds since the epoch. `is_kept`: what is
    written survives a restart; `evicts`: the way in which it forgets what is in use when full, empty where it does not.
    Both None where the server does not tell."""

    now: float
    before: float
    after: float
    is_kept: bool | None
    evicts: str | None


def look(url: str) -> Look:
    """Blocking, bounded by the client's timeouts. Raises RedisTrouble."""
    errors: type[Exception] = importlib.import_module("redis.exceptions").RedisError
    try:
        opened = client(url, "redis")
    except (ValueError, errors) as error:
        raise RedisTrouble(f"it is no address of a Redis: {type(error).__name__}") from None
    try:
        before = time.time()
        seconds, micros = opened.execute_command("EVAL", _SCRIPT, 1, "{gateway}:doctor")
        after = time.time()
        told = _told(opened, errors)
    except (OSError, errors) as error:
        raise RedisTrouble(_reason(error)) from None
    finally:
        opened.close()
        for sentinel in sentinels_of(opened):
            sentinel.close()
    return Look(int(seconds) + int(micros) / 1e6, before, after, _is_kept(told), _evicts(told))


def _told(opened: Any, errors: type[Exception]) -> dict[str, Any]:
    """INFO, which a user of the server may not be allowed to ask for; of a cluster, one node's."""
    try:
        told: dict[str, Any] = opened.info()
    except errors:
        return {}
    node = next(iter(told.values()), None)
    return node if isinstance(node, dict) and "redis_version" in node else told


def _is_kept(told: dict[str, Any]) -> bool | None:
    return bool(told["aof_enabled"]) if "aof_enabled" in told else None


def _evicts(told: dict[str, Any]) -> str | None:
    if "maxmemory_policy" not in told:
        return None
    limited = bool(told.get("maxmemory"))
    return told["maxmemory_policy"] if limited and told["maxmemory_policy"] != _NO_LOSS else ""


def _reason(error: Exception) -> str:
    """The server's own first word where it refused, else the kind of trouble."""
    kind = type(error).__name__
    return {
        "AuthenticationError": "it refused the password",
        "AuthenticationWrongNumberOfArgsError": "it refused the password",
        "NoPermissionError": "its user may not run the gateway's scripts",
        "TimeoutError": "it did not answer in time",
        "ConnectionError": "no connection",
        "ReadOnlyError": "it is a replica, which takes no writes",
    }.get(kind, f"it refused ({kind})")
