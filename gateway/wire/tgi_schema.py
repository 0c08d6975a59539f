"""JSON schemas as TGI's grammar compiler takes them: whole, with every local `$ref` replaced by what it points to.

TGI compiles a schema to a regular expression. From a tool it takes only `properties` and `required`, so definitions
beside them are lost; references that lead in a circle have no regular expression at all.
"""

from collections.abc import Mapping
from typing import Any

from gateway.core.errors import AttemptFailed
from gateway.wire.tgi_fix import unable

MAX_NODES = 20_000
"""References to references grow exponentially; a request whose schemas become larger than this is refused."""
MAX_DEPTH = 100

_DEFINITIONS = frozenset({"$defs", "definitions"})
_MAPS_OF_SCHEMAS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_VALUES = frozenset(
    {"const", "enum", "default", "examples", "required"}
)  # plain JSON: a `$ref` in there is no reference


class Room:
    """How many nodes the schemas of one request may still grow by."""

    __slots__ = ("_left",)

    def __init__(self, nodes: int = MAX_NODES) -> None:
        self._left = nodes

    def take(self) -> None:
        """Raises AttemptFailed(UNABLE) where there is none left."""
        self._left -= 1
        if self._left < 0:
            raise _too_large()


def inlined(schema: Any, room: Room) -> Any:
    """The schema without references; the very same object where it has none. Raises AttemptFailed(UNABLE)."""
    return _Inliner(schema, room).schema(schema, (), 0) if _has_reference(schema, 0) else schema


def _has_reference(node: Any, depth: int) -> bool:
    if depth > MAX_DEPTH:
        raise unable("a schema nested that deep")
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            return True
        return any(_has_reference(value, depth + 1) for value in node.values())
    if isinstance(node, list):
        return any(_has_reference(item, depth + 1) for item in node)
    return False


class _Inliner:
    """One walk over one schema."""

    def __init__(self, root: Any, room: Room) -> None:
        self._root = root
        self._room = room

    def schema(self, node: Any, path: tuple[str, ...], depth: int) -> Any:
        """`path` holds the references being followed: meeting one of them again is a circle."""
        self._room.take()
        if depth > MAX_DEPTH:
            raise _too_large()
        if isinstance(node, list):
            return [self.schema(item, path, depth + 1) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            return self._referenced(node, reference, path, depth)
        return {key: self._member(key, value, path, depth) for key, value in node.items() if key not in _DEFINITIONS}

    def _member(self, key: str, value: Any, path: tuple[str, ...], depth: int) -> Any:
        if key in _VALUES:
            return value
        if key in _MAPS_OF_SCHEMAS and isinstance(value, dict):
            return {name: self.schema(schema, path, depth + 1) for name, schema in value.items()}
        return self.schema(value, path, depth + 1)

    def _referenced(self, node: Mapping[str, Any], reference: str, path: tuple[str, ...], depth: int) -> Any:
        """The target, under the keywords that stand beside the reference (a description, mostly)."""
        if reference in path:
            raise unable("a schema that refers to itself")
        target = self.schema(self._target(reference), (*path, reference), depth + 1)
        beside = {key: value for key, value in node.items() if key != "$ref"}
        if not beside:
            return target
        merged = self.schema(beside, path, depth + 1)
        return {**target, **merged} if isinstance(target, dict) else merged

    def _target(self, reference: str) -> Any:
        """What a JSON pointer (RFC 6901) into this schema points to."""
        if reference != "#" and not reference.startswith("#/"):
            raise unable("a schema that refers to another document")
        node = self._root
        for part in reference.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and key in node:
                node = node[key]
            elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
                node = node[int(key)]
            else:
                raise unable("a schema that refers to a definition it does not have")
        return node


def _too_large() -> AttemptFailed:
    return unable("a schema that grows this large when its references are resolved")
