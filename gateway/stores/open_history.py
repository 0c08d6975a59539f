"""Which history of policies a setting names: a Redis by its URL, or an SQLite file by its path."""

from pathlib import Path

from gateway.stores.policy_history import PolicyHistory
from gateway.stores.policy_history_redis import RedisHistory
from gateway.stores.policy_history_sqlite import SqliteHistory
from gateway.stores.redis_client import is_redis


def open_history(where: str) -> PolicyHistory:
    """Raises ConfigError where it cannot be used."""
    return RedisHistory(where) if is_redis(where, "--history") else SqliteHistory(Path(where))
