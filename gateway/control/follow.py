"""What another machine changed becomes this machine's too: the newest policy of a shared history goes into the file."""

import asyncio
import contextlib

from gateway.control.origin import Origin
from gateway.control.reload import Reload, tell
from gateway.core.errors import ConfigError, JournalUnavailable
from gateway.stores.policy_history import PolicyHistory, Version

LOOK_EVERY_S = 0.25


class Follow:
    """Owns the task that looks for newer versions. A history that cannot be reached changes nothing.

    INVARIANT: a file that lay here when this machine started is never put over what the others serve.
    """

    def __init__(self, history: PolicyHistory, origin: Origin, reload: Reload) -> None:
        self._history = history
        self._origin = origin
        self._reload = reload
        self._looked_at = 0
        self._is_empty = False
        self._trouble = ""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Before the file is read again: only of the first machine of all is it kept in the history."""
        self._reload.is_noted()
        await self._look()
        if self._is_empty:
            self._reload.is_noted(False)
        self._task = asyncio.create_task(self._watch(), name="shared policy")

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self._look()

    async def _look(self) -> None:
        try:
            await self._reload.follow(self._newer, self._take)
        except JournalUnavailable as trouble:
            if not self._trouble:
                tell(str(trouble))
            self._trouble = str(trouble)
        except ConfigError as error:
            what = f"version {self._looked_at} of the policy, which was served elsewhere"
            self._reload.refuse(f"{what}: {error}", is_elsewhere=True)
        else:
            self._trouble = ""

    def _newer(self) -> Version | None:
        """One that was not looked at yet. Blocking."""
        latest = next(iter(self._history.newest(1)), None)
        self._is_empty = latest is None
        if latest is None or latest.version == self._looked_at:
            return None
        self._looked_at = latest.version
        return latest

    def _take(self, version: Version) -> None:
        try:
            self._origin.write(version.text)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise ConfigError(f"`{self._origin.policy}` cannot be written: {reason}; make it writable") from None
