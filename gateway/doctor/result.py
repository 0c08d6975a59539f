"""What one check of the doctor says: how bad it is, of what, in a sentence, and what to do about it."""

from enum import StrEnum
from typing import NamedTuple


class Grade(StrEnum):
    """`trouble`: the gateway would not start, or not do what the policy says. `warning`: it would, but look at this."""

    OK = "ok"
    WARNING = "warning"
    TROUBLE = "trouble"


class Result(NamedTuple):
    """One line of the report. `about` names the part in backticks; `remedy` is empty where all is well."""

    grade: Grade
    about: str
    sentence: str
    remedy: str = ""


def ok(about: str, sentence: str) -> Result:
    return Result(Grade.OK, about, sentence)


def warning(about: str, sentence: str, remedy: str) -> Result:
    return Result(Grade.WARNING, about, sentence, remedy)


def trouble(about: str, sentence: str, remedy: str) -> Result:
    return Result(Grade.TROUBLE, about, sentence, remedy)
