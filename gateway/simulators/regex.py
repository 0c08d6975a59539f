"""The shortest plain text that a regular expression matches: what a regex-bound model would write."""

import re

_QUANTIFIER = re.compile(r"\{(\d*)(?:,(\d*))?\}|[*+?]")
_CLASSES = {"d": "7", "w": "w", "s": " ", "D": "d", "W": "-", "S": "s", "n": "\n", "t": "\t", "b": "", "B": ""}


def matching(pattern: str) -> str:
    """A text that `re.fullmatch(pattern, text)` accepts, for literals, classes, groups, alternatives and repetition."""
    text, _ = _alternatives(pattern, 0)
    return text


def _alternatives(pattern: str, at: int) -> tuple[str, int]:
    first, at = _sequence(pattern, at)
    while at < len(pattern) and pattern[at] == "|":
        _, at = _sequence(pattern, at + 1)
    return first, at


def _sequence(pattern: str, at: int) -> tuple[str, int]:
    text = ""
    while at < len(pattern) and pattern[at] not in "|)":
        piece, at = _atom(pattern, at)
        count, at = _repeats(pattern, at)
        text += piece * count
    return text, at


def _repeats(pattern: str, at: int) -> tuple[int, int]:
    found = _QUANTIFIER.match(pattern, at)
    if found is None:
        return 1, at
    end = found.end()
    if end < len(pattern) and pattern[end] in "?+":
        end += 1
    return (int(found[1] or 0) if found[0].startswith("{") else 1), end


def _atom(pattern: str, at: int) -> tuple[str, int]:
    match pattern[at]:
        case "(":
            start = at + 1
            if pattern.startswith("?", start):
                start = re.compile(r"\?(?:P?<\w+>|[:=!]|<[=!])").match(pattern, start).end()  # type: ignore[union-attr]
            text, end = _alternatives(pattern, start)
            return text, end + 1
        case "[":
            return _class(pattern, at + 1)
        case "\\":
            letter = pattern[at + 1]
            return _CLASSES.get(letter, letter), at + 2
        case ".":
            return "x", at + 1
        case "^" | "$":
            return "", at + 1
        case letter:
            return letter, at + 1


def _class(pattern: str, at: int) -> tuple[str, int]:
    """One character of a bracketed class: its first, or for a negated class any letter outside it."""
    found = re.compile(r"(\^?)(\]?(?:\\.|[^\]\\])*)\]").match(pattern, at)
    assert found is not None, f"`{pattern}` has an open bracket"
    whole = re.compile("[" + found[1] + found[2] + "]")
    letters = "a1A -_.:/" + "".join(map(chr, range(33, 127)))
    return next(letter for letter in letters if whole.fullmatch(letter)), found.end()
