"""A policy that somebody sends: proved, written into the file, kept in the history and served; or nothing of it."""

import asyncio
import difflib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from gateway.config import beside
from gateway.control.origin import Origin, Served
from gateway.control.reload import Reload
from gateway.core.errors import ConfigError, GatewayError
from gateway.core.ports import Clock
from gateway.policy.changes import Changes, changes
from gateway.policy.load import digest_of, load
from gateway.policy.model import Policy
from gateway.policy.verify import verify
from gateway.stores.policy_history import PolicyHistory, Source, Version

FILE_NOTE = "the policy file was changed"


class Wish(NamedTuple):
    """What somebody wants to be served. `replaces`: the digest they think is served; empty: whatever it is."""

    text: bytes
    author: str
    note: str
    replaces: str = ""


class Judged(NamedTuple):
    """A policy fit to be served: what was proved of it, and what it changes (None: too much to be told)."""

    policy: Policy
    proved: tuple[str, ...]
    changes: Changes | None


class Rewrite:
    """The one way in which the gateway itself changes its policy file. Every method raises GatewayError.

    `spread` has the other workers read the file too, and returns when they have.
    """

    def __init__(
        self,
        origin: Origin,
        history: PolicyHistory,
        reload: Reload,
        served: Callable[[], Served],
        spread: Callable[[], Awaitable[object]],
        clock: Clock,
    ) -> None:
        self.history = history
        self._origin = origin
        self._reload = reload
        self._served = served
        self._spread = spread
        self._clock = clock

    async def judge(self, text: bytes) -> Judged:
        """Whether it could be served; changes nothing."""
        return await self._reload.aside.do(self._judged, text)

    async def candidate(self, text: bytes) -> Policy:
        """What the policy file would mean with this text, proved."""
        return await self._reload.aside.do(self._candidate, text)

    async def version(self, number: int) -> Policy:
        """What was served as this version; where its text can still be read."""
        found = await asyncio.to_thread(self.history.find, number)
        if found is None:
            message = f"there is no version `{number}`; see GET /admin/policy/history"
            raise GatewayError(404, "no_such_version", message)
        return await self._reload.aside.do(self._candidate, found.text)

    async def serve(self, wish: Wish) -> Judged:
        """From the next request on."""
        return await self._replace(wish, Source.API, None)

    async def roll_back(self, author: str, note: str, replaces: str) -> Judged:
        """Serve what was served before; a step further back each time."""
        latest = await asyncio.to_thread(self._latest)
        target = None if latest is None else await asyncio.to_thread(self.history.before, latest)
        if target is None:
            raise GatewayError(409, "no_earlier_policy", "no other policy was served before this one")
        said = note or f"back to version {target.version}"
        wish = Wish(target.text, author, said, replaces or self._served().policy.digest)
        return await self._replace(wish, Source.ROLLBACK, target.restores or target.version)

    def changed_by(self, version: Version) -> tuple[Version | None, str, Changes | None]:
        """The version before this one, the difference as text, and in meaning where both can be read. Blocking."""
        before = self.history.find(version.version - 1)
        if before is None:
            return None, "", None
        old, new = before.text.decode(errors="replace"), version.text.decode(errors="replace")
        names = (f"version {before.version}", f"version {version.version}")
        told = "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), *names))
        try:
            return before, told, _difference(self._loaded(before.text), self._loaded(version.text))
        except ConfigError:
            return before, told, None

    async def _replace(self, wish: Wish, source: Source, restores: int | None) -> Judged:
        judged = await self.judge(wish.text)
        version = Version(self._clock.wall(), wish.author, source, wish.note, wish.text, restores)
        if judged.policy.digest == self._served().policy.digest and await asyncio.to_thread(
            self._origin.holds, wish.text
        ):
            return judged
        try:
            await self._reload.replace(wish.text, partial(self._commit, version, wish.replaces))
        except ConfigError as error:
            raise _refused(error) from None
        await self._spread()
        return judged

    def _commit(self, version: Version, replaces: str) -> None:
        """While nobody else on this machine changes the policy."""

        def write(latest: Version | None) -> bool:
            if replaces and latest is not None and replaces not in self._digests(latest):
                message = f"policy `{latest.digest[:12]}` is served by now, not the one this was made from; look at it"
                raise GatewayError(409, "policy_has_changed", message + " and send yours again")
            try:
                self._origin.write(version.text)
            except OSError as error:
                reason = (error.strerror or type(error).__name__).lower()
                message = f"the policy file `{self._origin.policy}` cannot be written: {reason}; make it and its folder"
                remedy = "writable for the gateway, or change the policy where the file comes from"
                raise GatewayError(409, "policy_file_not_writable", f"{message} {remedy}") from None
            return True

        self.history.append(version, write)

    def _digests(self, latest: Version) -> tuple[str, ...]:
        """By which it is known: its text's, and where it is served, that of the text with the files that it names."""
        served = self._served().policy
        return (latest.digest, served.digest) if latest.digest == served.text_digest else (latest.digest,)

    def _candidate(self, text: bytes) -> Policy:
        try:
            return self._origin.proved(text)
        except ConfigError as error:
            raise _refused(error) from None

    def _judged(self, text: bytes) -> Judged:
        try:
            policy = self._origin.proved(text)
            proved = tuple(proof.sentence for proof in verify(policy).proofs)
            return Judged(policy, proved, _difference(self._served().policy, policy))
        except ConfigError as error:
            raise _refused(error) from None

    def _latest(self) -> Version | None:
        return next(iter(self.history.newest(1)), None)

    def _loaded(self, text: bytes) -> Policy:
        return load(text, str(self._origin.policy), self._origin.environment, beside(self._origin.policy))


def noting(origin: Origin, history: PolicyHistory, clock: Clock) -> Callable[[Policy], None]:
    """Keeps a policy that the file was changed to; of several processes that see the change, one does. Blocking."""

    def note(policy: Policy) -> None:
        text = origin.text()
        if digest_of(text, {}) != policy.text_digest:
            return  # it has changed again, and that will be noted
        version = Version(clock.wall(), origin.owner(), Source.FILE, FILE_NOTE, text)
        history.append(version, lambda latest: origin.text() == text and (latest is None or latest.text != text))

    return note


def _difference(old: Policy, new: Policy) -> Changes | None:
    try:
        return changes(old, new)
    except ConfigError:  # together they tell more kinds of requests apart than each of them does
        return None


def _refused(error: ConfigError) -> GatewayError:
    return GatewayError(422, "policy_refused", str(error))
