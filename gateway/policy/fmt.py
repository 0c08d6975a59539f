"""A policy file in the house's layout: sections in one order, comments kept with them, no stray white space.

Within a section people lay out as they think best: a table of models or a list of kinds is read by its shape.
"""

from collections.abc import Mapping

import yaml

from gateway.core.errors import ConfigError
from gateway.policy.parse import parse
from gateway.policy.problems import Problems

ORDER = (
    "apiVersion",
    "kind",
    "metadata",
    "zones",
    "backends",
    "models",
    "callers",
    "times",
    "budgets",
    "rate_limits",
    "classify",
    "rules",
    "otherwise",
    "unknown_routes",
    "baseline",
    "deadline",
    "invariants",
    "tests",
)
"""Who and what first, then what decides, then what must hold."""


def formatted(text: bytes, filename: str) -> str:
    """The same policy, laid out. Raises ConfigError where the text is none that can be read."""
    root = _root(text, filename)
    lines = text.decode("utf-8-sig").replace("\r\n", "\n").rstrip().split("\n")
    if isinstance(root, yaml.MappingNode) and not root.flow_style and root.value:
        lines = _in_order(root, lines)
    laid_out = _tidy(lines)
    if _meaning(_root(laid_out.encode(), filename)) != _meaning(root):
        raise ConfigError(f"`{filename}` cannot be laid out without changing what it says; put each section on its own")
    return laid_out


def _root(text: bytes, filename: str) -> yaml.Node:
    problems = Problems(filename)
    root = parse(text, problems)
    problems.raise_any()
    return root


def _in_order(root: yaml.MappingNode, lines: list[str]) -> list[str]:
    """What stands above the first section stays there; a comment above any other one goes with it."""
    keys = [(str(key.value), key.start_mark.line) for key, _ in root.value if key.start_mark is not None]
    starts = [keys[0][1], *(_with_comments(line, lines) for _, line in keys[1:])]
    ends = [*starts[1:], len(lines)]
    sections = {name: lines[start:end] for (name, _), start, end in zip(keys, starts, ends, strict=True)}
    known = [name for name in ORDER if name in sections]
    others = [name for name in sections if name not in ORDER]
    return [*lines[: starts[0]], *(line for name in (*known, *others) for line in sections[name])]


def _with_comments(line: int, lines: list[str]) -> int:
    """Where the section that begins on this line begins with its comments and the blank lines above them."""
    while line and (lines[line - 1].startswith("#") or not lines[line - 1].strip()):
        line -= 1
    return line


def _tidy(lines: list[str]) -> str:
    """No white space at ends of lines, no two blank lines on end, one newline at the end of the file."""
    kept: list[str] = []
    for line in (line.rstrip() for line in lines):
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n"


def _meaning(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        pairs: Mapping[str, object] = {str(key.value): _meaning(value) for key, value in node.value}
        return pairs
    if isinstance(node, yaml.SequenceNode):
        return [_meaning(item) for item in node.value]
    return (node.value, isinstance(node, yaml.ScalarNode) and node.style is None)
