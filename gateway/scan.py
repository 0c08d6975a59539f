"""The verb `scan`: what is sensitive in a file, told by kind, place and confidence, never by its text."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import msgspec

from gateway.classify.complexity import features_of
from gateway.classify.detectors import DETECTORS, own_detectors
from gateway.classify.examine import Examined, examine
from gateway.classify.features import Features
from gateway.classify.task import task_of
from gateway.classify.verdict import merged, notes_on
from gateway.config import load_policy, shipped_policy
from gateway.core.errors import ConfigError
from gateway.core.labelling import Labelling, classed
from gateway.core.labels import Task
from gateway.core.types import ANONYMOUS

_STANDARD_INPUT = "-"

Look = Callable[[object], Examined]


class _Row(msgspec.Struct, forbid_unknown_fields=False):
    """A line of `--jsonl`: `text`, or `messages` as OpenAI takes them."""

    id: Any = None
    text: str | None = None
    messages: list[Any] | None = None


class _Found(msgspec.Struct):
    kind: str
    path: str
    start: int
    end: int
    confidence: float


class _Answer(msgspec.Struct, omit_defaults=True):
    """A line for a line. `unknown` is there where something could not be read or a detector failed."""

    id: Any
    sensitivity: str
    task: str
    findings: list[_Found]
    unknown: tuple[str, ...] = ()


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the text to look at; `-` reads standard input")
    parser.add_argument(
        "--jsonl", action="store_true", help='read {"id", "text"} or {"id", "messages"} a line, write JSON a line'
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="what kinds mean (default: policies/default.yaml)")


def run(given: argparse.Namespace) -> int:
    labelling = _labelling(given.policy or shipped_policy("default"))
    text, look = _read(given.file), partial(examine, detectors=(*DETECTORS, *own_detectors(labelling)))
    lines = _answers(text.split("\n"), labelling, look) if given.jsonl else _report(text, labelling, look)
    _write(lines, sys.stdout)
    return 0


def _labelling(path: Path) -> Labelling:
    """Of a policy only what kinds mean; its secrets and services need not be there."""
    return load_policy(path, os.environ).labelling


def _read(file: str) -> str:
    """Bytes that are no UTF-8 are read as Latin-1, so that nothing is passed over; line ends are kept as they are."""
    try:
        content = sys.stdin.buffer.read() if file == _STANDARD_INPUT else Path(file).read_bytes()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise ConfigError(f"cannot read `{file}`: {reason}; give the path of a file, or `-`") from None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _write(lines: Iterable[str], out: TextIO) -> None:
    try:
        for line in lines:
            out.write(line + "\n")
        out.flush()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


def _answers(lines: Iterable[str], labelling: Labelling, look: Look) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield msgspec.json.encode(_answer(_row(line, number), labelling, look)).decode()


def _row(line: str, number: int) -> _Row:
    try:
        row = msgspec.json.decode(line, type=_Row)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"line {number} is no row: {error}; write an object with `id` and `text`") from None
    if (row.text is None) == (row.messages is None):
        raise ConfigError(f"line {number}: give `text` or `messages`, one of the two")
    return row


def _answer(row: _Row, labelling: Labelling, look: Look) -> _Answer:
    seen = look({"text": row.text} if row.messages is None else {"messages": row.messages})
    features = features_of({"prompt": row.text} if row.messages is None else {"messages": row.messages})
    task = task_of(features) if isinstance(features, Features) else Task.CHAT
    return _Answer(row.id, _class_of(seen, labelling), task, _found(seen), _unknown(seen))


def _class_of(seen: Examined, labelling: Labelling) -> str:
    """Of whoever has no floor of his own: the text alone counts."""
    level, _ = classed(
        labelling,
        ANONYMOUS,
        [finding.kind for finding in merged(seen.scans, labelling.ignored)],
        is_unread=bool(seen.unreadable) or any(found.unreadable for found in seen.scans),
        has_failed=any(found.failed for found in seen.scans),
    )
    return level.label


def _found(seen: Examined) -> list[_Found]:
    return [_Found(place.kind, path, place.start, place.end, place.confidence) for path, place in seen.findings]


def _unknown(seen: Examined) -> tuple[str, ...]:
    return (*notes_on(seen.scans), *(f"content of kind `{kind}` could not be read" for kind in seen.unreadable))


def _report(text: str, labelling: Labelling, look: Look) -> Iterator[str]:
    """For people: where, what, how sure."""
    seen = look({"text": text})
    for place in (finding.place for finding in seen.findings):
        line, column = _position(text, place.start)
        yield f"{line}:{column}: {place.kind}, {place.end - place.start} characters, confidence {place.confidence:g}"
    yield from _unknown(seen)
    count = len(seen.findings)
    yield f"{_class_of(seen, labelling)}: {count} finding{'' if count == 1 else 's'}"


def _position(text: str, start: int) -> tuple[int, int]:
    """Line and column, both from 1, as editors count."""
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
