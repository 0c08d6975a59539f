"""Reads annotated texts: JSON lines with `text`, `spans`, `labels` and `source`, a folder of them."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gateway.core.errors import ConfigError

T = TypeVar("T")

NO_PERSON = frozenset({"none", "source_code", "public_text"})
"""Labels of texts in which nobody private is named, even where no spans are told."""


class Span(msgspec.Struct, frozen=True):
    """A place in code points, end exclusive, and what stands there: `PERSON`, `ADDRESS` ..."""

    start: int
    end: int
    type: str


class Row(msgspec.Struct, frozen=True):
    """One text. `spans` are missing, not empty, where `spans_annotated` is false."""

    text: str
    labels: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    source: str = ""
    spans_annotated: bool = True
    template: int | None = None

    @property
    def family(self) -> str:
        """What the row comes from, without the part of it."""
        return self.source.partition("/")[0]


class Attempt(msgspec.Struct, frozen=True):
    """A row of the adversarial set: messages, and what should come of them."""

    id: str
    technique: str
    messages: list[Any]
    expected: dict[str, Any]


def read_rows(folder: Path) -> list[Row]:
    """Every annotated text. Raises `ConfigError` where there is none, or a line is none."""
    rows = [row for file in _files(folder) if "adversarial" not in file.name for row in _lines(file, Row)]
    if not rows:
        raise ConfigError(f"no row is in `{folder}`; give a folder with .jsonl or .jsonl.gz files of annotated texts")
    return rows


def read_attempts(folder: Path) -> list[Attempt]:
    """The adversarial set, where the folder has one."""
    return [row for file in _files(folder) if "adversarial" in file.name for row in _lines(file, Attempt)]


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(f"there is no folder `{folder}`; give one with .jsonl or .jsonl.gz files")
    return sorted(file for file in folder.iterdir() if file.name.endswith((".jsonl", ".jsonl.gz")))


def _lines(file: Path, form: type[T]) -> Iterator[T]:
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    for number, line in enumerate(content.splitlines(), 1):
        try:
            yield msgspec.json.decode(line, type=form)
        except msgspec.MsgspecError as error:
            raise ConfigError(f"{file}:{number}: {error}") from None
