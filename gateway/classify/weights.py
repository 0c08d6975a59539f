"""The weights of the complexity model: a small file without any readable text, checked before it is trusted.

The file is `MAGIC`, the SHA-256 of the rest, and the rest: msgpack of `_Payload`. Its digest goes into records, so that
a decision can be traced to the weights it was made with.
"""

import hashlib
import importlib.resources
import sys
from array import array
from collections.abc import Sequence
from math import isfinite

import msgspec

from gateway.classify import features
from gateway.core.errors import ConfigError

MAGIC = b"hgcmplx1"
_DIGEST_BYTES = 32
_REMEDY = "fit anew with `gateway train fit`, or leave the file out to use the shipped weights"


class Weights(msgspec.Struct, frozen=True):
    """A linear model: `bias` + the mean-like sum of `buckets` + `counters`, in log-odds.

    `buckets` has one weight for each of `features.BUCKETS`, `counters` one for each of `features.COUNTERS`.
    """

    buckets: Sequence[float]
    counters: Sequence[float]
    bias: float
    digest: str

    def __repr__(self) -> str:
        return f"Weights(digest={self.digest!r})"


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`buckets`: little-endian float32. `signature`: of the features that the weights were fitted for."""

    signature: int
    bias: float
    counters: tuple[float, ...]
    buckets: bytes


def shipped_weights() -> Weights:
    """The weights that come with the package."""
    return load(importlib.resources.files("gateway.classify").joinpath("complexity.weights").read_bytes())


def load(data: bytes) -> Weights:
    """Read a weights file. Raises `ConfigError` unless it is whole, finite, and made for these very features."""
    head = len(MAGIC) + _DIGEST_BYTES
    if data[: len(MAGIC)] != MAGIC:
        raise ConfigError(f"this is no weights file of the complexity model; {_REMEDY}")
    payload = data[head:]
    digest = hashlib.sha256(payload)
    if data[len(MAGIC) : head] != digest.digest():
        raise ConfigError(f"the weights file is cut off or damaged: its checksum does not match; {_REMEDY}")
    try:
        read = msgspec.msgpack.decode(payload, type=_Payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"the weights file cannot be read: {error}; {_REMEDY}") from error
    return _checked(read, digest.hexdigest())


def dump(buckets: Sequence[float], counters: Sequence[float], bias: float) -> bytes:
    """The file that `load` reads. The same weights give the same bytes."""
    table = _little_endian(array("f", buckets))
    payload = msgspec.msgpack.encode(_Payload(features.SIGNATURE, bias, tuple(counters), table.tobytes()))
    return MAGIC + hashlib.sha256(payload).digest() + payload


def _checked(payload: _Payload, digest: str) -> Weights:
    if payload.signature != features.SIGNATURE:
        raise ConfigError(f"the weights file was fitted for the features of another version; {_REMEDY}")
    table = array("f")
    if len(payload.buckets) != features.BUCKETS * table.itemsize or len(payload.counters) != len(features.COUNTERS):
        raise ConfigError(f"the weights file has the wrong number of weights; {_REMEDY}")
    table.frombytes(payload.buckets)
    buckets = memoryview(_little_endian(table).tobytes()).cast("f")  # half the cache misses of a tuple of floats
    if not all(map(isfinite, (*buckets, *payload.counters, payload.bias))):
        raise ConfigError(f"the weights file holds a weight that is no finite number; {_REMEDY}")
    return Weights(buckets, payload.counters, payload.bias, digest)


def _little_endian(table: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        table.byteswap()
    return table
