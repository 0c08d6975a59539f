"""Reads outcome files: which prompts a weak and a strong model got right, a JSON object a line.

A row has `prompt` or `messages`, and may have `tools` (a list, or the same as JSON text), `source`, and both
`weak_score` and `strong_score` in 0..1, with `weak_model` and `strong_model` to say whose. Rows of the same prompt and
source, one for each pair of models, become one request with the mean scores. A row may instead tell the
`reference_steps` of a known solution, a hint at difficulty that no model had to be asked for. Other fields are left
alone.
"""

import gzip
import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.core.errors import ConfigError

_Score = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Request(msgspec.Struct, frozen=True):
    """One prompt as a chat body, with the mean scores of the weak and the strong models and the steps of a solution.

    NaN: not known.
    """

    source: str
    document: dict[str, object]
    weak: float
    strong: float
    steps: float
    is_contradictory: bool = False  # the same pair of models, and different scores

    def __repr__(self) -> str:
        return f"Request(source={self.source!r})"

    @property
    def has_outcome(self) -> bool:
        return not math.isnan(self.weak)

    @property
    def has_steps(self) -> bool:
        return not math.isnan(self.steps)


class _Row(msgspec.Struct, frozen=True):
    prompt: str | None = None
    messages: list[dict[str, object]] | None = None
    tools: str | list[object] | None = None
    source: str = "local"
    weak_model: str = ""
    strong_model: str = ""
    weak_score: _Score | None = None
    strong_score: _Score | None = None
    reference_steps: Annotated[float, msgspec.Meta(ge=0)] | None = None


_DECODER = msgspec.json.Decoder(_Row)


def read_requests(folder: Path) -> list[Request]:
    """All requests of the `.jsonl` and `.jsonl.gz` files of a folder, in the order of file names and lines.

    Raises `ConfigError` with file and line for the first row that cannot be used.
    """
    if not folder.is_dir():
        raise ConfigError(f"there is no folder `{folder}`; name one that holds `.jsonl` or `.jsonl.gz` files")
    files = sorted(path for path in folder.iterdir() if path.name.endswith((".jsonl", ".jsonl.gz")))
    if not files:
        raise ConfigError(f"the folder `{folder}` holds no `.jsonl` or `.jsonl.gz` file")
    requests = _merged(row for path in files for row in _rows(path))
    if not requests:
        raise ConfigError(f"the files in `{folder}` hold no rows; write one JSON object a line")
    return requests


def read_file(path: Path) -> list[Request]:
    """All requests of one file. Raises `ConfigError` as `read_requests` does."""
    requests = _merged(_rows(path))
    if not requests:
        raise ConfigError(f"`{path}` holds no rows; write one JSON object a line")
    return requests


def _rows(path: Path) -> Iterator[_Row]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(line, f"{path}, line {number}")
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path}: cannot be read to its end: {error}; write the file anew") from error


def _row(line: bytes, place: str) -> _Row:
    try:
        row = _DECODER.decode(line)
        if isinstance(row.tools, str):
            row = msgspec.structs.replace(row, tools=msgspec.json.decode(row.tools, type=list[object]))
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{place}: {error}; mend the row or take it out") from error
    if (row.prompt is None) == (row.messages is None):
        raise ConfigError(f"{place}: a row has either `prompt` or `messages`; mend the row or take it out")
    if (row.weak_score is None) != (row.strong_score is None):
        raise ConfigError(f"{place}: `weak_score` and `strong_score` come together; add the other or leave out both")
    return row


def _document(row: _Row) -> dict[str, object]:
    messages = row.messages if row.messages is not None else [{"role": "user", "content": row.prompt}]
    return {"messages": messages, "tools": row.tools} if row.tools else {"messages": messages}


def _merged(rows: Iterable[_Row]) -> list[Request]:
    tried: dict[tuple[str, bytes], list[_Row]] = {}
    for row in rows:
        tried.setdefault((row.source, msgspec.json.encode(_document(row))), []).append(row)
    return [
        Request(
            source,
            msgspec.json.decode(body),
            weak=_mean(row.weak_score for row in alike),
            strong=_mean(row.strong_score for row in alike),
            steps=_mean(row.reference_steps for row in alike),
            is_contradictory=_is_contradictory(alike),
        )
        for (source, body), alike in tried.items()
    ]


def _is_contradictory(alike: Sequence[_Row]) -> bool:
    pairs = {(row.weak_model, row.strong_model) for row in alike}
    return len(pairs) < len({(row.weak_model, row.strong_model, row.weak_score, row.strong_score) for row in alike})


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan
