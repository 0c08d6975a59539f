"""What the tagger of names and addresses sees of a word: itself, its neighbours and their forms, hashed.

Training calls the very same functions, so a weight means at serving what it meant when it was fitted.
"""

import re
from typing import NamedTuple
from zlib import crc32

BUCKETS = 1 << 16
_MASK = BUCKETS - 1
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_|\n")
_PAD = 4

# Forms of a token. Punctuation marks and line ends have their own code, from `_MARKS` on.
LOWER, CAPITALISED, CAPITALS, INITIAL, MIXED, SHORT, FOUR, FIVE, LONG, UNSPACED = range(1, 11)
_MARKS = 16


class Lexicon(NamedTuple):
    """What is known of words, by hash alone: first names, last names (two bits a word), and words of everyday text."""

    first: bytes
    last: bytes
    everyday: bytes

    def knows(self, word: int) -> int:
        """A sum: 1 is a first name, 2 a last name, 4 an everyday word; a word in some hundred is taken for another."""
        first, last, everyday = self
        one, two = word & _BITS, word >> 12
        known = 4 if everyday[one >> 3] >> (one & 7) & 1 else 0
        if first[one >> 3] >> (one & 7) & 1 and first[two >> 3] >> (two & 7) & 1:
            known += 1
        if last[one >> 3] >> (one & 7) & 1 and last[two >> 3] >> (two & 7) & 1:
            known += 2
        return known

    def is_everyday(self, word: int) -> bool:
        bit = word & _BITS
        return self.everyday[bit >> 3] >> (bit & 7) & 1 == 1


LEXICON_BYTES = 1 << 17
_BITS = (1 << 20) - 1


def add_word(words: bytearray, word: int) -> None:
    """Put a word into one of a lexicon's three sets."""
    for bit in (word & _BITS, word >> 12):
        words[bit >> 3] |= 1 << (bit & 7)


class Tokens(NamedTuple):
    """The tokens of a stretch of text: where they stand, their forms, hashes of them and of their endings.

    `kinds` tells the form of a token and what the lexicon knows of it.
    """

    starts: list[int]
    ends: list[int]
    forms: list[int]
    words: list[int]
    endings: list[int]
    kinds: list[int]


def word_hash(word: str) -> int:
    """Of a lower-cased word."""
    return crc32(word.encode("utf-8", "surrogatepass"))


def tokens(text: str, start: int, end: int, lexicon: Lexicon) -> Tokens:
    """Cut a stretch of a text into words, numbers, marks and line ends; four of nothing stand at either side."""
    seen = Tokens(*([0] * _PAD for _ in range(6)))
    knows = lexicon.knows
    for match in _TOKEN.finditer(text, start, end):
        token = match.group()
        lower = token.lower()
        form = form_of(token)
        word = word_hash(lower if form < SHORT or form == UNSPACED else "0" * len(token) if form < UNSPACED else token)
        seen.starts.append(match.start())
        seen.ends.append(match.end())
        seen.forms.append(form)
        seen.words.append(word)
        seen.endings.append(word_hash(lower[-3:]))
        seen.kinds.append(form * 8 + (knows(word) if form < SHORT or form == UNSPACED else 0))
    for column in seen:
        column.extend([0] * _PAD)
    return seen


def form_of(token: str) -> int:
    if token.islower():
        return LOWER
    if token.isalpha():
        if token.isupper():
            return INITIAL if len(token) == 1 else CAPITALS
        if token[0].isupper():
            return CAPITALISED if token[1:].islower() else MIXED
        return MIXED if token.upper() != token.lower() else UNSPACED
    if token.isdecimal():
        return (SHORT, SHORT, SHORT, SHORT, FOUR, FIVE)[len(token)] if len(token) < 6 else LONG
    return _MARKS + (word_hash(token) & 63)


def places_of(seen: Tokens) -> range:
    """The tokens themselves, without the nothing around them."""
    return range(_PAD, len(seen.starts) - _PAD)


def features(seen: Tokens, at: int) -> tuple[int, ...]:
    """The buckets of one token: first those of kinds alone, then, from `LEXICAL` on, those that tell words."""
    _, _, _, words, endings, kinds = seen
    c0, c1, c2, e1, e2 = kinds[at], kinds[at + 1], kinds[at + 2], kinds[at - 1], kinds[at - 2]
    w0, w1, w2, b1, b2 = words[at], words[at + 1], words[at + 2], words[at - 1], words[at - 2]
    right, left = c0 * 1009 + c1, c0 * 1013 + e1
    near = left * 1019 + c1
    wide = near * 1021 + c2 * 1031 + e2 * 1039
    mine = c0 * 7919
    return (
        (c0 * 3 + 1) & _MASK,
        (right * 2654435761 + 2 >> 5) & _MASK,
        (left * 2654435761 + 3 >> 5) & _MASK,
        (near * 2654435761 + 4 >> 5) & _MASK,
        ((right * 1049 + c2) * 2654435761 + 5 >> 5) & _MASK,
        ((left * 1051 + e2) * 2654435761 + 6 >> 5) & _MASK,
        (wide * 2654435761 + 7 >> 5) & _MASK,
        (w0 * 3 + 8 if c0 & 3 == 0 else c0 + 8) & _MASK,
        (b1 * 5 + mine + 9) & _MASK,
        (w1 * 7 + mine + 10) & _MASK,
        ((b1 ^ (b2 * 17)) * 19 + mine + 11) & _MASK,
        ((w1 ^ (w2 * 23)) * 29 + mine + 12) & _MASK,
        (b2 * 11 + left + 13) & _MASK,
        (w2 * 13 + right + 14) & _MASK,
        (endings[at] * 47 + mine + 15) & _MASK,
        (endings[at - 1] * 53 + mine + 16) & _MASK,
        (endings[at + 1] * 59 + mine + 17) & _MASK,
        (words[at - 3] * 61 + mine + 18) & _MASK,
        (words[at + 3] * 67 + mine + 19) & _MASK,
    )


LEXICAL = 7


def is_candidate(form: int) -> bool:
    """Whether a token of this form may be (a part of) a name or an address."""
    return LOWER < form <= UNSPACED
