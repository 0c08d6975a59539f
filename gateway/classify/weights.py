"""The weights of the complexity model: a small file without any readable text, checked before it is trusted.

The file is `MAGIC`, the SHA-256 of the rest, and the rest: msgpack of `_Payload`. Its digest goes into records, so that
a decision can be traced to the weights it was made with.
"""

import hashlib
import importlib.resources
import sys
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import exp, isfinite, log
from pathlib import Path

import msgspec

from gateway.classify import features
from gateway.core.errors import ConfigError

MAGIC = b"hgcmplx1"
DIGEST_SHOWN = 16
"""Characters of a digest in records and reports."""
_DIGEST_BYTES = 32
_FARTHEST = 700.0  # exp overflows a little further out
_LEAST = 1e-9
_REMEDY = "fit anew with `gateway train fit`, or leave the file out to use the shipped weights"


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What turns a score into the probability that the weak model fails, learned from `rows` local outcomes.

    Platt's line over the score's log-odds; or, where there are `knots`, the isotonic curve through them (log-odds and
    probability, ascending).
    """

    rows: int
    fitted_on: str  # ISO date
    slope: float = 0.0
    offset: float = 0.0
    knots: tuple[tuple[float, float], ...] = ()

    def probability(self, score: float) -> float:
        odds = log_odds(score)
        if not self.knots:
            return 1.0 / (1.0 + exp(-max(self.slope * odds + self.offset, -_FARTHEST)))
        after = bisect_right(self.knots, odds, key=lambda knot: knot[0])
        if after in (0, len(self.knots)):
            return self.knots[max(after - 1, 0)][1]
        (left, low), (right, high) = self.knots[after - 1 : after + 1]
        return low + (high - low) * (odds - left) / (right - left)


def log_odds(score: float) -> float:
    """Of a score in 0..1, with both ends held off infinity."""
    held = min(max(score, _LEAST), 1 - _LEAST)
    return log(held / (1 - held))


class Weights(msgspec.Struct, frozen=True):
    """A linear model: `bias` + the mean-like sum of `buckets` + `counters`, in log-odds.

    `buckets` has one weight for each of `features.BUCKETS`, `counters` one for each of `features.COUNTERS`, `typical`
    the mean counters of the prompts it was fitted on. No `calibration`: fitted on nobody's own outcomes.
    """

    buckets: Sequence[float]
    counters: Sequence[float]
    bias: float
    digest: str
    typical: Sequence[float]
    calibration: Calibration | None = None

    def probability(self, score: float) -> float | None:
        """That the weak model fails; None where no outcomes of one's own say what a score means."""
        return None if self.calibration is None else self.calibration.probability(score)

    def __repr__(self) -> str:
        return f"Weights(digest={self.digest!r})"


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`buckets`: little-endian float32. `signature`: of the features that the weights were fitted for."""

    signature: int
    bias: float
    counters: tuple[float, ...]
    typical: tuple[float, ...]
    buckets: bytes
    calibration: Calibration | None = None


def shipped_weights() -> Weights:
    """The weights that come with the package."""
    return load(importlib.resources.files("gateway.classify").joinpath("complexity.weights").read_bytes())


def read(path: Path) -> Weights:
    """The weights of a file. Raises `ConfigError` with its path where it is missing or `load` refuses it."""
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"the weights file `{path}` cannot be read: {error.strerror}; {_REMEDY}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


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
        model = msgspec.msgpack.decode(payload, type=_Payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"the weights file cannot be read: {error}; {_REMEDY}") from error
    return _checked(model, digest.hexdigest())


def dump(
    buckets: Sequence[float],
    counters: Sequence[float],
    bias: float,
    typical: Sequence[float],
    calibration: Calibration | None = None,
) -> bytes:
    """The file that `load` reads. The same weights give the same bytes."""
    table = _little_endian(array("f", buckets))
    model = _Payload(features.SIGNATURE, bias, tuple(counters), tuple(typical), table.tobytes(), calibration)
    payload = msgspec.msgpack.encode(model)
    return MAGIC + hashlib.sha256(payload).digest() + payload


def _checked(payload: _Payload, digest: str) -> Weights:
    if payload.signature != features.SIGNATURE:
        raise ConfigError(f"the weights file was fitted for the features of another version; {_REMEDY}")
    table = array("f")
    sizes = {len(payload.counters), len(payload.typical)}
    if len(payload.buckets) != features.BUCKETS * table.itemsize or sizes != {len(features.COUNTERS)}:
        raise ConfigError(f"the weights file has the wrong number of weights; {_REMEDY}")
    table.frombytes(payload.buckets)
    buckets = memoryview(_little_endian(table).tobytes()).cast("f")  # half the cache misses of a tuple of floats
    if not all(map(isfinite, (*buckets, *payload.counters, *payload.typical, payload.bias))):
        raise ConfigError(f"the weights file holds a weight that is no finite number; {_REMEDY}")
    _check(payload.calibration)
    return Weights(buckets, payload.counters, payload.bias, digest, payload.typical, payload.calibration)


def _check(calibration: Calibration | None) -> None:
    if calibration is None:
        return
    knots = calibration.knots
    ascending = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(knots))
    numbers = (calibration.slope, calibration.offset, *(number for knot in knots for number in knot))
    if not (ascending and all(map(isfinite, numbers)) and all(0 <= knot[1] <= 1 for knot in knots)):
        raise ConfigError(f"the calibration in the weights file is no ascending curve of probabilities; {_REMEDY}")


def _little_endian(table: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        table.byteswap()
    return table
