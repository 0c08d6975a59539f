"""What a text asks to be done, read off the counters that its complexity is judged by: no second look at the text."""

from math import log1p

from gateway.classify.features import COUNTERS, Features
from gateway.core.labels import Task

_TWO, _THREE = log1p(2) - 1e-9, log1p(3) - 1e-9
"""Counters are log(1 + count)."""
_TRANSLATION = COUNTERS.index("asks for a translation")
_SUMMARY = COUNTERS.index("asks for a summary")
_LABEL = COUNTERS.index("asks for a label")
_EXTRACT = COUNTERS.index("asks for an extract")
_CODE, _MARKS = COUNTERS.index("speaks of code"), COUNTERS.index("code marks")
_REPAIR, _WRITES = COUNTERS.index("asks for a repair"), COUNTERS.index("asks for a text")
_MATHS, _DIGITS = COUNTERS.index("speaks of mathematics"), COUNTERS.index("digits")
_HOW_MANY = COUNTERS.index("counts things")
_BACKSLASHES, _DOLLARS = COUNTERS.index("backslashes"), COUNTERS.index("dollar signs")


def task_of(seen: Features) -> Task:
    """What asks in a word of its own comes before what a text merely speaks of."""
    counted = seen.counters
    if counted[_TRANSLATION] >= _TWO:
        return Task.TRANSLATION
    is_to_be_done = counted[_REPAIR] > 0 or (counted[_CODE] >= _TWO and counted[_WRITES] > 0)
    is_code = counted[_MARKS] >= _TWO or counted[_CODE] >= _THREE or (counted[_CODE] > 0 and is_to_be_done)
    if counted[_SUMMARY] > 0 and not is_code:
        return Task.SUMMARY
    if counted[_LABEL] >= _TWO:
        return Task.CLASSIFICATION
    if is_code:
        return Task.CODE
    if counted[_BACKSLASHES] > 0 and counted[_DOLLARS] > 0:  # TeX
        return Task.MATHS
    if counted[_EXTRACT] >= _TWO:
        return Task.EXTRACTION
    if counted[_MATHS] >= _TWO or (counted[_DIGITS] > 0 and counted[_HOW_MANY] >= _TWO):
        return Task.MATHS
    return Task.CODE if counted[_CODE] >= _TWO else Task.CHAT
