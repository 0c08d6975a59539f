"""The passing of time in a simulated model: prefill, one token after another, a little unevenly if told so."""

import asyncio
import random

from gateway.simulators.faults import Faults


class Pace:
    """The waits of one request; `faults` may change meanwhile."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._faults = faults
        self._dice = random.Random(seed)

    async def prefill(self) -> None:
        """The time until the first token can be made."""
        await asyncio.sleep(self._uneven(self._faults.prefill_ms))

    async def token(self) -> None:
        """The time one token takes; without any, others still have their turn."""
        await asyncio.sleep(self._uneven(self._faults.token_ms))

    async def whole(self, tokens: int) -> None:
        """The time for an answer of so many tokens, in one sleep."""
        wait = self._uneven(self._faults.prefill_ms) + self._uneven(self._faults.token_ms) * tokens
        if wait:
            await asyncio.sleep(wait)

    async def health(self) -> None:
        """The time a health check takes."""
        if self._faults.slow_health_ms:
            await asyncio.sleep(self._faults.slow_health_ms / 1000)

    def _uneven(self, wait_ms: float) -> float:
        if not self._faults.jitter:
            return wait_ms / 1000
        return wait_ms / 1000 * (1 + self._faults.jitter * self._dice.uniform(-1, 1))
