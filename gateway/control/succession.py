"""What is served now, and what was before it until its last request has ended."""

import asyncio
from typing import NamedTuple

from gateway.backends.fleet import Fleet
from gateway.classify.verdict import Classifier
from gateway.classify.weights import Weights
from gateway.pipeline import Pipeline

LOOK_EVERY_S = 0.1
"""How late the end of a policy's last request may be seen."""


class Generation(NamedTuple):
    """One policy at work with one set of weights, and the backends it sends to."""

    pipeline: Pipeline
    fleet: Fleet
    classifier: Classifier
    weights: Weights


class Succession:
    """Owns the generation that is served and those that are ending. `pipeline` is what the data plane reads.

    INVARIANT: a request is decided and sent by the one pipeline it met, and that one's backends stay open until then.
    """

    def __init__(self, first: Generation) -> None:
        self.now = first
        self.pipeline = first.pipeline
        self._endings: set[asyncio.Task[None]] = set()
        self._is_over = False

    def swap(self, following: Generation) -> None:
        """From the next request on, `following` is served. Its fleet must have started."""
        before, self.now, self.pipeline = self.now, following, following.pipeline
        ending = asyncio.create_task(self._end(before), name="the last requests of a policy")
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def aclose(self) -> None:
        self._is_over = True
        await asyncio.gather(*self._endings)
        await self.now.fleet.aclose()

    async def _end(self, before: Generation) -> None:
        while before.pipeline.in_flight and not self._is_over:
            await asyncio.sleep(LOOK_EVERY_S)
        await before.fleet.aclose()
