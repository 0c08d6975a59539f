"""The `lexicons` of a policy: kinds of findings of its own, each a file with a name or word a line."""

import hashlib
import re

from gateway.core.labelling import Lexicon
from gateway.core.types import Sensitivity
from gateway.policy import schema
from gateway.policy.read import Reader, Value
from gateway.policy.vocabulary import FINDING_KINDS, SENSITIVITIES

MOST_BYTES, MOST_ENTRIES, LONGEST = 8_000_000, 200_000, 200
FEWEST_SIGNS, FEWEST_UNSPACED = 3, 2
"""Letters or digits; fewer are part of everything. Where scripts put no blanks between words, two may be a name."""

_NAME = re.compile(r"[a-z][a-z_]{1,31}")
_UNSPACED_FROM = "\u0e00"


def read_lexicons(reader: Reader, value: Value | None) -> tuple[tuple[Lexicon, Sensitivity], ...]:
    """Each with its class, in the order of the file."""
    found: list[tuple[Lexicon, Sensitivity]] = []
    for number, each in enumerate(reader.listed(value), 1):
        fields = reader.fields(Value(each.node, f"lexicon {number}"), schema.LEXICON)
        level = SENSITIVITIES[reader.word(fields.get("class"), SENSITIVITIES, Sensitivity.RESTRICTED.label)]
        name = own_kind(reader, fields.get("name"), {lexicon.name for lexicon, _ in found})
        found.append((_lexicon(reader, name, fields.get("file")), level))
    return tuple(found)


def own_kind(reader: Reader, value: Value | None, taken: set[str]) -> str:
    """The name of a kind that the policy brings itself."""
    name = reader.text(value)
    if value is None or not name:
        return ""
    if not _NAME.fullmatch(name):
        sentence = f"{value.what} must be a kind's name of small letters and `_`, 2 to 32, not `{name}`"
        reader.problems.add(value.node, sentence)
    elif name in FINDING_KINDS:
        reader.problems.add(value.node, f"{value.what}: the detectors find `{name}` already; take another name")
    elif name in taken:
        reader.problems.add(value.node, f"{value.what}: `{name}` is there twice; take another name")
    return name


def _lexicon(reader: Reader, name: str, value: Value | None) -> Lexicon:
    content = reader.file(value, MOST_BYTES)
    if value is None or content is None:
        return Lexicon(name, ())
    entries, wrong = _entries(content)
    if wrong:
        reader.problems.add(value.node, f"{value.what}: {wrong}")
    return Lexicon(name, tuple(sorted(entries)), reader.text(value), hashlib.sha256(content).hexdigest())


def _entries(content: bytes) -> tuple[frozenset[str], str]:
    """The entries, and what is wrong with the first that cannot be used, without its text."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return frozenset(), f"line {line} is not UTF-8; save the file as UTF-8"
    entries = frozenset(filter(None, map(str.strip, lines)))
    if not entries:
        return entries, "there is no entry in the file; write one a line"
    if len(entries) > MOST_ENTRIES:
        return entries, f"the file has more than {MOST_ENTRIES:,} entries; split it by what they are"
    wrong = (f"line {number} {trouble}" for number, line in enumerate(lines, 1) if (trouble := _wrong(line.strip())))
    return entries, next(wrong, "")


def _wrong(entry: str) -> str:
    signs = [sign for sign in entry if sign.isalnum()]
    fewest = FEWEST_UNSPACED if any(sign >= _UNSPACED_FROM for sign in signs) else FEWEST_SIGNS
    if entry and len(signs) < fewest:
        return f"has fewer than {fewest} letters or digits, which are found everywhere; remove it"
    return f"is longer than {LONGEST} characters; a name is enough" if len(entry) > LONGEST else ""
