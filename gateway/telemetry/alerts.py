"""A webhook is told of each budget that is nearly or wholly spent: one POST of JSON, tried again while nobody answers.

Never waited for by a request. What is sent holds names and sums of the policy, and nothing of any request.
"""

import asyncio
import http.client
import logging
import urllib.error
import urllib.request
from datetime import UTC, datetime

import msgspec

from gateway.core.budgets import Warned
from gateway.core.money import dollars

PAUSES_S = (0.0, 1.0, 5.0, 30.0)
"""Before each try; after the last one the alert is given up, and the log says so."""
PATIENCE_S = 10.0
MOST_AT_ONCE = 32
CLOSE_S = 2.0

_log = logging.getLogger("gateway")


class Alert(msgspec.Struct, frozen=True):
    """What is sent. `text` is the sentence that chat services show; sums are US dollars as decimal text."""

    text: str
    budget: str
    share: str
    percent: int
    spent_usd: str
    limit_usd: str
    until: datetime


def alert(warned: Warned) -> Alert:
    budget, share, standing = warned.charge.budget, warned.charge.share, warned.standing
    whose = f" of `{share}`" if share else ""
    until = datetime.fromtimestamp(standing.until, UTC)
    text = (
        f"budget `{budget.name}`{whose} has passed {warned.percent} percent of its {dollars(budget.limit)} USD: "
        f"{dollars(standing.spent)} are spent in the window until {until:%Y-%m-%d %H:%M} UTC"
    )
    return Alert(text, budget.name, share, warned.percent, dollars(standing.spent), dollars(budget.limit), until)


class Alerts:
    """Owns the tasks that send. The address may hold a secret, so that no log line names it; "": there is none."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, warned: Warned) -> None:
        if not self._url:
            return
        if len(self._tasks) == MOST_AT_ONCE:
            _log.warning("an alert was not sent, because %d others wait for the webhook", MOST_AT_ONCE)
            return
        task = asyncio.create_task(self._send(msgspec.json.encode(alert(warned))), name="alert")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """What is under way has a moment left."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_S)
            for task in late:
                task.cancel()

    async def _send(self, body: bytes) -> None:
        trouble = ""
        for pause in PAUSES_S:
            await asyncio.sleep(pause)
            trouble = await asyncio.to_thread(_trouble, self._url, body)
            if not trouble:
                return
        _log.warning("an alert was not sent: the webhook %s; look at `GATEWAY_BUDGET_WEBHOOK`", trouble)


def _trouble(url: str, body: bytes) -> str:
    """Why it could not be sent, in words that name no address; empty once it was."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S):
            return ""
    except urllib.error.HTTPError as error:
        return f"answered {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return f"did not answer ({type(error).__name__})"
