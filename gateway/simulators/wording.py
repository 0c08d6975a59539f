"""A model without a model: text made from a seed, and a tokenizer everyone can recount."""

import functools
import random
import re
import zlib

_TOKEN = re.compile(r"<\|[a-z_]+\|>| ?[^\s<]{1,4}|\s|<")

_OPENINGS = ("Most", "Many", "Some", "Good", "Quiet", "Careful", "Early", "Small", "Honest", "Patient")
_NOUNS = ("gardens", "bridges", "letters", "kettles", "harbours", "lanterns", "orchards", "maps", "clocks", "violins")
_VERBS = ("reward", "outlast", "remember", "gather", "soften", "follow", "explain", "improve", "measure", "welcome")
_OBJECTS = ("slow afternoons", "plain answers", "long winters", "new neighbours", "old habits", "steady hands")
_LINKS = ("because", "while", "although", "wherever", "until", "so that")


def tokens(text: str) -> list[str]:
    """Pieces of at most four characters, a leading space extra; joined they are the text. A `<|mark|>` is one."""
    return _TOKEN.findall(text)


def seed_of(*parts: str) -> int:
    """The seed of a request: equal prompts speak equally."""
    return zlib.crc32("\x00".join(parts).encode("utf-8", "replace"))


@functools.lru_cache(maxsize=4096)
def wording(seed: int, shortest: int, longest: int) -> tuple[str, ...]:
    """Sentences of `shortest` to `longest` tokens, as tokens."""
    dice = random.Random(seed)
    wanted = dice.randint(shortest, longest)
    made: list[str] = []
    while len(made) < wanted:
        made += tokens((" " if made else "") + _sentence(dice))
    return tuple(made[:wanted])


def token_id(token: str) -> int:
    """A stable number below the size of a vocabulary."""
    return zlib.crc32(token.encode("utf-8", "replace")) % 128_000


def logprob(token: str, rank: int = 0) -> float:
    """A stable log probability; lower ranks are less likely."""
    return -((token_id(token) % 100) + 1) / 128 - rank


def rivals(token: str, count: int) -> list[tuple[str, float]]:
    """The `count` most likely tokens in a place, the chosen one first, with their log probabilities."""
    return [
        (token if rank == 0 else f" {_LINKS[rank % len(_LINKS)][:4]}", logprob(token, rank)) for rank in range(count)
    ]


def _sentence(dice: random.Random) -> str:
    clause = f"{dice.choice(_OPENINGS)} {dice.choice(_NOUNS)} {dice.choice(_VERBS)} {dice.choice(_OBJECTS)}"
    if dice.random() < 0.5:
        return clause + "."
    return f"{clause} {dice.choice(_LINKS)} {dice.choice(_NOUNS)} {dice.choice(_VERBS)} {dice.choice(_OBJECTS)}."
