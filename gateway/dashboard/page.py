"""The page itself: files built into the wheel, served with a policy that lets them ask nobody but this gateway."""

import mimetypes
from pathlib import Path

from fastapi import APIRouter, Response

from gateway.core.errors import GatewayError

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
_NOT_BUILT = """<!doctype html><html lang="en"><title>Dashboard</title><h1>The dashboard has not been built</h1>
<p>The gateway works without it. To build it, install the package where the npm registry can be reached:
<code>pip install --no-deps -e .</code> in the checkout, or any wheel of a release. What it shows is at
<code>/admin/overview</code> too.</p></html>"""


def router(static: Path = STATIC) -> APIRouter:
    """Every path below `/dashboard` that is no file is a view of the page, whose address the page reads."""
    routes = APIRouter()

    @routes.get("/dashboard", include_in_schema=False)
    @routes.get("/dashboard/{path:path}", include_in_schema=False)
    def page(path: str = "") -> Response:
        index = static / "index.html"
        if path.startswith("assets/"):
            return _asset(static, path)
        if not index.is_file():
            return Response(_NOT_BUILT, 503, _HEADERS, "text/html; charset=utf-8")
        return Response(index.read_bytes(), 200, {**_HEADERS, "cache-control": "no-cache"}, "text/html; charset=utf-8")

    return routes


def _asset(static: Path, path: str) -> Response:
    """Named by their content, so they may be kept for ever."""
    file = static / path
    if not file.is_file() or file.resolve().parent != (static / "assets").resolve():
        raise GatewayError(404, "unknown_url", "the dashboard has no such file")
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Response(file.read_bytes(), 200, {**_HEADERS, "cache-control": "public, max-age=31536000, immutable"}, kind)
