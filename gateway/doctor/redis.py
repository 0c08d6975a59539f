"""Whether the Redis that a setting names can keep what it is to keep."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.config import Settings
from gateway.core.errors import ConfigError
from gateway.doctor import clocks
from gateway.doctor.result import Result, ok, trouble, warning
from gateway.stores.redis_client import is_redis
from gateway.stores.redis_look import Look, RedisTrouble, look


def results(settings: Settings) -> Iterator[Result]:
    """Of each flag that names one. Blocking."""
    for name, where in (("ledger", settings.ledger), ("history", settings.history)):
        try:
            if where and is_redis(where, f"--{name}"):
                yield from _looked_at(name, where)
        except ConfigError as error:
            yield trouble(name, str(error), f"correct `--{name}` (or `GATEWAY_{name.upper()}`)")


def _looked_at(name: str, url: str) -> Iterator[Result]:
    about = f"{name} in Redis `{urlsplit(url).netloc.rpartition('@')[2] or urlsplit(url).path}`"
    try:
        seen = look(url)
    except RedisTrouble as reason:
        yield trouble(about, str(reason), f"see that it runs, and that `--{name}` names its address, user and password")
        return
    yield ok(about, "answers, and scripts may write there")
    yield clocks.compared(about, seen.now, seen.before, seen.after)
    yield from _memory(name, about, seen)


def _memory(name: str, about: str, seen: Look) -> Iterator[Result]:
    lost = "what was spent" if name == "ledger" else "which policies were served"
    if seen.is_kept is False:
        yield warning(about, f"it forgets {lost} when it restarts", "start it with `--appendonly yes`")
    if seen.evicts:
        yield trouble(
            about,
            f"it forgets {lost} when its memory is full (`{seen.evicts}`)",
            "set its `maxmemory-policy` to `noeviction`",
        )
