"""A journal of so many invented records: a month of four classes, eight rules, two backends, forty callers."""

import random
from collections.abc import Iterator
from pathlib import Path

from gateway.core.money import NanoUSD
from gateway.core.records import Attempt, Ending, Outcome, Record
from gateway.core.types import Caller, Decision, Endpoint, Exclusion, Need, Route, Sensitivity, Tier, Verdict, Veto
from gateway.core.usage import Usage
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.stores.journal_view import JournalView

MONTH_S = 30 * 86_400
_AT_ONCE = 500
_PLACES = {"local": "on_prem", "frontier": "openai"}
_STRUCK = (("frontier", Exclusion(Veto.CLEARANCE, "cleared for internal only")),)
_SHARES = {Sensitivity.PUBLIC: 60, Sensitivity.INTERNAL: 25, Sensitivity.CONFIDENTIAL: 12, Sensitivity.RESTRICTED: 3}
_ENDINGS = {Ending.COMPLETED: 96, Ending.INTERRUPTED: 1, Ending.ABANDONED: 2, Ending.REFUSED: 1}


def fill(path: Path, count: int, until: float) -> None:
    """Evenly over the month before `until`, seconds since the epoch. Nothing where the journal has as many."""
    journal, dice = SqliteJournal(path), random.Random(7)
    try:
        if JournalView(path).count(0.0) >= count:
            return
        for batch in _batches(dice, count, until):
            journal.write(batch)
    finally:
        journal.close()


def _batches(dice: random.Random, count: int, until: float) -> Iterator[list[Record]]:
    for first in range(0, count, _AT_ONCE):
        numbers = range(first, min(count, first + _AT_ONCE))
        yield [_record(dice, number, until - MONTH_S * (1 - number / count)) for number in numbers]


def _record(dice: random.Random, number: int, at: float) -> Record:
    stem = f"_{int(at * 1000):012x}{number:012x}"
    (level,) = dice.choices(list(_SHARES), list(_SHARES.values()))
    (ending,) = dice.choices(list(_ENDINGS), list(_ENDINGS.values()))
    is_private, is_refused = level >= Sensitivity.CONFIDENTIAL, ending is Ending.REFUSED
    backend = "" if is_refused else "local" if is_private else dice.choice(list(_PLACES))
    usage = None if is_refused else Usage(dice.randrange(20, 4_000), dice.randrange(5, 900))
    return Record(
        id="req" + stem,
        decision_id="dec" + stem,
        at=at,
        caller=Caller(f"caller-{dice.randrange(40)}", f"team-{dice.randrange(6)}"),
        endpoint=Endpoint.CHAT,
        model="auto",
        stream=True,
        needs=(Need.CHAT,),
        prompt_tokens=20 if usage is None else usage.prompt_tokens,
        max_tokens=None,
        body_bytes=900,
        verdict=Verdict(level, dice.random(), dice.choice(list(Tier))),
        decision=Decision(
            (Route("local"), *(() if is_private else (Route("frontier"),))),
            f"rule-{dice.randrange(8)}",
            _STRUCK if is_private else (),
            "ab" * 32,
        ),
        backend=backend,
        zone=_PLACES.get(backend, ""),
        outcome=Outcome(
            ending,
            503 if is_refused else 200,
            "no_backend_available" if is_refused else "",
            (Attempt(backend, "10.0.0.1:80", 0.1, dice.lognormvariate(5, 1), zone=_PLACES[backend]),)
            if backend
            else (),
            usage,
            None if is_refused else NanoUSD(dice.randrange(10**7)),
            dice.lognormvariate(7, 1),
        ),
    )
