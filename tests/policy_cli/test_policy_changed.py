"""A running gateway's policy from the shell: applied, listed, rolled back; and who cannot be asked is told so."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app import Gateway, asgi
from gateway.config import Settings
from gateway.control.origin import Origin
from gateway.simulators.server import serve

POLICY = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: house, version: 1}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal}
backends:
  local: {zone: on_prem, kind: tgi, urls: ["http://127.0.0.1:9"], model: llama}
  frontier: {zone: openai, kind: openai, urls: ["http://127.0.0.1:9"], model: gpt-5.5, api_key: "${OPENAI_API_KEY:-}"}
otherwise: {route: [local, frontier]}
"""
OTHER = POLICY.replace("[local, frontier]", "[frontier, local]")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[str]:
    """The address of a gateway that serves POLICY from a file, in a thread of its own."""
    (tmp_path / "served.yaml").write_text(POLICY)
    addresses: list[str] = []
    up, over = threading.Event(), threading.Event()

    async def run() -> None:
        origin = Origin(tmp_path / "served.yaml", {})
        gateway = Gateway(origin.read().policy, Settings(journal=tmp_path / "journal.sqlite", log="none"), origin)
        async with serve(asgi(gateway)) as served:
            assert gateway.control
            await gateway.control.reload.now()
            addresses.append(served.url)
            up.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert up.wait(10)
    yield addresses[0]
    over.set()
    thread.join()


def test_a_policy_is_applied_listed_and_rolled_back(running: str, shown, tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(OTHER)
    there = ("--gateway", running)
    code, out, _ = shown("apply", str(new), "--dry-run", *there)
    assert (code, (tmp_path / "served.yaml").read_text()) == (0, POLICY)
    assert "can be served" in out
    code, out, _ = shown("apply", str(new), "--author", "ada", "--note", "for the quality", *there)
    assert (code, (tmp_path / "served.yaml").read_text()) == (0, OTHER)
    assert "is served from now on\nproved: no request goes to a zone" in out
    assert "changed: `local`, `frontier` by `otherwise` ⇒ `frontier`, `local` by `otherwise`" in out
    code, out, _ = shown("rollback", "--author", "eve", *there)
    assert (code, (tmp_path / "served.yaml").read_text()) == (0, POLICY)
    code, out, _ = shown("history", *there)
    assert [line.split()[0] for line in out.splitlines()] == ["3", "2", "1"]
    assert [word in out for word in ("rollback  eve", "api       ada", "for the quality")] == [True] * 3
    code, out, _ = shown("history", "2", *there)
    assert (code, "+otherwise: {route: [frontier, local]}" in out) == (0, True)
    assert shown("history", "2", "--text", *there)[1] == OTHER


def test_what_the_gateway_refuses_ends_with_1_and_its_words(running: str, shown, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(POLICY.replace("[local, frontier]", "[lokal]"))
    code, out, err = shown("apply", str(bad), "--gateway", running)
    assert (code, out) == (1, "")
    assert "did you mean `local`?" in err
    assert shown("rollback", "--gateway", running)[0] == 1
    assert shown("history", "7", "--gateway", running)[0] == 1


def test_where_no_gateway_answers_the_exit_code_is_2(shown) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
    code, _, err = shown("history", "--gateway", nowhere)
    assert code == 2
    assert err.startswith(f"no gateway answers at `{nowhere}`: connection refused")
    assert shown("history", "--gateway", "nowhere")[0] == 2
