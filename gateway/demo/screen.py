"""What the demo prints: a line a request, and sums."""

import time
from collections import Counter
from typing import TextIO

from gateway.core.money import NanoUSD, dollars
from gateway.core.types import Sensitivity
from gateway.demo.visit import Visit
from gateway.policy.model import Policy

_COLUMNS = "{:>6}  {:<24} {:<12} {:<6} {:<9} {:>9} {:>10}  {}"
_SUM_EVERY = 30
_SHADES = {"public": "0", "internal": "36", "confidential": "35", "restricted": "31"}


class Screen:
    """Rows as they come; keeps the sums of the run."""

    def __init__(self, out: TextIO, policy: Policy) -> None:
        self._out = out
        self._policy = policy
        self._began = time.monotonic()
        self._is_colour = out.isatty()
        self._paid = NanoUSD(0)
        self._baseline = NanoUSD(0)
        self._reached: Counter[tuple[str, str]] = Counter()
        self._rows = 0

    def opening(self, url: str) -> None:
        python = f'openai.OpenAI(base_url="{url}/v1", api_key="any")'
        self._say(f"gateway: {url}/v1 with policy `{self._policy.name}`; your own code can join in: {python}")
        self._say(f"dashboard: {url}/dashboard")
        self._say("two simulated backends; about one request in five holds something private; Ctrl-C ends")
        self._say("")
        self._say(_COLUMNS.format("s", "request", "class", "tier", "went to", "cost $", "all-OpenAI", "why"))

    def row(self, visit: Visit) -> None:
        cost, baseline = self._costs(visit)
        self._paid = NanoUSD(self._paid + cost)
        self._baseline = NanoUSD(self._baseline + baseline)
        where = visit.backend or f"refused {visit.status}"
        self._reached[visit.sensitivity, where] += 1
        self._rows += 1
        line = _COLUMNS.format(
            f"{time.monotonic() - self._began:.1f}",
            visit.title[:24],
            visit.sensitivity,
            visit.complexity,
            where,
            _short(cost),
            _short(baseline),
            _why(visit),
        )
        self._say(self._shaded(line, visit.sensitivity))
        if self._rows % _SUM_EVERY == 0:
            self._sums()

    def closing(self) -> None:
        if self._rows % _SUM_EVERY:
            self._sums()

    def _costs(self, visit: Visit) -> tuple[NanoUSD, NanoUSD]:
        """What it cost where it went, and what the same tokens would have cost at the policy's baseline."""
        tokens = visit.prompt_tokens, visit.completion_tokens
        backend = self._policy.backends.get(visit.backend)
        baseline = self._policy.backends.get(self._policy.baseline or "")
        cost = backend.price.cost(*tokens) if backend and backend.price else NanoUSD(0)
        return cost, baseline.price.cost(*tokens) if baseline and baseline.price else NanoUSD(0)

    def _sums(self) -> None:
        """The two answers: where the data went, and what it saved."""
        self._say("")
        places = sorted({where for _, where in self._reached})
        self._say(f"        {'where it went':<14}" + "".join(f"{place:>14}" for place in places))
        for level in Sensitivity:
            counts = "".join(f"{self._reached[level.label, place]:>14}" for place in places)
            self._say(f"        {level.label:<14}{counts}")
        saved = 100 * (1 - self._paid / self._baseline) if self._baseline else 0.0
        self._say(
            f"        {self._rows} requests cost ${_short(self._paid)}; all on OpenAI they would have cost "
            f"${_short(self._baseline)}: {saved:.0f} % less"
        )
        self._say("")

    def _shaded(self, line: str, label: str) -> str:
        return f"\033[{_SHADES.get(label, '0')}m{line}\033[0m" if self._is_colour else line

    def _say(self, line: str) -> None:
        print(line, file=self._out, flush=True)


def _why(visit: Visit) -> str:
    """The rule that proposed it, and what was tried before."""
    told = [visit.rule, f"after {visit.failed}" if visit.failed else "", visit.code]
    return ", ".join(part for part in told if part)


def _short(amount: NanoUSD) -> str:
    """Dollars to a hundredth of a cent's hundredth: six decimals."""
    return f"{float(dollars(amount)):.6f}"
