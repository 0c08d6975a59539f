"""Access as FastAPI asks for it: who may use an admin route, and how a browser signs in."""

import time
from collections.abc import Callable

import msgspec
from fastapi import APIRouter, Request, Response

from gateway.control.access import SIGNED_OUT, Access, Asked, Role, check_site
from gateway.core.errors import GatewayError

_MOST_BYTES = 4_096


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str = ""


def admitting(access: Access, least: Role) -> Callable[[Request], None]:
    """Raises GatewayError for whoever may not."""

    def admitted(request: Request) -> None:
        access.check(asked(request), least)

    return admitted


def asked(request: Request) -> Asked:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Asked(request.client.host if request.client else "", request.method, headers, time.time())


def sessions(access: Access) -> APIRouter:
    """A browser's way in and out. The key is sent once, and kept in no cookie."""
    routes = APIRouter(prefix="/admin/session")

    @routes.get("", summary="Who is asking, and what they may do")
    def who(request: Request) -> dict[str, object]:
        role = access.check(asked(request), Role.VIEWER)
        return {"role": role.label, "is_local_only": access.is_local_only}

    @routes.post("", summary="Sign in with the key of a role")
    async def sign_in(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BYTES:
                raise GatewayError(413, "too_large", "send the key alone")
        try:
            posted = msgspec.json.decode(bytes(body) or b"{}", type=Key)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise GatewayError(400, "invalid_body", 'send `{"key": "..."}`') from None
        cookie = access.sign_in(asked(request), posted.key, time.time())
        return Response(status_code=204, headers={"set-cookie": cookie, "cache-control": "no-store"})

    @routes.delete("", summary="Sign out")
    async def sign_out(request: Request) -> Response:
        check_site(asked(request))
        return Response(status_code=204, headers={"set-cookie": SIGNED_OUT})

    return routes
