"""Any Record whatever, as hypothesis makes them, and plain ones by number."""

from hypothesis import strategies as st

from gateway.core.money import NanoUSD
from gateway.core.records import Attempt, Ending, Outcome, Record
from gateway.core.shadow import Shadow
from gateway.core.types import (
    BackendState,
    Caller,
    Decision,
    Endpoint,
    Exclusion,
    Finding,
    Need,
    Route,
    Sensitivity,
    Tier,
    Verdict,
    Veto,
)
from gateway.core.usage import Usage

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(0, 2**40) | st.integers(0, 10**60)
STEMS = st.from_regex(r"_[0-9a-f]{24}", fullmatch=True)


def several(what: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(what, max_size=3).map(tuple)


VERDICTS = st.builds(
    Verdict,
    st.sampled_from(Sensitivity),
    NUMBERS,
    st.sampled_from(Tier),
    several(st.builds(Finding, WORDS, COUNTS, NUMBERS)),
    several(WORDS),
)
DECISIONS = st.builds(
    Decision,
    several(st.builds(Route, WORDS, NUMBERS, NUMBERS, st.integers(0, 9))),
    WORDS,
    several(st.tuples(WORDS, st.builds(Exclusion, st.sampled_from(Veto), WORDS))),
    WORDS,
)
OUTCOMES = st.builds(
    Outcome,
    st.sampled_from(Ending),
    st.integers(0, 999),
    WORDS,
    several(st.builds(Attempt, WORDS, WORDS, NUMBERS, st.none() | NUMBERS, WORDS)),
    st.none() | st.builds(Usage, COUNTS, COUNTS, COUNTS, st.booleans()),
    st.none() | COUNTS.map(NanoUSD),
    NUMBERS,
)


STATES = st.builds(BackendState, st.booleans(), WORDS, st.none() | COUNTS, st.booleans())

SHADOWS = st.builds(
    Shadow, WORDS, WORDS, WORDS, st.integers(0, 999), WORDS, st.none() | COUNTS, st.none() | COUNTS, st.none() | COUNTS
)


@st.composite
def any_record(draw: st.DrawFn) -> Record:
    stem = draw(STEMS)
    return Record(
        id="req" + stem,
        decision_id="dec" + stem,
        at=draw(NUMBERS),
        caller=draw(st.builds(Caller, WORDS, WORDS, several(WORDS))),
        endpoint=draw(st.sampled_from(Endpoint)),
        model=draw(WORDS),
        stream=draw(st.booleans()),
        needs=draw(several(st.sampled_from(Need))),
        prompt_tokens=draw(COUNTS),
        max_tokens=draw(st.none() | COUNTS),
        body_bytes=draw(COUNTS),
        verdict=draw(VERDICTS),
        decision=draw(DECISIONS),
        backend=draw(WORDS),
        zone=draw(WORDS),
        outcome=draw(OUTCOMES),
        states=draw(st.dictionaries(WORDS, STATES, max_size=3)),
        shadow=draw(st.none() | SHADOWS),
    )


def numbered(number: int, at: float | None = None, total_ms: float = 12.5) -> Record:
    """The record of request `number`, accepted in second `number` unless said otherwise."""
    stem = f"_{number:024x}"
    return Record(
        id="req" + stem,
        decision_id="dec" + stem,
        at=float(number) if at is None else at,
        caller=Caller("billing", "finance"),
        endpoint=Endpoint.CHAT,
        model="gpt-4o",
        stream=False,
        needs=(Need.CHAT,),
        prompt_tokens=20,
        max_tokens=None,
        body_bytes=900,
        verdict=Verdict(Sensitivity.RESTRICTED, 0.25, Tier.SIMPLE, (Finding("card", 1, 0.99),)),
        decision=Decision((Route("local"),), "private", (), "ab" * 32),
        backend="local",
        zone="on_prem",
        outcome=Outcome(
            Ending.COMPLETED, 200, "", (Attempt("local", "a:1", 0.1, 3.5),), Usage(21, 8), NanoUSD(5_000), total_ms
        ),
    )
