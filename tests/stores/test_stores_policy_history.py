"""The history of policies: appended by any number of processes, walked back step by step."""

import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import ConfigError, JournalUnavailable
from gateway.stores.open_history import open_history
from gateway.stores.policy_history import PolicyHistory, Source, Version
from gateway.stores.policy_history_redis import RedisHistory
from gateway.stores.policy_history_sqlite import SqliteHistory


def version(text: str, restores: int | None = None) -> Version:
    return Version(1.5, "ada", Source.ROLLBACK if restores else Source.API, "why", text.encode(), restores)


def always(latest: Version | None) -> bool:
    return True


@pytest.fixture(params=["sqlite", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], PolicyHistory]:
    """The same history again; each test has its own."""
    if request.param == "sqlite":
        return lambda: SqliteHistory(tmp_path / "policies.sqlite")
    url = request.getfixturevalue("redis_url")
    return lambda: RedisHistory(url, str(tmp_path))


@pytest.fixture
def history(opened: Callable[[], PolicyHistory]) -> PolicyHistory:
    return opened()


def test_what_was_appended_is_read_back_equal_the_newest_first(opened: Callable[[], PolicyHistory]) -> None:
    history = opened()
    for text in "ab":
        history.append(version(text), always)
    second, first = opened().newest(5)
    assert (first.version, first.text, second.version, second.digest) == (1, b"a", 2, version("b").digest)
    assert history.find(2) == second
    assert history.find(3) is None


def test_nothing_is_appended_where_the_latest_does_not_allow_it(history: PolicyHistory) -> None:
    history.append(version("a"), always)
    assert not history.append(version("a"), lambda latest: latest is None or latest.text != b"a")
    assert len(history.newest(5)) == 1


def test_of_several_writers_that_see_the_same_change_one_notes_it(history: PolicyHistory) -> None:
    def note(_: int) -> bool:
        return history.append(version("a"), lambda latest: latest is None or latest.text != b"a")

    with ThreadPoolExecutor(8) as writers:
        assert sum(writers.map(note, range(8))) == 1


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8))
def test_rolling_back_walks_to_the_first_policy_and_ends(tmp_path_factory, texts: list[str]) -> None:
    history = SqliteHistory(tmp_path_factory.mktemp("history") / "policies.sqlite")
    walk(history, texts)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=80))
def test_rolling_back_in_redis_walks_as_far(redis_url: str, texts: list[str]) -> None:
    walk(RedisHistory(redis_url, secrets.token_hex(8)), texts)


def walk(history: PolicyHistory, texts: list[str]) -> None:
    for text in texts:
        history.append(version(text), always)
    seen = [texts[-1]]
    for _ in range(len(texts) + 1):
        (latest,) = history.newest(1)
        target = history.before(latest)
        if target is None:
            break
        seen.append(target.text.decode())
        history.append(version(seen[-1], target.restores or target.version), always)
    backwards = texts[::-1]
    assert seen == [text for at, text in enumerate(backwards) if at == 0 or text != backwards[at - 1]]


def test_another_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA application_id = 7")
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(ConfigError, match="a database of something else"):
        SqliteHistory(path)
    (tmp_path / "text").write_text("no database, but long enough to be one" * 50)
    with pytest.raises(ConfigError, match="not a database"):
        SqliteHistory(tmp_path / "text")


def test_a_redis_that_is_not_there_is_told_without_its_password() -> None:
    history = RedisHistory("redis://:a-password@127.0.0.1:1")
    with pytest.raises(JournalUnavailable, match=r"at `127\.0\.0\.1:1` cannot be used") as caught:
        history.newest(1)
    assert "a-password" not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "kind"), [("policies.sqlite", SqliteHistory), ("redis://127.0.0.1:1", RedisHistory), ("mysql://x", None)]
)
def test_a_setting_names_a_file_or_a_redis(tmp_path: Path, where: str, kind: type | None) -> None:
    if kind is None:
        with pytest.raises(ConfigError, match="`--history` cannot be a `mysql://` address"):
            open_history(where)
    else:
        assert isinstance(open_history(where if "://" in where else str(tmp_path / where)), kind)
