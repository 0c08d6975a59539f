"""Found values out of a request and placeholders in: the same value has the same one in every string of the body.

Values are looked for with the places that the detectors give, and then replaced wherever they stand, in any message and
however they are spaced or written in case: a second mention is masked though nothing announces it. What is not found so
stays; whoever sends what comes out has it classified again.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.classify.detectors import DETECTORS
from gateway.classify.flatten import is_wire_word, strings
from gateway.classify.hits import Detector
from gateway.classify.places import places
from gateway.core.placeholders import MOST, Placeholders, label_of, written
from gateway.core.types import Endpoint, Envelope

_ROUNDS = 10  # a detector stops after a hundred hits in one text
_SHORTEST = 3
_SHARED = 16  # signs of a value after which its pattern branches no more
_MOST_VALUES = 2_000  # more would hold up other requests
_DEEPEST = 4  # JSON in a string of JSON in a string
_LETTERS = "XQZJKVWY"
_SECRETS = frozenset({"api_key", "password", "private_key"})  # case and spacing tell them apart
_NUMBERS = frozenset({"card", "iban", "national_id", "phone"})
_ANY_NUMBER = "card"
_FEWEST_DIGITS = 6  # of a number that is known again in other spacing
_BETWEEN = r"[\s.\-/()]{0,3}"
_TOKEN = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")(\s*+:)?|-?[0-9][0-9.eE+-]*+')
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_decode = msgspec.json.Decoder().decode
_decode_text = msgspec.json.Decoder(str).decode


_UNMASKED = frozenset({Endpoint.UNKNOWN, Endpoint.TOKENIZE, Endpoint.CHAT_TOKENIZE})
"""Not taken apart; or their answers speak of places in the text, which a mask moves."""


Value = tuple[str, str]
"""A kind and what was found of it."""

Form = tuple[str, ...]
"""A value as the pattern that finds it, sign by sign."""


class Masked(NamedTuple):
    """A request's body with placeholders in it, the same parsed, and what they stand for."""

    body: bytes
    document: Any
    placeholders: Placeholders

    def __repr__(self) -> str:
        return f"Masked(<{len(self.body)} bytes>, {self.placeholders!r})"


def masked_envelope(
    envelope: Envelope, kinds: Collection[str], detectors: Sequence[Detector] = DETECTORS
) -> tuple[Envelope, Placeholders] | None:
    """A request as it may go where these kinds may not; None where there is nothing to mask, or it cannot be done."""
    if envelope.endpoint in _UNMASKED or envelope.document is None:
        return None
    masked = mask(envelope.body, envelope.document, kinds, detectors)
    if masked is None:
        return None
    return msgspec.structs.replace(envelope, body=masked.body, document=masked.document), masked.placeholders


def mask(
    body: bytes, document: Any, kinds: Collection[str], detectors: Sequence[Detector] = DETECTORS
) -> Masked | None:
    """A JSON body with every value of these kinds masked; None where there is none, or it cannot be done. Never raises.

    `document` is `body` parsed. INVARIANT: bytes outside the strings and numbers that hold a value stay as they are.
    """
    try:
        text = body.decode()
        letter = _letter(text)
        if letter is None:
            return None
        return _masked(text, document, _Values(letter), lambda seen: _found(seen, kinds, detectors))
    except Exception:  # as with detectors: what fails says nothing, and what is not masked does not go
        return None


def _masked(text: str, document: Any, values: "_Values", look: Callable[[Any], Iterable[Value]]) -> Masked | None:
    changed, seen = text, document
    for _ in range(_ROUNDS):
        added = [values.add(kind, found) for kind, found in look(seen)]
        if not any(added):
            break
        rewriting = _Rewriting(values)
        changed = rewriting.json(text)
        seen = _decode(changed)
        if rewriting.keys != _keys(seen):  # two keys became one, and one value would be lost
            return None
    return None if seen is document else Masked(changed.encode(), seen, values.placeholders())


def _found(document: Any, kinds: Collection[str], detectors: Sequence[Detector]) -> Iterator[Value]:
    for group in strings(document).groups:
        text = "\n".join(group.parts)
        for kind, start, end, _ in places(text, detectors)[0]:
            if kind in kinds:
                yield kind, text[start:end]


def _letter(text: str) -> str | None:
    """One that stands behind no low line and before no digit anywhere in the request; None: all of them do."""
    taken = {found.upper() for found in re.findall(r"(?i)(?:_|\\u005f)\W*([a-z])[0-9]", text)}
    return next((letter for letter in _LETTERS if letter not in taken), None)


def _keys(document: Any) -> int:
    count, stack = 0, [document]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            count += len(node)
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return count


