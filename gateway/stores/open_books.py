"""Which books a setting names: a Redis by its URL, or an SQLite file by its path."""

from pathlib import Path

from gateway.stores.books import Books
from gateway.stores.books_redis import RedisBooks
from gateway.stores.books_sqlite import SqliteBooks
from gateway.stores.redis_client import is_redis


def open_books(where: str) -> Books:
    """Raises ConfigError where they cannot be used."""
    return RedisBooks(where) if is_redis(where, "--ledger") else SqliteBooks(Path(where))
