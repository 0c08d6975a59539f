"""The admin routes: what is served, what was, and how to change it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from gateway.control.access import Access, Role
from gateway.control.admitting import admitting, asked
from gateway.control.posted import posted
from gateway.control.rewrite import Judged, Rewrite, Wish
from gateway.core.errors import GatewayError, JournalUnavailable
from gateway.policy.changes import Changes
from gateway.stores.policy_history import Version

MOST_VERSIONS = 1_000
_LONGEST = 500


Workers = Callable[[], Awaitable[list[dict[str, object]]]]


class Posted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a change; `text` is a policy file's, and not given to roll back."""

    text: str = ""
    author: str = ""
    note: str = ""
    replaces: str = ""


def router(rewrite: Rewrite, access: Access, workers: Workers) -> APIRouter:
    """`workers` tells what each worker of this address serves."""

    routes = APIRouter(prefix="/admin/policy", dependencies=[Depends(admitting(access, Role.VIEWER))])
    changing = [Depends(admitting(access, Role.ADMIN))]

    @routes.get("", summary="The policy that is served, as it was written")
    async def served() -> Response:
        latest = await _asked(rewrite.history.newest, 1)
        written = _row(latest[0]) | {"text": _text(latest[0])} if latest else {}
        return _json(written | {"workers": await workers()})

    @routes.post("", summary="Serve another; `?dry_run` only says what would be")
    async def change(request: Request) -> Response:
        access.check(asked(request), Role.OPERATOR if _is_dry(request) else Role.ADMIN)
        wished = await _wished(request)
        if not wished.text.strip():
            raise GatewayError(400, "no_policy", "`text` must hold the text of a policy file")
        if _is_dry(request):
            return _json({"outcome": "fit", **_said(await rewrite.judge(wished.text.encode()))})
        wish = Wish(wished.text.encode(), wished.author, wished.note, wished.replaces)
        return _json({"outcome": "served", **_said(await _kept(rewrite.serve(wish))), "workers": await workers()})

    @routes.post("/rollback", dependencies=changing, summary="Serve what was served before this one")
    async def roll_back(request: Request) -> Response:
        wished = await _wished(request)
        if wished.text:
            raise GatewayError(400, "no_text_wanted", "a rollback takes no `text`; send it to POST /admin/policy")
        judged = await _kept(rewrite.roll_back(wished.author, wished.note, wished.replaces))
        return _json({"outcome": "served", **_said(judged), "workers": await workers()})

    @routes.get("/history", summary="What was served, the newest first")
    async def history(limit: int = 20) -> Response:
        versions = await _asked(rewrite.history.newest, max(1, min(limit, MOST_VERSIONS)))
        return _json({"versions": [_row(each) for each in versions]})

    @routes.get("/history/{version}", summary="One of them, and what it changed")
    async def one(version: int) -> Response:
        found = await _asked(rewrite.history.find, version)
        if found is None:
            raise GatewayError(
                404, "no_such_version", f"there is no version `{version}`; see GET /admin/policy/history"
            )
        before, told, changed = await _asked(rewrite.changed_by, found)
        difference = {"to": None if before is None else before.version, "text": told}
        return _json(_row(found) | {"text": _text(found), "difference": difference | {"meaning": _meaning(changed)}})

    return routes


async def _wished(request: Request) -> Posted:
    found = await posted(request, Posted)
    for name in ("author", "note"):
        value: str = getattr(found, name)
        if len(value) > _LONGEST or not value.isprintable():
            raise GatewayError(400, "invalid_body", f"`{name}` must be one line of at most {_LONGEST} characters")
    return found


async def _asked(blocking: Any, *arguments: object) -> Any:
    return await _kept(asyncio.to_thread(blocking, *arguments))


async def _kept(answer: Any) -> Any:
    try:
        return await answer
    except JournalUnavailable as trouble:
        raise GatewayError(503, "history_unavailable", str(trouble), type="server_error") from None


def _is_dry(request: Request) -> bool:
    return request.query_params.get("dry_run", "false").lower() not in ("false", "0", "no")


def _said(judged: Judged) -> dict[str, object]:
    policy = judged.policy
    return {
        "policy": {"name": policy.name, "version": policy.version, "owner": policy.owner, "digest": policy.digest},
        "proved": judged.proved,
        "changes": _meaning(judged.changes),
    }


def _meaning(changed: Changes | None) -> dict[str, object] | None:
    return None if changed is None else {"said": changed.said, "routed": changed.routed}


def _row(version: Version) -> dict[str, object]:
    return {
        "version": version.version,
        "at": version.at,
        "author": version.author,
        "source": version.source,
        "digest": version.digest,
        "note": version.note,
        "restores": version.restores,
    }


def _text(version: Version) -> str:
    return version.text.decode(errors="replace")


def _json(answer: dict[str, object]) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(msgspec.json.encode(answer), media_type="application/json", headers=headers)