class _Values:
    """The values of one request by number, known again in every form in which they may be written."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self._own = re.compile(rf"\[[A-Z]+_{letter}[0-9]+\]|[A-Z]+_{letter}[0-9]+")
        self._labels: list[str] = []
        self._values: list[str] = []
        self._numbers: dict[str, int] = {}
        self._forms: set[Form] = set()

    def add(self, kind: str, found: str) -> bool:
        """Whether it was not known in this form."""
        if len(found) < _SHORTEST or found in self._numbers or self._own.search(found):
            return False
        plain = _unescaped(found)
        number = self._number(_names(kind, plain))
        if not number:
            if len(self._values) == min(_MOST_VALUES, MOST):
                raise ValueError("more values than placeholders")
            self._labels.append(label_of(kind))
            self._values.append(plain)
            number = len(self._values)
        for form in (found, plain):
            self._forms.update(_forms(kind, form))
            for name in _names(kind, form):
                self._numbers.setdefault(name, number)
        return True

    def _number(self, names: Iterable[str]) -> int:
        """Nought: not known."""
        return next((self._numbers[name] for name in names if name in self._numbers), 0)

    def pattern(self) -> re.Pattern[str]:
        """Placeholders themselves first, so that no value is looked for in them; then the longest value."""
        return re.compile(f"({self._own.pattern})|{_branches(self._forms, _SHARED)}")

    def placeholder(self, text: str) -> str:
        number = self._number(_names(_ANY_NUMBER, text))
        return written(self._labels[number - 1], self.letter, number) if number else text

    def placeholders(self) -> Placeholders:
        return Placeholders(self.letter, tuple(self._labels), tuple(self._values))


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    try:
        return _decode_text(f'"{text}"'.encode())
    except ValueError:
        return text


def _forms(kind: str, text: str) -> Iterator[Form]:
    """The patterns by which a value is known again."""
    if kind in _SECRETS:
        yield tuple(map(re.escape, text))
        return
    yield tuple(map(_any_case, text))
    signs = [_any_case(char) for char in text if char.isalnum()]
    if kind in _NUMBERS and len(signs) >= _FEWEST_DIGITS:
        yield (signs[0], *(_BETWEEN + sign for sign in signs[1:]))


def _any_case(char: str) -> str:
    lower, upper = char.lower(), char.upper()
    return f"[{lower}{upper}]" if lower != upper and len(lower) == len(upper) == 1 else re.escape(char)


def _branches(forms: Collection[Form], depth: int) -> str:
    """All forms as one pattern, the longest first, in which beginnings are shared: a text is not read once for each."""
    if depth == 0 or len(forms) == 1:
        return "|".join("".join(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
    rests: dict[str, list[Form]] = {}
    for form in forms:
        rests.setdefault(form[0], []).append(form[1:])
    branches: list[tuple[int, str]] = []
    for sign, rest in rests.items():
        longer = [form for form in rest if form]
        optional = "?" if len(longer) < len(rest) else ""
        below = f"(?:{_branches(longer, depth - 1)}){optional}" if longer else ""
        branches.append((-max(map(len, rest)), sign + below))
    return "|".join(branch for _, branch in sorted(branches))


def _names(kind: str, text: str) -> tuple[str, ...]:
    """What a value is called, strictest first: as it stands, without its case, without what is between its signs."""
    if kind in _SECRETS:
        return (text,)
    folded = text.casefold()
    bare = "".join(char for char in folded if char.isalnum())
    return (text, folded, bare) if kind in _NUMBERS and len(bare) >= _FEWEST_DIGITS else (text, folded)


class _Rewriting:
    """Writes a body anew: only strings and numbers in which a value stands change. `keys` counts those of the body."""

    def __init__(self, values: _Values) -> None:
        self._values = values
        self._pattern = values.pattern()
        self.keys = 0

    def json(self, text: str, depth: int = 0) -> str:
        key = ""

        def token(found: re.Match[str]) -> str:
            nonlocal key
            if found[1] is None:
                return found[0] if is_wire_word(key) else self._number(found[0])
            text = _decode_text(found[1].encode())
            if found[2] is not None:
                key = text
                self.keys += depth == 0
            if is_wire_word(text):
                return found[0]
            masked = self._string(text, depth, is_name=found[2] is None and key == "name")
            return found[0] if masked == text else msgspec.json.encode(masked).decode() + (found[2] or "")

        return _TOKEN.sub(token, text)

    def _string(self, text: str, depth: int, *, is_name: bool) -> str:
        """A text, or JSON in a text: there each string is masked within its quotes, and a number becomes a string."""
        inner = self.json(text, depth + 1) if depth < _DEEPEST and _is_json(text) else text
        masked = self._pattern.sub(self._replace, inner)
        if is_name and _NAME.fullmatch(text):  # OpenAI takes no brackets there
            return masked.replace("[", "").replace("]", "")
        return masked

    def _number(self, text: str) -> str:
        masked = self._pattern.sub(self._replace, text)
        return text if masked == text else msgspec.json.encode(masked).decode()

    def _replace(self, found: re.Match[str]) -> str:
        return found[0] if found[1] else self._values.placeholder(found[0])


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        return isinstance(_decode(text), dict | list)
    except (ValueError, RecursionError):
        return False
