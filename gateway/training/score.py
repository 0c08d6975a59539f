"""Scores a file of prompts exactly as serving would, a JSON line for each, so that anyone can judge the scores."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gateway.classify import complexity
from gateway.classify.explain import explain
from gateway.classify.weights import Weights
from gateway.core.errors import ConfigError
from gateway.core.labelling import Labelling
from gateway.policy.belief import tier_of

_TIERS = Labelling(kinds={})
_REMEDY = "mend the line or take it out"


class _Row(msgspec.Struct, frozen=True):
    id: Any = None
    prompt: str | None = None
    messages: list[Any] | None = None
    tools: str | list[Any] | None = None
    response_format: Any = None


class _Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    id: Any
    score: float
    probability: float | None
    tier: str
    because: tuple[str, ...] = ()


_DECODER = msgspec.json.Decoder(_Row)


def score_file(source: Path, out: Path, weights: Weights, is_explained: bool) -> int:
    """Write an answer for each row and return how many. Nothing is written unless every row can be read.

    Raises `ConfigError` with the line number of the first row that cannot be used.
    """
    answers = list(_answers(source, weights, is_explained))
    partial = out.with_name(out.name + ".partial")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(b"".join(msgspec.json.encode(answer) + b"\n" for answer in answers))
        os.replace(partial, out)
    except OSError as error:
        raise ConfigError(f"`{out}` cannot be written: {error.strerror}; name another file with --out") from error
    return len(answers)


def _answers(source: Path, weights: Weights, is_explained: bool) -> Iterator[_Answer]:
    try:
        lines = source.read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigError(f"`{source}` cannot be read: {error.strerror}; name a file with --in") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _answer(_row(line, f"{source}, line {number}"), weights, is_explained)


def _row(line: bytes, place: str) -> _Row:
    try:
        row = _DECODER.decode(line)
        if isinstance(row.tools, str):
            row = msgspec.structs.replace(row, tools=msgspec.json.decode(row.tools, type=list[Any]))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{place}: {error}; {_REMEDY}") from error
    if (row.prompt is None) == (row.messages is None):
        raise ConfigError(f"{place}: a row has either `prompt` or `messages`; {_REMEDY}")
    return row


def _answer(row: _Row, weights: Weights, is_explained: bool) -> _Answer:
    document: dict[str, Any] = {"prompt": row.prompt} if row.messages is None else {"messages": row.messages}
    document |= {} if row.tools is None else {"tools": row.tools}
    document |= {} if row.response_format is None else {"response_format": row.response_format}
    need = complexity.score(document, weights)
    because = explain(document, weights) if is_explained else ()
    return _Answer(row.id, need, weights.probability(need), tier_of(_TIERS, need).label, because)
