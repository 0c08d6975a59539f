"""The admin routes as OpenAPI: what FastAPI sees of them, and the shapes that msgspec reads and writes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.control.admin import Posted
from gateway.control.admitting import Key
from gateway.dashboard.costs import Costs
from gateway.dashboard.overview import Overview
from gateway.dashboard.trying import Backtested, Prompted, Tested, Under
from gateway.stores.journal_view import FILTERS

BODIES: Mapping[tuple[str, str], type] = {
    ("/admin/session", "post"): Key,
    ("/admin/policy", "post"): Posted,
    ("/admin/policy/rollback", "post"): Posted,
    ("/admin/policy/test", "post"): Tested,
    ("/admin/policy/backtest", "post"): Backtested,
    ("/admin/try", "post"): Prompted,
    ("/admin/decisions/{id}/again", "post"): Under,
}
ANSWERS: Mapping[tuple[str, str], type] = {
    ("/admin/overview", "get"): Overview,
    ("/admin/costs", "get"): Costs,
}
_REFERENCE = "#/components/schemas/{name}"


def described(openapi: dict[str, Any]) -> dict[str, Any]:
    """The same document with them added; routes that this gateway does not have are left out."""
    paths = openapi["paths"]
    types = [*BODIES.values(), *ANSWERS.values()]
    shapes, components = msgspec.json.schema_components(types, schema_hook=_anything, ref_template=_REFERENCE)
    known = dict(zip(types, shapes, strict=True))
    openapi.setdefault("components", {}).setdefault("schemas", {}).update(components)
    for (path, method), shape in BODIES.items():
        if method in paths.get(path, {}):
            paths[path][method]["requestBody"] = {"content": {"application/json": {"schema": known[shape]}}}
    for (path, method), shape in ANSWERS.items():
        if method in paths.get(path, {}):
            paths[path][method]["responses"]["200"]["content"] = {"application/json": {"schema": known[shape]}}
    chosen = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in FILTERS]
    parameters = paths["/admin/decisions"]["get"]["parameters"]
    parameters += [each for each in chosen if each not in parameters]
    return openapi


def _anything(_: type) -> dict[str, Any]:
    """That of a request's own fields."""
    return {"description": "a value of any shape"}
