"""A client for the Redis that a URL names, waited for or blocking; loaded only where a setting names one.

`redis://`, `rediss://` and `unix://` name one server, `redis+cluster://HOST:PORT` any node of a cluster, and
`redis+sentinel://HOST:PORT,HOST:PORT/SERVICE` the sentinels that know which server is the master.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from gateway.core.errors import ConfigError

SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "redis+sentinel")
TIMEOUT_S = 1.0
"""How long an exchange may take."""


def is_redis(where: str, flag: str) -> bool:
    """Whether a setting names a Redis rather than a file. Raises ConfigError for an address of something else."""
    scheme, separator, _ = where.partition("://")
    if not separator:
        return False
    if scheme not in SCHEMES or not (urlsplit(where).netloc or urlsplit(where).path):
        known = ", ".join(f"`{each}://`" for each in SCHEMES)
        raise ConfigError(f"`{flag}` cannot be a `{scheme}://` address; give a file's path, or one of {known}")
    return True


def client(url: str, package: Literal["redis", "redis.asyncio"]) -> Any:
    """Nothing is sent twice by the client itself: whether to is for its user to say.

    Raises ValueError or a RedisError for a URL that cannot be used.
    """
    redis = importlib.import_module(package)
    retry = importlib.import_module(f"{package}.retry").Retry(importlib.import_module("redis.backoff").NoBackoff(), 0)
    options = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S, "retry": retry}
    parts = urlsplit(url)
    if parts.scheme == "redis+cluster":
        return redis.RedisCluster.from_url(url.replace("redis+cluster", "redis", 1), **options)
    if parts.scheme == "redis+sentinel":
        return _by_sentinels(redis, url, options)
    return redis.Redis.from_url(url, **options)


def sentinels_of(opened: Any) -> Sequence[Any]:
    """The clients by which the sentinels are asked; closing the client of the master leaves them open."""
    pool = getattr(opened, "connection_pool", None)
    found = getattr(pool, "sentinel_manager", None)
    return () if found is None else found.sentinels


def _by_sentinels(redis: Any, url: str, options: Mapping[str, object]) -> Any:
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("name the service, as in `redis+sentinel://host:26379/mymaster`")
    places = [(host, int(port or 26_379)) for host, _, port in (each.partition(":") for each in hosts.split(","))]
    sentinel = redis.sentinel.Sentinel(places, sentinel_kwargs=dict(options), **options)
    return sentinel.master_for(service, db=int(database or 0), username=user or None, password=password or None)
