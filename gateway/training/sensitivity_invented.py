"""Invented people and addresses of many countries, from Faker's lists (MIT), put into the carriers; and its lexicon."""

import importlib
import pkgutil
import random
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from faker import Faker
from faker.providers import person

from gateway.classify.names_features import LEXICON_BYTES, Lexicon, add_word, word_hash
from gateway.training.sensitivity_carriers import PRIVATE, PUBLIC, well_known

_LOCALES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": ("en_US", "en_US", "en_GB", "en_AU", "en_CA", "en_IN", "en_IE", "en_NZ", "de_DE", "fr_FR", "es_MX",
               "it_IT", "pl_PL", "nl_NL", "sv_SE", "tr_TR", "vi_VN", "pt_BR", "cs_CZ", "fi_FI", "no_NO", "da_DK",
               "ro_RO", "hu_HU"),
        "de": ("de_DE", "de_AT", "de_CH", "tr_TR", "pl_PL"), "fr": ("fr_FR", "fr_CH", "fr_CA"),
        "es": ("es_ES", "es_MX", "es_AR", "es_CO"), "it": ("it_IT",), "nl": ("nl_NL", "nl_BE"),
        "pt": ("pt_BR", "pt_PT"), "pl": ("pl_PL",), "sv": ("sv_SE", "no_NO", "da_DK", "fi_FI"), "ru": ("ru_RU",),
    }
)  # fmt: skip
_FILLS = {"en": 60, "public": 60}
_FILLS_ELSEWHERE = 40
_SLOT = re.compile(r"\{([pflasFPCT])\}")
_PERSON, _ADDRESS = "PERSON", "ADDRESS"
_KIND = {"p": _PERSON, "f": _PERSON, "l": _PERSON, "a": _ADDRESS, "s": _ADDRESS}
_PARTICLES = ("von", "van", "van der", "de", "de la", "di", "da", "del", "bin", "al", "zu")
_ITALIAN_TOWNS = ("Verona", "Bari", "Reggio Emilia", "Lucca", "San Remo", "Cuneo", "Trapani")
"""Faker draws them from a set, whose order is another in each process."""
_LOWERED = 0.06
"""Of the sentences: written without a capital, as people do in a hurry."""


class Example(NamedTuple):
    """A text and what in it is private: (start, end, `PERSON` or `ADDRESS`)."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def invented_examples(seed: int = 1) -> Iterator[Example]:
    """Every carrier filled many times. The same seed and the same Faker give the same examples."""
    dice = random.Random(seed)
    fakers = {locale: Faker(locale) for locale in sorted({each for row in _LOCALES.values() for each in row})}
    for number, faker in enumerate(fakers.values()):
        faker.seed_instance(seed * 1000 + number)
    known = list(well_known())
    groups = [*PRIVATE.items(), ("public", PUBLIC)]
    for language, carriers in groups:
        for carrier in carriers:
            for _ in range(_FILLS.get(language, _FILLS_ELSEWHERE)):
                locale = dice.choice(_LOCALES.get(language, _LOCALES["en"]))
                yield _filled(carrier, fakers[locale], known, dice)


def _filled(carrier: str, faker: Any, known: list[str], dice: random.Random) -> Example:
    text, spans, last = "", [], 0
    for slot in _SLOT.finditer(carrier):
        text += carrier[last : slot.start()]
        value = _value(slot.group(1), faker, known, dice)
        if slot.group(1) in _KIND:
            spans.append((len(text), len(text) + len(value), _KIND[slot.group(1)]))
        text += value
        last = slot.end()
    text += carrier[last:]
    if dice.random() < _LOWERED and len(text.lower()) == len(text):
        text = text.lower()
    return Example(text, tuple(spans))


def _value(slot: str, faker: Any, known: list[str], dice: random.Random) -> str:
    match slot:
        case "p":
            return _full_name(faker, dice)
        case "f" | "F":
            return str(faker.first_name())
        case "l":
            return str(faker.last_name())
        case "a":
            return str(faker.address()).replace("\n", dice.choice([", ", ", ", "\n", " "]))
        case "s":
            return str(faker.street_address()).replace("\n", ", ")
        case "P":
            name = dice.choice(known)
            return name if dice.random() < 0.7 else name.rsplit(" ", 1)[-1]
        case "C":
            return str(faker.company())
        case _:
            return dice.choice(_ITALIAN_TOWNS) if "it_IT" in faker.locales else str(faker.city())


def _full_name(faker: Any, dice: random.Random) -> str:
    """As people are called: mostly first and last name, some with a title, an initial, a hyphen or in capitals."""
    first, last, form = str(faker.first_name()), str(faker.last_name()), dice.random()
    if form < 0.6:
        return f"{first} {last}"
    if form < 0.75:
        return str(faker.name())
    if form < 0.82:
        return f"{first} {dice.choice('ABCDEFGHJKLMPRSTW')}. {last}"
    if form < 0.88:
        return f"{first} {last}-{faker.last_name()}"
    if form < 0.93:
        return f"{dice.choice(['Dr.', 'Prof.', 'Mr.', 'Mrs.', 'Ms.', 'Herr', 'Frau', 'Mme'])} {first} {last}"
    if form < 0.95:
        return f"{first} {last}".upper()
    if form < 0.98:
        return f"{first} {dice.choice(_PARTICLES)} {last}"
    return f"{first} {faker.first_name()} {last}"


def lexicon(texts: Iterable[str]) -> Lexicon:
    """First and last names from Faker's lists, and words that everyday texts write small."""
    first, last, everyday = bytearray(LEXICON_BYTES), bytearray(LEXICON_BYTES), bytearray(LEXICON_BYTES)
    for name, kind in _listed_names():
        for part in re.findall(r"[^\W\d_]{2,}", name.lower()):
            for word in {part, _plain(part)}:
                add_word(first if kind == "first" else last, word_hash(word))
    seen: dict[str, int] = {}
    for text in texts:
        for word in set(re.findall(r"(?<![\w@.])[^\W\d_]{2,}", text)):
            if word.islower():
                seen[word] = seen.get(word, 0) + 1
    for word, count in seen.items():
        if count > 2:
            add_word(everyday, word_hash(word))
    return Lexicon(bytes(first), bytes(last), bytes(everyday))


def _plain(word: str) -> str:
    """Without accents, as abroad."""
    return "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))


def _listed_names() -> Iterator[tuple[str, str]]:
    """Every name in Faker's lists, with `first` or `last`."""
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        for attribute in sorted(vars(provider)):
            kind = attribute.partition("_")[0]
            listed = getattr(provider, attribute)
            if kind in ("first", "last") and "name" in attribute and isinstance(listed, (tuple, list, set, dict)):
                for entry in sorted(map(str, listed)):
                    yield entry, kind
