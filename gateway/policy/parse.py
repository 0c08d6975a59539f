"""From the bytes of a policy file to YAML nodes with places: a small, safe part of YAML, and nothing else of it."""

from collections.abc import Iterator

import yaml
from yaml.reader import ReaderError

from gateway.core.errors import ConfigError
from gateway.policy.problems import Place, Problems

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
_FIRST = Place(1, 1)
_TEXT = "tag:yaml.org,2002:str"


def parse(text: bytes, problems: Problems) -> yaml.Node:
    """The root node. Every scalar is text: what it means is for the reader of its key to say, so `no` is never `false`.

    Raises ConfigError where the file cannot be read at all: not UTF-8, a tab, not YAML, an anchor, an alias, a tag,
    too large, too deep. Keys given twice and keys that are no words are added to `problems`.
    """
    written = _decoded(text, problems)
    try:
        root = _Composer(written).get_single_node()
    except _Refused as refused:
        raise problems.fatal(refused.place, refused.sentence) from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, written, problems) from None
    except ReaderError as error:
        raise problems.fatal(_place_at(written, error.position), "a control character is refused; remove it") from None
    if root is None:
        raise problems.fatal(_FIRST, "the file is empty; start from one of the shipped policies")
    for key, sentence in _bad_keys(root):
        problems.add(key, sentence)
    return root


def _decoded(text: bytes, problems: Problems) -> str:
    if len(text) > MAX_BYTES:
        raise problems.fatal(_FIRST, f"the file is larger than {MAX_BYTES:,} bytes; a policy is for people to read")
    try:
        written = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_at(text[: error.start].decode("utf-8", "replace"), error.start)
        raise problems.fatal(place, "this byte is not UTF-8; save the file as UTF-8") from None
    if "\t" in written:
        raise problems.fatal(_place_at(written, written.index("\t")), "a tab is refused; indent with spaces")
    return written


def _place_at(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _not_yaml(error: yaml.MarkedYAMLError, written: str, problems: Problems) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    place = _FIRST if mark is None else Place(mark.line + 1, mark.column + 1)
    lines = written.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    hint = '; inside braces or brackets quote a reference: "${NAME}"' if "${" in line else ""
    reason = (error.problem or error.context or "it ends too early").removeprefix("but ")
    return problems.fatal(place, f"not YAML that can be read: {reason}{hint}")


def _bad_keys(node: yaml.Node) -> Iterator[tuple[yaml.Node, str]]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield key, "a key must be a plain word"
            elif key.value in seen:
                yield key, f"`{key.value}` is given twice here; remove one"
            seen.add(str(key.value))
            yield from _bad_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _bad_keys(item)


class _Refused(Exception):
    """A part of YAML that no policy needs."""

    def __init__(self, event: yaml.Event, sentence: str) -> None:
        super().__init__(sentence)
        mark = event.start_mark
        self.place = Place(mark.line + 1, mark.column + 1) if mark else _FIRST
        self.sentence = sentence


class _Composer(yaml.BaseLoader):
    """PyYAML's composer without anchors, aliases and tags (so no expansion bombs and no objects), and not deep."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(event, f"the alias `*{event.anchor}` is refused; write it out")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise _Refused(event, f"the anchor `&{event.anchor}` is refused; write it out where it is used")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!", _TEXT):
            raise _Refused(event, f"the tag `{tag}` is refused; plain values are enough")
        if self._depth >= MAX_DEPTH:
            raise _Refused(event, f"nested more than {MAX_DEPTH} deep; a policy is for people to read")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node
