"""Everything that is wrong with a policy file, each with its place, told at once."""

import difflib
from collections.abc import Iterable, Set
from typing import NamedTuple

import yaml

from gateway.core.errors import ConfigError

_SHOWN = 16


class Place(NamedTuple):
    """A spot in the file, both counted from one."""

    line: int
    column: int


class Problems:
    """Collects problems while a file is read, so that one run tells them all."""

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._found: dict[tuple[Place, str], None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, where: yaml.Node | Place, sentence: str) -> None:
        self._found[place_of(where), sentence] = None

    def told(self, where: yaml.Node | Place, sentence: str) -> str:
        """The line as a person sees it: `file:line:column: sentence`."""
        place = place_of(where)
        visible = "".join(char if char.isprintable() else "?" for char in sentence)
        return f"{self._filename}:{place.line}:{place.column}: {visible}"

    def fatal(self, where: yaml.Node | Place, sentence: str) -> ConfigError:
        """What keeps the rest of the file from being read; to be raised."""
        return ConfigError(self.told(where, sentence))

    def raise_any(self) -> None:
        """Raises ConfigError with a line for each problem, in the file's order."""
        if self._found:
            raise ConfigError("\n".join(self.told(place, sentence) for place, sentence in sorted(self._found)))


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest known one, or all of them where none is near."""
    words = sorted(known) if isinstance(known, Set) else list(known)
    near = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    if near:
        return f"; did you mean `{near[0]}`?"
    if not words:
        return "; there is none to name"
    more = ", …" if len(words) > _SHOWN else ""
    return "; use one of " + ", ".join(f"`{each}`" for each in words[:_SHOWN]) + more


def place_of(where: yaml.Node | Place) -> Place:
    return where if isinstance(where, Place) else Place(where.start_mark.line + 1, where.start_mark.column + 1)
