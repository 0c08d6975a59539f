"""Remembers what was found in a text, so that a conversation costs only its new messages."""

from collections import OrderedDict
from hashlib import blake2b

from gateway.classify.sensitivity import Scan

_DEFAULT_ENTRIES = 20_000  # about 4 MB: a key of 16 bytes, and mostly the same empty Scan


class Memo:
    """A bounded map from a keyed hash of a text to its Scan; the longest unused entry goes first.

    Owned by one Classifier and used from one thread. It holds no text, and without the key nobody can ask it whether a
    text was seen.
    """

    def __init__(self, key: bytes, entries: int = _DEFAULT_ENTRIES) -> None:
        self._key = key[:64]
        self._entries = entries
        self._scans: OrderedDict[bytes, Scan] = OrderedDict()

    def key_of(self, text: str) -> bytes:
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=self._key).digest()

    def get(self, key: bytes) -> Scan | None:
        scan = self._scans.get(key)
        if scan is not None:
            self._scans.move_to_end(key)
        return scan

    def put(self, key: bytes, scan: Scan) -> None:
        self._scans[key] = scan
        if len(self._scans) > self._entries:
            self._scans.popitem(last=False)

    def __len__(self) -> int:
        return len(self._scans)
