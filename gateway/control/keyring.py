"""The issued keys that count now, read again every second by each worker, so that none outlives its end by more."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path

from gateway.core.errors import ConfigError
from gateway.core.keys import IssuedKey
from gateway.core.ports import Clock
from gateway.stores.keys_sqlite import SqliteKeys

LOOK_EVERY_S = 1.0
TRUSTED_S = 10.0
"""For so long keys count that could not be read again; then none does, because one of them may have been revoked."""

_log = logging.getLogger("gateway")


class Keyring:
    """Implements `core.keys.KeyRing`. Raises ConfigError at once where the file cannot be read."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._store = SqliteKeys(path)
        self._clock = clock
        self._keys = self._read()
        self._read_at = clock.monotonic()
        self._task: asyncio.Task[None] | None = None

    def find(self, digest: str) -> IssuedKey | None:
        key = self._keys.get(digest)
        if key is None or not key.counts(self._clock.wall()):
            return None
        return key if self._clock.monotonic() - self._read_at < TRUSTED_S else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="keyring")

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                at = self._clock.monotonic()
                self._keys = await asyncio.to_thread(self._read)
                self._read_at = at
            except ConfigError as trouble:
                _log.warning("issued keys stop to count %g seconds after they were last read: %s", TRUSTED_S, trouble)

    def _read(self) -> Mapping[str, IssuedKey]:
        return {key.digest: key for key in self._store.all()}
