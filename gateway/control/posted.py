"""The body of an admin request: JSON of known shape and bounded size, or a clear refusal."""

from typing import TypeVar

import msgspec
from fastapi import Request

from gateway.core.errors import GatewayError

MAX_BODY_BYTES = 4 * 1024 * 1024
Shape = TypeVar("Shape", bound=msgspec.Struct)


async def posted(request: Request, shape: type[Shape]) -> Shape:
    """Raises GatewayError: 400 where it is not of the shape, 413 where it is too large. Says nothing of its content."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise GatewayError(413, "too_large", f"a policy of more than {MAX_BODY_BYTES} bytes is refused")
    try:
        return msgspec.json.decode(bytes(body) or b"{}", type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        reason = str(error).lower() if isinstance(error, msgspec.ValidationError) else "it is no JSON object"
        raise GatewayError(400, "invalid_body", f"the body cannot be read: {reason}") from None
