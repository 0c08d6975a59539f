"""How the dashboard's routes answer: JSON that nobody keeps, and what cannot be read now as the error it is."""

from collections.abc import Awaitable
from typing import TypeVar

import msgspec
from fastapi import Response

from gateway.core.errors import GatewayError, JournalUnavailable, LedgerUnavailable

T = TypeVar("T")
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


async def kept(answer: Awaitable[T]) -> T:
    """Raises GatewayError 503 for a journal or a ledger that cannot be reached."""
    try:
        return await answer
    except JournalUnavailable as trouble:
        raise GatewayError(503, "journal_unavailable", str(trouble), type="server_error") from None
    except LedgerUnavailable as trouble:
        raise GatewayError(503, "ledger_unavailable", str(trouble), type="server_error") from None


def as_json(answer: object) -> Response:
    return encoded(msgspec.json.encode(answer))


def encoded(answer: bytes) -> Response:
    """JSON that was made in a thread. Names in it may be anybody's, so no browser may take it for a page."""
    return Response(answer, media_type="application/json", headers=_HEADERS)
