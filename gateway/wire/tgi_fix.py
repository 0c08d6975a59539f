"""What a fix-up of one request field may say: another value, the same one, no field at all, or that TGI cannot."""

from collections.abc import Callable
from typing import Any

from gateway.core.errors import AttemptFailed, FailureKind

Fix = Callable[[Any], Any]
"""A field's value as TGI takes it: the very same object where nothing has to change, `splice.ABSENT` for no field."""


def unable(what: str) -> AttemptFailed:
    """TGI cannot express the request; another backend may. `what` is a field's name, never what it holds."""
    return AttemptFailed(FailureKind.UNABLE, f"TGI cannot do {what}", is_retryable=False)


def fixed_items(value: list[Any], fix: Fix) -> list[Any]:
    """Every item fixed; the very same list where none had to be."""
    items = [fix(item) for item in value]
    return value if all(new is old for new, old in zip(items, value, strict=True)) else items
