"""What stands for masked values in one request: made by `classify/masking`, undone by `wire/restore`."""

import msgspec

MOST = 99_999
_LONGEST_LABEL = 8


class Placeholders(msgspec.Struct, frozen=True):
    """Number `n` is written `[LABEL_Xn]` and stands for `values[n - 1]`; X is a letter that makes it unlike the text.

    Lives as long as its request. INVARIANT: no value is in its repr, and none ever reaches a record, log or error.
    """

    letter: str
    labels: tuple[str, ...]
    values: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Placeholders(<{len(self.values)}>)"

    def value(self, label: str, number: int) -> str | None:
        """None: never given out."""
        if not 0 < number <= len(self.values) or self.labels[number - 1] != label:
            return None
        return self.values[number - 1]


def label_of(kind: str) -> str:
    """A kind of finding as placeholders name it: short, and nothing that a tokeniser or Markdown takes apart."""
    return kind.replace("_", "").upper()[:_LONGEST_LABEL]


def written(label: str, letter: str, number: int) -> str:
    return f"[{label}_{letter}{number}]"
