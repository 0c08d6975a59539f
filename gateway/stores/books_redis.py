"""Books in Redis, exact for all gateways that share it; one script is one exchange."""

import hashlib
import importlib
import importlib.resources
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from gateway.core.errors import ConfigError, LedgerUnavailable
from gateway.core.money import NanoUSD
from gateway.limits.accounts import ROOMY, Answer, Ask, Entry
from gateway.limits.budgets import crossed
from gateway.stores.books import LEASE_S
from gateway.stores.redis_client import client, sentinels_of

GRACE_S = 7.0
"""How long books that were lost grant nothing: everyone alive is heard of in this time."""
_SCRIPT = importlib.resources.files("gateway.stores").joinpath("books_redis.lua").read_text(encoding="utf-8")
_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


class _Client(Protocol):
    """What is used of any of Redis's clients."""

    async def execute_command(self, *words: object) -> Any: ...
    async def aclose(self) -> None: ...


class RedisBooks:
    """Leases end by the server's clock, windows by the gateway's. Raises ConfigError for a URL that cannot be used."""

    def __init__(self, url: str, name: str = "gateway") -> None:
        exceptions = importlib.import_module("redis.exceptions")
        self._errors: type[Exception] = exceptions.RedisError
        self._unknown_script: type[Exception] = exceptions.NoScriptError
        self._where = urlsplit(url).netloc.rpartition("@")[2] or urlsplit(url).path
        self._tag = f"{{{name}}}"
        self._born = ""
        self._number = 0
        try:
            self._client: _Client = client(url, "redis.asyncio")
        except (ValueError, self._errors) as error:
            raise ConfigError(f"`--ledger` is no address of a Redis: {str(error).lower()}") from None

    async def exchange(self, worker: str, now: float, entries: Sequence[Entry], asks: Sequence[Ask]) -> Answer:
        self._number += 1
        said = {
            "tag": self._tag,
            "worker": worker,
            "number": self._number,
            "birth": secrets.token_hex(8),
            "known": self._born,
            "grace_s": GRACE_S,
            "lease_s": LEASE_S,
            "roomy": ROOMY,
            "entries": [_entry(entry, now) for entry in entries],
            "asks": asks,
        }
        born, is_open, standings, grants = await self._run(msgspec.json.encode(said))
        self._look(born, bool(is_open), bool(asks))
        sums = [tuple(map(int, some)) for some in standings]
        return Answer(
            standings=tuple((spent, held) for _, spent, held in sums),
            grants=tuple(tuple(map(int, some)) or None for some in grants),
            passed=tuple(
                (place, percent)
                for place, (entry, (before, after, _)) in enumerate(zip(entries, sums, strict=True))
                for percent in crossed(NanoUSD(entry.limit), NanoUSD(before), NanoUSD(after))
            ),
        )

    async def leave(self, worker: str) -> None:
        await self._command("ZREM", f"{self._tag}:workers", worker)
        await self._command("DEL", f"{self._tag}:places:{worker}")

    async def aclose(self) -> None:
        await self._client.aclose()
        for sentinel in sentinels_of(self._client):
            await sentinel.aclose()

    async def _run(self, said: bytes) -> Any:
        words = (1, f"{self._tag}:workers", said)
        try:
            answer = await self._command("EVALSHA", _SHA, *words)
        except self._unknown_script:
            answer = await self._command("EVAL", _SCRIPT, *words)
        if answer[0] == b"stale":
            raise LedgerUnavailable(f"the ledger at `{self._where}` has answered something newer")
        return answer

    async def _command(self, *words: object) -> Any:
        try:
            return await self._client.execute_command(*words)
        except self._unknown_script:
            raise
        except (self._errors, OSError) as error:
            message = f"the ledger at `{self._where}` cannot be used: {_reason(error)}; start it, or look at its log"
            raise LedgerUnavailable(message) from None

    def _look(self, born: bytes, is_open: bool, is_asked: bool) -> None:
        """Whether these are the books that were told before."""
        known, self._born = self._born, born.decode()
        if (known and known != self._born) or (is_asked and not is_open):
            raise LedgerUnavailable(f"the ledger at `{self._where}` has lost its memory and is being told again")


def _reason(error: Exception) -> str:
    """In one line and without an end."""
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _entry(entry: Entry, now: float) -> Mapping[str, object]:
    counts = entry.counts
    return {
        "account": entry.account,
        "period": entry.period,
        "first": counts[0],
        "last": counts[-1],
        "step": counts.step,
        "keep_s": max(1, int(entry.forget_at - now)),
        "limit": entry.limit,
        "spent": entry.spent,
        "held": entry.held,
        "idle": entry.idle,
    }
