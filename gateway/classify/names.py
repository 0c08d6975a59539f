"""Stage 7: people and postal addresses, by a linear tagger over the words that may be part of one."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.classify.hits import LIKELY, POSSIBLE, Hit
from gateway.classify.names_features import (
    FIVE,
    INITIAL,
    LONG,
    LOWER,
    MIXED,
    SHORT,
    UNSPACED,
    Lexicon,
    Tokens,
    features,
    is_candidate,
    places_of,
    tokens,
    word_hash,
)
from gateway.classify.numbers import Span
from gateway.classify.view import View

PERSON, ADDRESS = "person", "address"
_MOST_WORDS = 4_000  # looked at in one text, some 40 ms; what has more is not passed over but said to be unread
_AROUND = 60  # characters of context on either side of a word that may be a name
_SHORT_TEXT = 400  # written without any capital: looked at word by word
_ENCODED = 64  # an unbroken stretch of so many characters holds no words
_PART, _WHOLE, _ALONE, _UNLISTED = -1.0, 0.0, 3.0, 4.0
_ADDRESS_PART, _ADDRESS_WHOLE = -0.5, 1.5
_ADDRESS_GAP = 4  # tokens from one part to the next
_NAME_BITS, _EVERYDAY = 3, 4


def _hashes(words: str) -> frozenset[int]:
    return frozenset(word_hash(word) for word in words.split())


_JOINTS = _hashes("- . ' ’ ‐ `")
_MARK = 16  # forms from here on are punctuation
_PARTICLES = _hashes("van von de der den del della di da do dos das du la le el al bin ibn ter ten zu zur af av y e")
_TITLES = _hashes(
    "mr mrs ms miss mx dr prof professor sir madam ing dipl lic univ rev hon herr frau hr fr mme mlle monsieur madame "
    "señor señora señorita don doña sr sra srta signor signora sig dott ssa avv dhr mevr mw drs ir mgr pan pani "
    "med rer nat phil jur"
)
_STREETS = _hashes(
    "rue calle via avenue av boulevard bd place chemin ul ulica unit flat apt studio rua avenida улица ул"
)
_STOP = word_hash(".")
_FRACTION_SLASH = word_hash("⁄")
_DEGREES = _hashes("md phd dds dvm mba msc bsc ba ma sc eng jr sr ii iii iv esq cpa rn b m a med")
_CAPITALS = r"[A-Z\u00c0-\u00d6\u00d8-\u00de\u0100-\u024f\u0386-\u03ab\u0400-\u042f\u0531-\u0556\u1e00-\u1eff]"
_WORD = re.compile(r"[^\W\d_]{3,}")
_NAME_LIKE = re.compile(rf"(?<![^\W\d_]){_CAPITALS}[^\W\d_]+")
_TITLES_BEFORE = ("Mr. ", "Mrs. ", "Ms. ", "Dr. ", "Prof. ")


_BLANK, _STOPPED = b" ."


def _case_of(char: str) -> int:
    """Upper, lower (with marks within a sentence), blank, and everything that may end or begin one."""
    if char.isupper():
        return ord("A")
    if char.isalpha() or char in ",:":
        return ord("a")
    return _BLANK if char == " " else _STOPPED


_CASES = bytes(_case_of(chr(code)) for code in range(256))  # of Latin-1
_PLACE_LIKE = (
    re.compile(rf"\d\w{{0,3}},?[ \n]{_CAPITALS}|(?<![\w'-]){_CAPITALS}[\w'-]{{2,60}}[.,]? ?(?:\w{{1,3}}\.? )?\d"),
    re.compile(r"\d\w{0,3},?[ \n][A-Z]|(?<![\w'-])[A-Z][\w'-]{2,60}[.,]? ?(?:\w{1,3}\.? )?\d"),
)
_POSTCODE = re.compile(
    r"\b(?:zip|postal|post|postcode|plz)\b(?:[ -]?code)?[^\w\n]{0,5}(?:(?:is|of|ist) )?"
    r"([a-z]{0,2}\d[a-z\d]{2,4}(?: ?\d[a-z]{2})?)\b"
)
# Words that sentences begin with: most capitalised words of a text, and none of them tells a name.
_USUAL = frozenset(
    str.split(
        "The This That These Those It Its If In Is Are As At An And Or But By For From To Of On So No Not Yes You "
        "Your We Our  He She They His Her Their My Me What When Where Which Who Whom Why How Can Could Would "
        "Should Do Does Did Have Has Had  Be Was Were Will There Then Than Please Write Give Make Use Using "
        "Create Explain Describe List Find Tell Let Now All  Any Some Each Every Both After Before While Since "
        "Because Although However Therefore Also Here With Without Question  Answer Note Example Step Input "
        "Output Text Sentence Summary Title One Two Three First Second Finally Only Just "
    )
)


class Tagger(NamedTuple):
    """The trained model. `people` and `places`: a weight for each bucket. `known`: hashes of names that are public."""

    lexicon: Lexicon
    people: Sequence[float]
    places: Sequence[float]
    people_bias: float
    places_bias: float
    known: frozenset[int]


class _Run(NamedTuple):
    """`length` words that belong together, from the `first` token to the `last`, with the highest score."""

    first: int
    last: int
    best: float
    length: int


class TooManyWords(Exception):
    """More words may be names than are looked at in one text."""


def find_names(view: View, tagger: Tagger) -> Iterator[Hit]:
    """People and addresses in a text; raises `TooManyWords` where looking would take too long."""
    budget = _MOST_WORDS
    for start, end, is_small in _windows(view, tagger.lexicon):
        seen = tokens(view.text, start, end, tagger.lexicon)
        asked = [at for at in places_of(seen) if is_candidate(seen.forms[at]) or (is_small and seen.forms[at] == LOWER)]
        budget -= len(asked)
        if budget < 0:
            raise TooManyWords
        buckets = [features(seen, at) for at in asked]
        yield from _people(seen, asked, buckets, tagger)
        yield from _addresses(view.text, seen, asked, buckets, tagger)
    if view.shape.find(b"0") >= 0 and ("zip" in view.lower or "post" in view.lower or "plz" in view.lower):
        yield from (Hit(*found.span(1), POSSIBLE, ADDRESS) for found in _POSTCODE.finditer(view.lower))


def _windows(view: View, lexicon: Lexicon) -> Iterator[tuple[int, int, bool]]:
    """The stretches in which a name or an address may stand, and whether they are written without capitals."""
    text = view.text
    if view.lower == text:
        if len(text) <= _SHORT_TEXT and any(_is_name(lexicon.knows(word_hash(word))) for word in _WORD.findall(text)):
            yield 0, len(text), True
        return
    seeds = _seeds(view, lexicon)
    if not seeds:
        return
    start, end = _opened(text, seeds[0]), seeds[0] + _AROUND
    for seed in seeds:
        if seed - _AROUND > end:
            yield start, _closed(text, end), False
            start = _opened(text, seed)
        end = seed + _AROUND
    yield start, _closed(text, end), False


def _is_name(known: int) -> bool:
    return known & _NAME_BITS != 0 and known & _EVERYDAY == 0


def _seeds(view: View, lexicon: Lexicon) -> list[int]:
    """Where words begin that may be a name, and numbers beside one, in order."""
    text = view.text
    seeds = [
        start
        for start, word in _capitalised(text)
        if word not in _USUAL and not lexicon.is_everyday(word_hash(word.lower()))
    ]
    if view.shape.find(b"0") >= 0:
        seeds += [found.start() for found in _PLACE_LIKE[text.isascii()].finditer(text)]
    encoded = [token for token in view.tokens if token.end - token.start >= _ENCODED]
    if encoded:
        seeds = [seed for seed in seeds if not _is_within(seed, encoded)]
    return sorted(seeds)


def _is_within(place: int, spans: Sequence[Span]) -> bool:
    number = bisect_right(spans, place, key=lambda span: span.start) - 1
    return number >= 0 and place < spans[number].end


def _capitalised(text: str) -> list[tuple[int, str]]:
    """Capitalised words of two letters and more, but those that only begin a sentence or a line.

    A name there is found by its second word. Bytes are searched at a tenth of a pattern's cost.
    """
    try:
        cases = text.encode("latin-1").translate(_CASES)
    except UnicodeEncodeError:
        return [(found.start(), found.group()) for found in _NAME_LIKE.finditer(text)]
    words, find = [], cases.find
    place = find(b"A", 2)
    while place >= 0:
        before = cases[place - 2]
        if cases[place - 1] == _BLANK and before != _BLANK and (before != _STOPPED or _is_titled(text, place)):
            end = find(b" ", place)
            if end < 0:
                end = len(cases)
            if end > place + 1:
                words.append((place, text[place:end].rstrip(",:.")))
        place = find(b"A", place + 1)
    return words


def _is_titled(text: str, place: int) -> bool:
    return text[place - 3] in "rsf" and text.endswith(_TITLES_BEFORE, 0, place)


def _opened(text: str, seed: int) -> int:
    """A beginning that cuts no word."""
    start = max(0, seed - _AROUND)
    while start and text[start - 1].isalnum() and seed - start < 2 * _AROUND:
        start -= 1
    return start


def _closed(text: str, end: int) -> int:
    stop = end + _AROUND
    while end < len(text) and text[end].isalnum() and end < stop:
        end += 1
    return min(end, len(text))


def _scores(
    weights: Sequence[float], bias: float, asked: list[int], buckets: list[tuple[int, ...]]
) -> dict[int, float]:
    weigh = weights.__getitem__
    return {at: bias + sum(map(weigh, row)) for at, row in zip(asked, buckets, strict=True)}


def _people(seen: Tokens, asked: list[int], buckets: list[tuple[int, ...]], tagger: Tagger) -> Iterator[Hit]:
    scores = _scores(tagger.people, tagger.people_bias, asked, buckets)
    last = -1
    for at in asked:
        if at <= last or scores[at] < _PART or not _is_word(seen.forms[at]):
            continue
        run = _extended(seen, at, scores)
        last = run.last
        if run.best >= _threshold(seen, run) and not _is_known(seen, run, tagger.known):
            first, end = _with_titles(seen, run)
            yield Hit(seen.starts[first], seen.ends[end], LIKELY if run.length > 1 else POSSIBLE, PERSON)


def _is_word(form: int) -> bool:
    return LOWER <= form <= MIXED or form == UNSPACED


def _extended(seen: Tokens, at: int, scores: dict[int, float]) -> _Run:
    """A name from one of its words to both sides, over hyphens, initials and particles."""
    first = last = at
    best, length = scores[at], 1
    for step in (1, -1):
        end, edge = at, at
        while True:
            end = _next_word(seen, end, step)
            if not end or not _goes_on(seen, end, scores):
                break
            edge, best, length = end, max(best, scores.get(end, best)), length + 1
        first, last = (first, edge) if step > 0 else (edge, last)
    return _Run(first, last, best, length)


def _next_word(seen: Tokens, at: int, step: int) -> int:
    """The next word of a name, over at most two joints and two particles; nought: there is none."""
    at += step
    for _ in range(2):
        if seen.words[at] in _JOINTS and (seen.words[at] != _STOP or seen.forms[at - 1] == INITIAL):
            at += step
    for _ in range(2):
        if seen.forms[at] == LOWER and seen.words[at] in _PARTICLES:
            at += step
    return at if _is_word(seen.forms[at]) else 0


def _goes_on(seen: Tokens, at: int, scores: dict[int, float]) -> bool:
    score = scores.get(at)
    if score is None:
        return False
    if score >= _PART:
        return True
    kind = seen.kinds[at]
    return seen.forms[at] != LOWER and kind & _NAME_BITS != 0 and kind & _EVERYDAY == 0 and score > -6


def _threshold(seen: Tokens, run: _Run) -> float:
    """A single word, and words that no list of names has, must be surer."""
    kinds = [seen.kinds[at] for at in range(run.first, run.last + 1) if _is_word(seen.forms[at])]
    if not any(kind & _NAME_BITS for kind in kinds):
        return _UNLISTED
    return _WHOLE if run.length > 1 else _ALONE


def _is_known(seen: Tokens, run: _Run, known: frozenset[int]) -> bool:
    """Whether it is somebody whom everybody knows: by the first and last word, or the only one."""
    return _name_hash(seen.words[run.first], seen.words[run.last]) in known


def _name_hash(first: int, last: int) -> int:
    return first ^ (last * 3) & 0xFFFFFFFF


def name_hashes(name: str) -> tuple[int, int]:
    """How a public figure is known: by the full name, and by the last name alone."""
    words = [word_hash(word) for word in re.findall(r"[^\W\d_]+", name.lower())]
    return _name_hash(words[0], words[-1]), _name_hash(words[-1], words[-1])


def _with_titles(seen: Tokens, run: _Run) -> tuple[int, int]:
    """The run with what stands before a name and behind it: `Dipl.-Ing.`, `MBA`."""
    first, last = run.first, run.last
    at = first - 1
    while seen.words[at] in _JOINTS or seen.words[at] in _TITLES:
        first = at if seen.words[at] in _TITLES else first
        at -= 1
    at = last + 1
    while seen.words[at] in _JOINTS or (seen.words[at] in _DEGREES and seen.forms[at] != LOWER):
        last = at if seen.words[at] in _DEGREES else last
        at += 1
    return first, last + (seen.words[last] in _DEGREES and seen.words[last + 1] == _STOP)


def _addresses(
    text: str, seen: Tokens, asked: list[int], buckets: list[tuple[int, ...]], tagger: Tagger
) -> Iterator[Hit]:
    scores = _scores(tagger.places, tagger.places_bias, asked, buckets)
    likely = [at for at in asked if scores[at] >= _ADDRESS_PART and not _is_in_code(seen, at)]
    index = 0
    while index < len(likely):
        parts = [likely[index]]
        index += 1
        while index < len(likely) and likely[index] - parts[-1] <= _ADDRESS_GAP:
            parts.append(likely[index])
            index += 1
        if _is_address(seen, parts, scores):
            parts.insert(0, _address_start(seen, parts[0]))
            start, end = seen.starts[parts[0]], _address_end(text, seen.ends[parts[-1]])
            is_open = "(" in text[start:end] and text.startswith(")", end)
            yield Hit(start, end + is_open, LIKELY, ADDRESS)


def _address_start(seen: Tokens, at: int) -> int:
    """With the number or the word for a street that stands right before."""
    before = at - 1
    if SHORT <= seen.forms[before] <= FIVE or seen.words[before] in _STREETS:
        return before
    return at


def _is_in_code(seen: Tokens, at: int) -> bool:
    """Whether a token is a piece of something like `RNMNMCP62E14`: glued to two others."""
    left = seen.ends[at - 1] == seen.starts[at] and seen.forms[at - 1] < _MARK and seen.ends[at - 1] > 0
    right = seen.starts[at + 1] == seen.ends[at] and seen.forms[at + 1] < _MARK and seen.ends[at + 1] > 0
    further = seen.ends[at - 2] == seen.starts[at - 1] and seen.forms[at - 2] < _MARK
    return left and (right or further)


def _address_end(text: str, end: int) -> int:
    """To the end of what is glued to the last word: `4375II`."""
    stop = end
    while stop < len(text) and text[stop].isalnum() and stop - end < 4:
        stop += 1
    return stop


def _is_address(seen: Tokens, parts: list[int], scores: dict[int, float]) -> bool:
    """A number that is no fraction and a word, and on the whole likely."""
    has_number = any(SHORT <= seen.forms[at] <= LONG and not _is_of_fraction(seen, at) for at in parts)
    has_word = any(_is_word(seen.forms[at]) for at in parts)
    return has_number and has_word and sum(scores[at] for at in parts) / len(parts) >= _ADDRESS_WHOLE


def _is_of_fraction(seen: Tokens, at: int) -> bool:
    return _FRACTION_SLASH in (seen.words[at - 1], seen.words[at + 1])
