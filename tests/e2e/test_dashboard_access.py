"""Who is told what under /admin: every route of the application, walked as each role, as nobody, as another site."""

import json
import re
from typing import Any

import pytest
from house import LOCAL_FIRST, House, open_house

from gateway.app import house as house_app
from gateway.control.access import Access
from gateway.core.errors import ConfigError
from gateway.dashboard.described import ANSWERS, BODIES
from gateway.stores.journal_view import FILTERS

pytestmark = pytest.mark.slow

KEY = "an-invented-admin-key-of-length"
READABLE = ["overview", "timeline", "decisions", "decisions/dec_x", "backends", "budgets", "proofs"]
KEYS = {
    "GATEWAY_ADMIN_KEY": KEY,
    "GATEWAY_OPERATOR_KEY": "an-invented-operator-key",
    "GATEWAY_VIEWER_KEY": "an-invented-viewer-key-too",
}


def admin_routes(house: House) -> list[tuple[str, str]]:
    """Every method and path under /admin that the application has, as it was put together."""
    paths = house_app(house.gateway).openapi()["paths"]
    filled = {path: path.replace("{id}", "dec_x").replace("{version}", "1") for path in paths}
    return [
        (method.upper(), filled[path])
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/admin") and path != "/admin/session"
    ]


async def asked(house: House, path: str, **headers: str) -> tuple[int, Any]:
    async with house.http.get(f"/admin/{path}", headers=headers) as answer:
        return answer.status, await answer.json()


async def heard(house: House, method: str, path: str, **headers: str) -> tuple[int, str]:
    told_as_json = {} if method == "GET" else {"content-type": "application/json"}
    body = None if method == "GET" else b"{}"
    async with house.http.request(method, path, data=body, headers={**told_as_json, **headers}) as answer:
        document = await answer.json() if "json" in answer.headers.get("content-type", "") else {}
        return answer.status, document.get("error", {}).get("code", "")


async def test_the_admin_routes_are_described_to_who_may_look_with_every_reference_resolved() -> None:
    async with open_house(LOCAL_FIRST, environment=KEYS, is_watched=True) as house:
        viewer = {"authorization": f"Bearer {KEYS['GATEWAY_VIEWER_KEY']}"}
        _, document = await asked(house, "openapi.json", **viewer)
        assert (await asked(house, "openapi.json", **viewer))[1] == document
        async with house.http.get("/openapi.json") as answer:
            assert answer.status == 404
        schemas = document["components"]["schemas"]
        referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
        assert {"Overview", "Costs", "Prompted", "Backtested"} <= referred <= set(schemas)
        assert all(described_as in document["paths"][path] for path, described_as in BODIES | ANSWERS)
        chosen = {each["name"] for each in document["paths"]["/admin/decisions"]["get"]["parameters"]}
        assert {"since", "until", "after", "limit", *FILTERS} == chosen


async def test_nobody_without_a_key_reaches_any_route_of_all() -> None:
    async with open_house(LOCAL_FIRST, environment=KEYS, is_watched=True) as house:
        routes = admin_routes(house)
        assert len(routes) >= len(READABLE) + 5
        for method, path in routes:
            assert await heard(house, method, path) == (401, "invalid_admin_key"), path
            assert await heard(house, method, path, authorization="Bearer wrong") == (401, "invalid_admin_key"), path
            with_cookie = await heard(house, method, path, cookie="gateway_admin=admin.ffffffffff.0")
            assert with_cookie == (401, "invalid_admin_key"), path


async def test_no_page_of_another_site_reaches_any_route_of_all() -> None:
    async with open_house(LOCAL_FIRST, environment=KEYS, is_watched=True) as house:
        for method, path in [*admin_routes(house), ("DELETE", "/admin/session")]:
            for foreign in ({"sec-fetch-site": "same-site"}, {"origin": "null"}, {"origin": "https://evil.example"}):
                met = await heard(house, method, path, authorization=f"Bearer {KEY}", **foreign)
                assert met == (403, "cross_site"), path
        async with house.http.post(
            "/admin/session", json={"key": KEY}, headers={"sec-fetch-site": "same-site"}
        ) as answer:
            assert answer.status == 403
            assert "set-cookie" not in answer.headers


async def test_a_viewer_looks_an_operator_tries_and_an_admin_changes() -> None:
    async with open_house(LOCAL_FIRST, environment=KEYS, is_watched=True) as house:
        asks = {
            ("GET", "/admin/overview"): (True, True, True),
            ("POST", "/admin/policy?dry_run"): (False, True, True),
            ("POST", "/admin/try"): (False, True, True),
            ("POST", "/admin/policy/backtest"): (False, True, True),
            ("POST", "/admin/policy"): (False, False, True),
            ("POST", "/admin/policy/rollback"): (False, False, True),
        }
        for (method, path), allowed in asks.items():
            for variable, may in zip(reversed(KEYS), allowed, strict=True):
                _, code = await heard(house, method, path, authorization=f"Bearer {KEYS[variable]}")
                assert (code != "role_too_low") is may, (path, variable)


async def test_a_session_has_the_role_of_its_key_and_cannot_raise_it() -> None:
    async with open_house(LOCAL_FIRST, environment=KEYS, is_watched=True) as house:
        async with house.http.post("/admin/session", json={"key": KEYS["GATEWAY_VIEWER_KEY"]}) as answer:
            cookie = answer.headers["set-cookie"].split(";")[0]
        house.http.cookie_jar.clear()
        assert (await asked(house, "session", cookie=cookie))[1] == {"role": "viewer", "is_local_only": False}
        assert (await heard(house, "POST", "/admin/policy", cookie=cookie))[1] == "role_too_low"
        raised = cookie.replace("viewer", "admin")
        assert (await asked(house, "session", cookie=raised))[0] == 401


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"GATEWAY_VIEWER_KEY": "an-invented-viewer-key-too"}, "`GATEWAY_ADMIN_KEY` is not"),
        ({**KEYS, "GATEWAY_VIEWER_KEY": KEY}, "must differ"),
        ({**KEYS, "GATEWAY_VIEWER_KEY": "short"}, "at least 16"),
    ],
)
def test_keys_that_make_no_sense_are_refused_at_the_start(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Access(keys)
