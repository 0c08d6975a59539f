"""The weights file: what is written is what is read, and nothing else is accepted."""

import hashlib
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify import features
from gateway.classify.weights import MAGIC, dump, load, shipped_weights
from gateway.core.errors import ConfigError

NONE = [0.0] * len(features.COUNTERS)
FILE = dump([bucket / 65536 for bucket in range(features.BUCKETS)], [0.5] * len(features.COUNTERS), -1.0, NONE)
WHOLE = {
    "signature": features.SIGNATURE,
    "bias": 0.0,
    "counters": NONE,
    "typical": NONE,
    "buckets": bytes(4 * features.BUCKETS),
}


def sealed(**changes: object) -> bytes:
    payload = msgspec.msgpack.encode(WHOLE | changes)
    return MAGIC + hashlib.sha256(payload).digest() + payload


def test_what_was_written_is_read_back():
    weights = load(FILE)
    assert weights.buckets[32768] == 0.5
    assert (weights.counters[0], weights.bias) == (0.5, -1.0)
    assert dump(weights.buckets, weights.counters, weights.bias, weights.typical) == FILE


def test_the_digest_names_the_weights():
    assert load(FILE).digest == load(bytes(FILE)).digest != shipped_weights().digest


@given(st.integers(0, len(FILE) - 1))
def test_a_file_that_was_cut_off_is_refused(length):
    with pytest.raises(ConfigError, match="weights file"):
        load(FILE[:length])


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_file_with_one_byte_changed_is_refused(place, change):
    garbled = bytearray(FILE)
    garbled[place] ^= change
    with pytest.raises(ConfigError, match="weights file"):
        load(bytes(garbled))


@given(st.binary(max_size=200))
def test_no_bytes_that_are_no_weights_file_are_read(data):
    with pytest.raises(ConfigError):
        load(MAGIC + hashlib.sha256(data).digest() + data)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"signature": features.SIGNATURE ^ 1}, "features of another version"),
        ({"buckets": bytes(8)}, "wrong number"),
        ({"counters": [0.0]}, "wrong number"),
        ({"bias": math.nan}, "no finite number"),
        ({"counters": [math.inf] * len(features.COUNTERS)}, "no finite number"),
        ({"buckets": b"\xff" * 4 * features.BUCKETS}, "no finite number"),
        ({"calibration": {"rows": 9, "fitted_on": "2026-11-25", "slope": math.inf}}, "no ascending curve"),
        ({"calibration": {"rows": 9, "fitted_on": "2026-11-25", "knots": [[1, 0.5], [0, 0.9]]}}, "no ascending curve"),
        ({"bias": "none"}, "cannot be read"),
        ({"more": 1}, "cannot be read"),
    ],
)
def test_a_sealed_file_with_the_wrong_content_is_refused_with_a_remedy(change, complaint):
    with pytest.raises(ConfigError, match=f"{complaint}.*gateway train fit"):
        load(sealed(**change))


def test_the_shipped_file_is_small():
    weights = shipped_weights()
    assert len(dump(weights.buckets, weights.counters, weights.bias, weights.typical)) <= 300_000
