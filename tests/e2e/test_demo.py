"""The demo shows what it promises: where each request went and why, what it cost, and an end that is clean."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

DEMO = [sys.executable, "-m", "gateway", "demo", "--per-second", "20"]
pytestmark = pytest.mark.slow


def table(said: str) -> dict[str, dict[str, int]]:
    """The last of the sums: requests by class and place."""
    *_, last = said.partition("where it went")[2].rpartition("where it went")
    head, *rows = last.strip().splitlines()
    return {row.split()[0]: dict(zip(head.split(), map(int, row.split()[1:]), strict=False)) for row in rows[:4]}


@pytest.fixture(scope="module")
def said() -> str:
    done = subprocess.run([*DEMO, "--requests", "30"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout


def rows(said: str) -> Iterator[str]:
    yield from (line for line in said.splitlines() if re.match(r" +\d+\.\d  ", line))


def test_every_request_has_a_line_with_its_class_place_cost_and_rule(said: str) -> None:
    lines = list(rows(said))
    assert len(lines) == 30
    for line in lines:
        assert re.search(r"(public|internal|confidential|restricted) +(simple|medium|hard) +(local|frontier) ", line)
        assert re.search(r"\d\.\d{6} +\d\.\d{6}  (otherwise|hard-goes-to-frontier|sensitive-stays-local)", line)


def test_what_is_sensitive_stays_and_what_is_hard_goes(said: str) -> None:
    counts = table(said)
    assert sum(sum(places.values()) for places in counts.values()) == 30
    assert counts["restricted"].get("frontier", 0) == counts["confidential"].get("frontier", 0) == 0
    assert counts["restricted"]["local"] > 0
    assert counts["public"]["frontier"] > 0


def test_overload_is_seen_to_fall_back(said: str) -> None:
    assert any("after local=overloaded" in line for line in rows(said))


def test_it_ends_cleanly_on_ctrl_c_with_its_sums() -> None:
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        while not re.match(r" +\d+\.\d  ", demo.stdout.readline()):
            pass
        demo.send_signal(signal.SIGINT)
        rest, trouble = demo.communicate(timeout=20)
    assert (demo.returncode, trouble) == (0, "")
    assert "all on OpenAI they would have cost" in rest
