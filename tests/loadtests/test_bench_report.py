"""The arithmetic of the report, and the bodies that are sent."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.bench import bodies, report, wrk

ROOT = Path(__file__).parents[2]
MEASURED = {
    "direct": {"requests/s": [100_000, 100_000], "p50 ms at one": [0.02, 0.12]},
    "relay": {"requests/s": [8000, 4000], "cpu us/request": [100, 200], "p50 ms at one": [0.15, 0.35]},
    "gateway": {
        "requests/s": [4000, 2000],
        "cpu us/request": [200, 400],
        "cpu us/request of 16384 B": [500, 700],
        "cpu us/stream": [800, 1000],
        "p50 ms at one": [0.32, 0.62],
        "rss idle, MB": [70],
        "start s": [0.6],
    },
    "litellm": {"requests/s": [100, 50], "cpu us/request": [6000, 12_000]},
}


def _mark(what: str) -> str:
    limit = next(limit for limit in report.LIMITS if what in limit.what)
    return limit.mark(limit.value(MEASURED))


def test_a_ratio_is_of_the_same_round() -> None:
    assert report.ratio(MEASURED, "cpu us/request", "gateway", "relay") == 2
    assert report.ratio(MEASURED, "requests/s", "gateway", "litellm") == 40


def test_throughput_per_core_is_by_cpu_time() -> None:
    assert report.throughput(MEASURED, "gateway", "litellm") == 30


def test_a_ratio_to_what_was_not_measured_is_none() -> None:
    assert report.ratio(MEASURED, "cpu us/request", "gateway", "portkey") is None


def test_added_latency_is_less_the_direct_one_of_the_same_round() -> None:
    assert report.added_ms(MEASURED, "gateway") == pytest.approx(0.4)


def test_a_further_kilobyte_costs_the_slope_from_the_smallest_body_to_the_largest() -> None:
    kilobytes = (bodies.SIZES[-1] - bodies.SIZES[0]) / 1024
    assert report.us_a_further_kb(MEASURED["gateway"]) == pytest.approx(300 / kilobytes)


def test_each_limit_has_its_mark() -> None:
    assert _mark("CPU per request") == "FAIL"
    assert _mark("throughput") == "pass"
    assert _mark("CPU per stream") == "pass"
    assert _mark("resident memory") == "pass"
    assert [limit.mark(None) for limit in report.LIMITS] == ["not measured"] * len(report.LIMITS)


def test_the_table_has_a_row_a_target_and_says_what_is_missing() -> None:
    header, *rows = report.table(MEASURED)
    assert [row.split()[0] for row in rows] == list(MEASURED)
    assert {len(row) for row in rows} == {len(header)}
    assert rows[0].split()[1:4] == ["100,000", "(100,000)", "-"]


@settings(deadline=None)
@given(st.sampled_from(bodies.SIZES), st.booleans(), st.integers(0, 1000))
def test_a_body_has_its_size_and_one_mark(size: int, stream: bool, seed: int) -> None:
    body = bodies.body(random.Random(seed), "auto", size, stream=stream)
    assert len(body) == size
    assert body.count(bodies.MARK) == 1
    assert json.loads(body)["stream"] is stream


def test_without_wrk_it_says_how_to_install_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.bench"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "apt-get install wrk" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(wrk.missing() is not None, reason="wrk is not installed")
def test_a_short_run_measures_gateway_and_relay(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    run = "-m loadtests.bench --seconds 1 --rounds 1 --pace-ms 1 --targets relay,gateway"
    subprocess.run([sys.executable, *run.split(), "--json", figures], cwd=ROOT, check=True, timeout=120)
    measured = json.loads(figures.read_text())["figures"]
    assert report.ratio(measured, "cpu us/request", "gateway", "relay") > 1
    assert report.us_a_further_kb(measured["gateway"]) is not None
