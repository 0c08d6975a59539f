"""Which books a setting names: a Redis by its URL, or an SQLite file by its path."""

from pathlib import Path
from urllib.parse import urlsplit

from gateway.core.errors import ConfigError
from gateway.stores.books import Books
from gateway.stores.books_redis import SCHEMES, RedisBooks
from gateway.stores.books_sqlite import SqliteBooks


def open_books(where: str) -> Books:
    """Raises ConfigError where they cannot be used."""
    scheme, separator, _ = where.partition("://")
    if not separator:
        return SqliteBooks(Path(where))
    if scheme not in SCHEMES or not (urlsplit(where).netloc or urlsplit(where).path):
        known = ", ".join(f"`{each}://`" for each in SCHEMES)
        raise ConfigError(f"`--ledger` cannot be a `{scheme}://` address; give a file's path, or one of {known}")
    return RedisBooks(where)
