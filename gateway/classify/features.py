"""What the complexity model sees of a request: hashed words and word pairs, and cheap counters of structure.

One pass in C over at most `HEAD + TAIL` characters, so a megabyte costs no more than a page. Training calls the very
same functions, so a weight means at serving what it meant when it was fitted.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log1p
from struct import pack, unpack
from types import MappingProxyType
from zlib import crc32

import msgspec

BUCKETS = 1 << 16
HEAD, TAIL = 400, 100
"""Characters read of a longer text: the task stands at one of its ends."""

_DIGITS = bytes(range(48, 58))
_CAPITALS = bytes(range(65, 91))
_LETTERS = _CAPITALS + bytes(range(97, 123)) + b" "
_BEYOND = bytes(range(128, 256))
# Letters are folded, every digit reads 0, what is no letter parts words; bytes above 127 are parts of letters.
_FOLD = bytes(
    c + 32 if 65 <= c <= 90 else 48 if 48 <= c <= 57 else c if 97 <= c <= 122 or c >= 128 else 32 for c in range(256)
)


def _words(text: str) -> frozenset[bytes]:
    return frozenset(text.encode().split())


MARKS: Mapping[str, bytes] = MappingProxyType(
    {
        "question marks": b"?",
        "exclamation marks": b"!",
        "dollar signs": b"$",
        "backslashes": b"\\",
        "braces": b"{",
        "brackets": b"[",
        "parentheses": b"(",
        "equals signs": b"=",
        "plus signs": b"+",
        "carets": b"^",
        "angle brackets": b"<",
        "stars": b"*",
        "slashes": b"/",
        "percent signs": b"%",
        "underscores": b"_",
        "backquotes": b"`",
        "double quotes": b'"',
        "colons": b":",
        "semicolons": b";",
        "commas": b",",
        "full stops": b".",
        "hyphens": b"-",
        "line ends": b"\n",
    }
)
"""Counted each by itself, in a text from which letters, digits and spaces were taken."""

CUES: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "asks for a fact": _words("what who whom whose when where which name"),
        "asks for a reason": _words("why how explain because cause causes reason reasons"),
        "asks for a proof": _words("prove proof show derive derivation deduce justify verify theorem lemma"),
        "asks for an analysis": _words(
            "analyze analyse compare contrast evaluate assess critique critically discuss implications tradeoffs"
        ),
        "asks for a design": _words(
            "design architect architecture implement build scalable distributed system strategy plan optimize optimise"
        ),
        "asks for a repair": _words(
            "debug fix bug bugs error exception crash deadlock race concurrency thread threads leak refactor failing"
        ),
        "speaks of code": _words(
            "code function python java javascript rust sql query class method api script algorithm array string return "
            "def int regex html css bash loop recursion complexity"
        ),
        "speaks of mathematics": _words(
            "equation integral derivative matrix probability polynomial integer integers prime triangle vector "
            "function sum product compute calculate solve angle limit converges modulo eigenvalue frac sqrt"
        ),
        "speaks of science": _words(
            "energy mass velocity force pressure temperature molecule reaction acid equilibrium quantum electron "
            "protein cell gene enzyme entropy voltage current wavelength"
        ),
        "speaks of law or medicine": _words(
            "law court contract liability statute plaintiff defendant patient diagnosis symptoms treatment clinical "
            "therapy disease"
        ),
        "asks for a translation": _words("translate translation spanish french german italian chinese english"),
        "asks for a summary": _words("summarize summarise summary tldr shorten bullet key points"),
        "asks for a label": _words("classify categorize sentiment positive negative label spam category topic"),
        "asks for an extract": _words("extract list find identify names dates emails"),
        "asks for a rewording": _words("rewrite rephrase paraphrase proofread grammar correct tone polite formal"),
        "asks for a text": _words("write draft compose email letter poem story tweet caption slogan birthday message"),
        "is small talk": _words("hi hello hey thanks thank please bye morning joke fun favorite favourite"),
        "sets constraints": _words("must only exactly least most without ensure should cannot never always within"),
        "sets conditions": _words("if then else assume suppose given let whenever unless such"),
        "counts things": _words("many much total each per percent times twice half more fewer cost hours left"),
        "negates": _words("not no except false none neither incorrect"),
        "asks for steps": _words("step steps first second finally next stage stages reasoning"),
        "asks for a form": _words("json xml yaml csv table format markdown schema"),
        "speaks of the asker": _words("i my me we our mine"),
    }
)
"""Groups of words (folded as `_FOLD` folds them) of which it counts how many different ones occur."""

_CHOICES = frozenset(b"%c%c" % (letter, end) for letter in b"ABCDEFGHIJ" for end in b".):") | frozenset(
    b"(%c" % letter for letter in b"ABCDEFGHIJ"
)
_ITEMS = frozenset((b"- ", b"* ", b"1.", b"2.", b"3.", b"4.", b"5.", b"1)", b"2)", b"3)", b"4)", b"5)"))
_CODE_MARKS = (b"```", b"->", b"==", b"();", b"//", b"::")

COUNTERS: tuple[str, ...] = (
    "length",
    "words",
    "different words",
    "digits",
    "capitals",
    "signs",
    "letters beyond ASCII",
    "choices",
    "list items",
    "indented lines",
    "code marks",
    *MARKS,
    *CUES,
    "turns",
    "tools",
    "asks for JSON",
    "share of digits",
    "share of capitals",
    "share of different words",
    "length of words",
    "length squared",
)
"""The names of the counters, in the order in which `read` gives them. All but the last five are log(1 + count)."""

_MARKS = tuple(MARKS.values())
_CUES = tuple(CUES.values())
_CUES_OF = {word: tuple(cue for cue, group in enumerate(_CUES) if word in group) for word in frozenset().union(*_CUES)}
_CUE_WORDS = frozenset(_CUES_OF)

SIGNATURE = crc32(
    repr(
        (
            "words and pairs as lanes",
            BUCKETS,
            HEAD,
            TAIL,
            _FOLD,
            COUNTERS,
            _MARKS,
            *map(sorted, _CUES),
            sorted(_CHOICES),
            sorted(_ITEMS),
            _CODE_MARKS,
        )
    ).encode()
)
"""Weights fitted for other features than these are refused when they are loaded."""


class Shape(msgspec.Struct, frozen=True):
    """What the model sees of a request beside its text."""

    turns: int = 1
    tools: int = 0
    asks_for_json: bool = False


class Features(msgspec.Struct, frozen=True):
    """`buckets`: the different words and word pairs, hashed. `counters`: one number a name in `COUNTERS`.

    `words`: the different words, folded; they live as long as the request is looked at.
    """

    buckets: frozenset[int]
    counters: Sequence[float]
    words: frozenset[bytes] = frozenset()

    def __repr__(self) -> str:
        return f"Features(<{len(self.buckets)} buckets>)"


def read(text: str, shape: Shape) -> Features:
    """The features of one request."""
    length = len(text)
    if length > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    raw = text.encode("utf-8", "replace")
    words = raw.translate(_FOLD).split()
    vocabulary = frozenset(words)
    return Features(_hashed(words), _counted(raw, words, vocabulary, length, shape), vocabulary)


def _hashed(words: Sequence[bytes]) -> frozenset[int]:
    """A bucket for each word, and one for each word with the next.

    A word's CRC-32 has a low and a high half. Its bucket is one XOR the other, that of a pair the high half of the
    first XOR the low half of the second: as 16-bit lanes of one number, all of them are one shift and one XOR.
    """
    count = len(words)
    lanes = int.from_bytes(pack(f"<{count}I", *map(crc32, words)), "little")
    return frozenset(unpack(f"<{2 * count}H", (lanes ^ lanes >> 16).to_bytes(4 * count, "little")))


def _counted(
    raw: bytes, words: Sequence[bytes], vocabulary: frozenset[bytes], length: int, shape: Shape
) -> list[float]:
    signs_and_digits = raw.translate(None, _LETTERS)
    signs = signs_and_digits.translate(None, _DIGITS)
    digits = len(signs_and_digits) - len(signs)
    capitals = len(raw) - len(raw.translate(None, _CAPITALS))
    beginnings = [line[:2] for line in raw.split(b"\n")]
    size, total, distinct = len(raw) or 1, len(words) or 1, len(vocabulary)
    counts = (
        length,
        total,
        distinct,
        digits,
        capitals,
        len(signs),
        0 if raw.isascii() else len(signs) - len(signs.translate(None, _BEYOND)),
        len(_CHOICES.intersection(beginnings)),
        sum(map(_ITEMS.__contains__, beginnings)),
        beginnings.count(b"  "),
        sum(map(signs.count, _CODE_MARKS)),
        *map(signs.count, _MARKS),
        *_cues(_CUE_WORDS.intersection(vocabulary)),
        shape.turns,
        shape.tools,
        shape.asks_for_json,
    )
    logs = list(map(log1p, counts))
    return [*logs, digits / size, capitals / size, distinct / total, size / total, logs[0] * logs[0]]


def _cues(told: Iterable[bytes]) -> list[int]:
    counts = [0] * len(_CUES)
    for word in told:
        for cue in _CUES_OF[word]:
            counts[cue] += 1
    return counts
