"""The weights of the tagger of names: a file of hashes and numbers without readable text, checked before it is trusted.

The file is `MAGIC`, the SHA-256 of the rest, and the rest: msgpack of `_Payload`, compressed.
"""

import hashlib
import importlib.resources
import sys
import zlib
from array import array
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from math import isfinite
from typing import TypeVar

import msgspec

from gateway.classify.hits import Hit
from gateway.classify.names import Tagger, find_names
from gateway.classify.names_features import BUCKETS, LEXICON_BYTES, Lexicon
from gateway.classify.view import View
from gateway.core.errors import ConfigError

T = TypeVar("T", int, float)

MAGIC = b"hgnames1"
_DIGEST_BYTES = 32
_MOST_BYTES = 8_000_000
_REMEDY = "fit anew with `gateway train sensitivity`, or install the gateway again"


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`people` and `places`: little-endian float32, one a bucket; `known`: little-endian uint32, sorted."""

    people_bias: float
    places_bias: float
    people: bytes
    places: bytes
    first: bytes
    last: bytes
    everyday: bytes
    known: bytes


def find_shipped_names(view: View) -> Iterator[Hit]:
    """People and addresses, by the weights that come with the package."""
    return find_names(view, shipped_tagger())


@cache
def shipped_tagger() -> Tagger:
    return load(importlib.resources.files("gateway.classify").joinpath("names.weights").read_bytes())


def load(content: bytes) -> Tagger:
    """Read a weights file. Raises `ConfigError` unless it is whole, finite, and of the sizes of this version."""
    head = len(MAGIC) + _DIGEST_BYTES
    if content[: len(MAGIC)] != MAGIC or content[len(MAGIC) : head] != hashlib.sha256(content[head:]).digest():
        raise ConfigError(f"this is no whole weights file of the names; {_REMEDY}")
    try:
        plain = zlib.decompressobj().decompress(content[head:], _MOST_BYTES)
        read = msgspec.msgpack.decode(plain, type=_Payload)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ConfigError(f"the weights file of the names cannot be read: {error}; {_REMEDY}") from error
    sizes = {len(read.first), len(read.last), len(read.everyday)}
    if sizes != {LEXICON_BYTES} or len(read.people) != 4 * BUCKETS or len(read.places) != 4 * BUCKETS:
        raise ConfigError(f"the weights file of the names is of another version; {_REMEDY}")
    people, places = _floats(read.people), _floats(read.places)
    if not all(map(isfinite, (*people, *places, read.people_bias, read.places_bias))):
        raise ConfigError(f"the weights file of the names holds a weight that is no finite number; {_REMEDY}")
    known = array("I")
    known.frombytes(read.known)
    lexicon = Lexicon(read.first, read.last, read.everyday)
    return Tagger(lexicon, people, places, read.people_bias, read.places_bias, frozenset(_ordered(known)))


def dump(
    lexicon: Lexicon,
    people: Sequence[float],
    places: Sequence[float],
    biases: tuple[float, float],
    known: Collection[int],
) -> bytes:
    """The file that `load` reads. The same weights give the same bytes."""
    payload = _Payload(
        people_bias=biases[0],
        places_bias=biases[1],
        people=_ordered(array("f", people)).tobytes(),
        places=_ordered(array("f", places)).tobytes(),
        first=lexicon.first,
        last=lexicon.last,
        everyday=lexicon.everyday,
        known=_ordered(array("I", sorted(known))).tobytes(),
    )
    packed = zlib.compress(msgspec.msgpack.encode(payload), 9)
    return MAGIC + hashlib.sha256(packed).digest() + packed


def _floats(content: bytes) -> Sequence[float]:
    table = array("f")
    table.frombytes(content)
    return memoryview(_ordered(table).tobytes()).cast("f")


def _ordered(table: "array[T]") -> "array[T]":
    if sys.byteorder == "big":
        table.byteswap()
    return table
