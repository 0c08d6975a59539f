"""Invented answers of a model that was given placeholders, and the text a client must hear."""

import random
from collections.abc import Iterator

import msgspec

from gateway.core.placeholders import Placeholders
from gateway.wire.restore import grammar
from gateway.wire.restore_stream import RestoringStream

_WORDS = (
    r"[ ] \ \\ \u005b \u005d \u005f _ \_ EMAIL email E em CARD NATIONAL X x 1 2 3 12 a the \n \t c u 5 00 é 漢 "
    r"[EMAIL_X1] CARD_X2 \[NATIONAL\_X3\] email_x1 [card_x2] [EMAIL_X9] \\[EMAIL\\_X1\\] \u005bEMAIL_X1\u005d"
)
ATOMS = [*_WORDS.split(), " ", "\n", '"']
GIVEN = Placeholders("X", ("EMAIL", "CARD", "NATIONAL"), ("ada@lovelace-post.de", "4111 1111", 'q"u\\o\nté'))


def expected(text: str, placeholders: Placeholders, *, is_json: bool) -> str:
    """All at once, by the pattern itself."""

    def value(found) -> str:
        known = placeholders.value((found[1] or found[3]).upper(), int(found[2] or found[4]))
        if known is None:
            return found[0]
        return msgspec.json.encode(known).decode()[1:-1] if is_json else known

    return grammar(placeholders.letter, tuple(sorted(set(placeholders.labels)))).whole.sub(value, text)


def cut(text: str, dice: random.Random, most: int = 7) -> Iterator[str]:
    place = 0
    while place < len(text):
        size = dice.randint(1, most)
        yield text[place : place + size]
        place += size


def chat_event(index: int, delta: object, finish: str | None = None) -> bytes:
    return (
        b"data: "
        + msgspec.json.encode(
            {"id": "c", "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        )
        + b"\n\n"
    )


def through(stream: bytes, dice: random.Random, *, is_json: bool = False, most: int = 90) -> bytes:
    """A whole stream, in chunks of any size."""
    restoring = RestoringStream(GIVEN, is_json=is_json)
    out, place = b"", 0
    while place < len(stream):
        size = dice.randint(1, most)
        out += restoring.feed(stream[place : place + size])
        place += size
    return out + restoring.finish()


def deltas(stream: bytes) -> list[tuple[int, dict]]:
    rows = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: {")]
    return [(choice["index"], choice["delta"]) for row in rows for choice in msgspec.json.decode(row)["choices"]]
