"""A changed file becomes what is served, whole and proved, or changes nothing and is told as refused."""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from gateway.control.aside import Aside
from gateway.control.origin import Origin, Served
from gateway.core.errors import ConfigError, JournalUnavailable
from gateway.core.ports import Clock
from gateway.policy.model import Policy
from gateway.stores.policy_history import Version

LOOK_EVERY_S = 0.2
"""A file that looks the same twice is complete, so what is written is served within a second."""


Take = Callable[[Served, Callable[[], None]], Awaitable[None]]
"""Builds everything for what is to be served, calls its second argument off the event loop, and then serves it."""


class Refused(NamedTuple):
    """What was to be served and is not."""

    at: float  # seconds since the epoch
    reason: str
    is_elsewhere: bool  # served by another machine; this one's file is another matter


class Reload:
    """Watches the files of one gateway; owns the task that does.

    `take` makes a policy what is served; `told` counts the outcome, `served` or `refused`; `note` keeps what the file
    says in the history. INVARIANT: a refused file changes nothing but `refused`.
    """

    def __init__(
        self,
        origin: Origin,
        served: Callable[[], Served],
        take: Take,
        told: Callable[[str], None],
        note: Callable[[Policy], None],
        aside: Aside,
        clock: Clock,
    ) -> None:
        self.refused: Refused | None = None
        self.aside = aside
        self._origin = origin
        self._served = served
        self._take = take
        self._told = told
        self._note = note
        self._noted = ""
        self._trouble = ""  # with the history, since it could last be reached
        self._clock = clock
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """What is served at the start is noted too, so that the first change can be taken back."""
        await self.now()
        self._own(asyncio.create_task(self._watch(), name="policy file"))

    def soon(self) -> None:
        """Read the files now, whether or not they look changed: what SIGHUP asks for."""
        self._own(asyncio.create_task(self.now(), name="reload"))

    async def now(self) -> None:
        """Serve what the files say. Never raises."""
        async with self._turn:
            known = self._served()
            try:
                found = await self.aside.do(self._origin.read, known)
                if found is not known:
                    await self._take(found, _nothing)
            except ConfigError as error:
                self.refuse(str(error))
            except Exception as bug:  # whatever a file does to its reader, what is served goes on being served
                self.refuse(f"`{self._origin.policy}` cannot be served: {type(bug).__name__}")
            else:
                if found is not known:
                    self._serves(found.policy)
                    self.refused = None
                elif self.refused is not None and not self.refused.is_elsewhere:
                    tell(f"`{self._origin.policy}` holds again what is served")
                    self.refused = None
                await self._noticed(found.policy)

    async def replace(self, text: bytes, commit: Callable[[], None]) -> None:
        """Serve this text once `commit`, which may block, has made it the file's. Raises ConfigError for the text, and
        whatever `commit` raises; then nothing has changed."""
        async with self._turn:
            await self._replace(text, commit)

    async def follow(self, newest: Callable[[], Version | None], take: Callable[[Version], None]) -> None:
        """Serve the version that `newest` returns once `take` has put it into the file; both may block. What was
        changed here comes first: it is read and kept in the history before anything of others is looked at."""
        async with self._turn:
            served = self._served().policy
            is_settled = self.refused is not None or await asyncio.to_thread(self._origin.says, served)
            if self._noted != served.digest or not is_settled:
                return
            version = await asyncio.to_thread(newest)
            if version is not None and not await asyncio.to_thread(self._origin.holds, version.text):
                await self._replace(version.text, partial(take, version))

    async def _replace(self, text: bytes, commit: Callable[[], None]) -> None:
        policy = await self.aside.do(self._origin.proved, text)
        await self._take(Served(policy, self._served().weights), commit)
        self._serves(policy)
        self.refused = None
        self._noted = policy.digest

    def is_noted(self, so: bool = True) -> None:
        """Whether what is served is in the history, or need not be."""
        self._noted = self._served().policy.digest if so else ""

    async def aclose(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        taken = before = None
        while True:
            stamps = await asyncio.to_thread(self._origin.stamps, self._served())
            if stamps == before != taken:
                taken = stamps
                await self.now()
            elif self._trouble:
                await self._noticed(self._served().policy)
            before = stamps
            await asyncio.sleep(LOOK_EVERY_S)

    async def _noticed(self, policy: Policy) -> None:
        """Keep it in the history; where that cannot be reached, again at the next look."""
        if self._noted == policy.digest:
            return
        try:
            await asyncio.to_thread(self._note, policy)
        except JournalUnavailable as trouble:  # what is served matters more than what was
            if not self._trouble:
                tell(str(trouble))
            self._trouble = str(trouble)
        else:
            self._noted, self._trouble = policy.digest, ""

    def _serves(self, policy: Policy) -> None:
        self._told("served")
        tell(f"policy `{policy.name}` ({policy.digest[:12]}) is served from now on")

    def refuse(self, reason: str, *, is_elsewhere: bool = False) -> None:
        """Say that something was to be served and is not."""
        self.refused = Refused(self._clock.wall(), reason, is_elsewhere)
        self._told("refused")
        tell(f"what is served stays as it is: {reason}")

    def _own(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _nothing() -> None:
    pass


def tell(sentence: str) -> None:
    """For whoever reads standard error, as at the start."""
    print(f"gateway: {sentence}", file=sys.stderr, flush=True)
