"""nginx with the lines of the example: TLS, events as they come, and a gateway that is gone is passed by."""

import asyncio
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.app import Gateway, asgi
from gateway.config import Settings
from gateway.policy.load import load
from gateway.simulators.server import serve
from gateway.simulators.tgi import TgiSettings, tgi_app

EXAMPLE = Path(__file__).parents[2] / "deploy" / "nginx" / "hybrid-gateway.conf"
POLICY = b"""\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: behind-nginx, version: 1}
zones: {on_prem: {clearance: restricted}}
backends: {local: {zone: on_prem, kind: tgi, urls: ["${TGI_URL}"], model: llama}}
otherwise: {route: [local]}
"""
TOKEN_MS = 40

pytestmark = pytest.mark.slow


def program() -> str:
    """Where nginx is. Without it these tests are skipped, and fail in CI."""
    found = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if found is None:
        reason = "there is no nginx here: install Debian's `nginx-light`, or run `make setup` as root"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def configured(folder: Path, port: int, gateway: str, gone: int) -> Path:
    """The example with a certificate and addresses of the test's; nothing else is changed."""
    certificate = Path(__file__).parents[1] / "backends" / "localhost.pem"
    said = EXAMPLE.read_text()
    for before, after in (
        ("127.0.0.1:8001", f"127.0.0.1:{gone}"),
        ("127.0.0.1:8002", gateway),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("/etc/nginx/tls/fullchain.pem", str(certificate)),
        ("/etc/nginx/tls/privkey.pem", str(certificate)),
    ):
        assert before in said
        said = said.replace(before, after)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    whole = folder / "nginx.conf"
    whole.write_text(
        f"pid {folder}/pid;\nerror_log {folder}/errors;\nuser root;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{said}\n}}\n"
    )
    return whole


@contextlib.asynccontextmanager
async def in_front(folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of nginx, before one gateway that runs and one that is gone."""
    async with contextlib.AsyncExitStack() as stack:
        tgi = await stack.enter_async_context(serve(tgi_app(TgiSettings(token_ms=TOKEN_MS))))
        settings = Settings.read({}, {"journal": folder / "journal.sqlite", "log": "none"})
        gateway = Gateway(load(POLICY, "policy.yaml", {"TGI_URL": tgi.url}), settings)
        running = await stack.enter_async_context(serve(asgi(gateway)))
        port = free_port()
        file = configured(folder, port, running.url.removeprefix("http://"), free_port())
        nginx = await asyncio.create_subprocess_exec(program(), "-c", str(file), "-g", "daemon off;")
        try:
            tls = ssl.create_default_context()
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
            connector = aiohttp.TCPConnector(ssl=tls)
            url = f"https://127.0.0.1:{port}"
            http = await stack.enter_async_context(aiohttp.ClientSession(url, connector=connector))
            async with asyncio.timeout(10):
                while not await answers(http):
                    await asyncio.sleep(0.02)
            yield http
        finally:
            nginx.terminate()
            await nginx.wait()


async def answers(http: aiohttp.ClientSession) -> bool:
    try:
        async with http.get("/health") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_events_come_one_by_one_and_whole_through_tls(tmp_path: Path) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Count"}], "max_tokens": 10, "stream": True}
    loop = asyncio.get_running_loop()
    async with in_front(tmp_path) as http, http.post("/v1/chat/completions", json=body) as answer:
        pieces = [(loop.time(), piece) async for piece in answer.content.iter_any()]
    assert b"".join(piece for _, piece in pieces).endswith(b"data: [DONE]\n\n")
    assert pieces[-1][0] - pieces[0][0] > 3 * TOKEN_MS / 1000


async def test_a_gateway_that_is_gone_is_passed_by_and_the_operators_side_is_shut(tmp_path: Path) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Say hello"}], "max_tokens": 2}
    async with in_front(tmp_path) as http:
        statuses = []
        for _ in range(6):
            async with http.post("/v1/chat/completions", json=body) as answer:
                statuses.append(answer.status)
        for path in ("/admin/policy", "/metrics"):
            async with http.get(path) as answer:
                statuses.append(answer.status)
    assert statuses == [200] * 6 + [404] * 2


def test_the_example_is_what_nginx_understands(tmp_path: Path) -> None:
    file = configured(tmp_path, free_port(), "127.0.0.1:9", 9)
    ran = subprocess.run([program(), "-t", "-c", str(file)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
