"""What a request is about, as a closed vocabulary that policies ask for."""

from enum import StrEnum


class Task(StrEnum):
    """What the last user turn asks to be done. One word; `chat` is everything else, and what could not be read."""

    CHAT = "chat"
    CLASSIFICATION = "classification"
    CODE = "code"
    EXTRACTION = "extraction"
    MATHS = "maths"
    SUMMARY = "summary"
    TRANSLATION = "translation"
