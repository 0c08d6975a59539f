"""A setting names its books: what cannot be used is told with the remedy."""

import pytest

from gateway.core.errors import ConfigError
from gateway.stores.books_redis import RedisBooks
from gateway.stores.books_sqlite import SqliteBooks
from gateway.stores.open_books import open_books


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1/2",
        "rediss://:a-password@127.0.0.1:1",
        "unix:///run/redis.sock",
        "redis+cluster://127.0.0.1:1",
        "redis+sentinel://ann:a-password@127.0.0.1:1,127.0.0.1:2/mymaster/3",
    ],
)
async def test_a_url_is_a_redis(url) -> None:
    books = open_books(url)
    assert isinstance(books, RedisBooks)
    await books.aclose()


async def test_anything_else_is_a_file(tmp_path) -> None:
    books = open_books(str(tmp_path / "ledger"))
    assert isinstance(books, SqliteBooks)
    await books.aclose()


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (
            "postgres://host/db",
            "`--ledger` cannot be a `postgres://` address; give a file's path, or one of `redis://`",
        ),
        ("redis+sentinel://host:1", "name the service, as in `redis+sentinel://host:26379/mymaster`"),
        ("redis://host:port", "`--ledger` is no address of a Redis: port could not be cast"),
    ],
)
def test_what_cannot_be_used_is_told(where, told) -> None:
    with pytest.raises(ConfigError) as caught:
        open_books(where)
    assert told in str(caught.value)


def test_a_file_of_something_else_is_told(tmp_path) -> None:
    (tmp_path / "ledger").write_text("this is no database\n" * 100)
    with pytest.raises(ConfigError) as caught:
        open_books(str(tmp_path / "ledger"))
    assert "or give another file as `--ledger`" in str(caught.value)
