"""The everyday mix follows its tables, and Locust sends it without a failure."""

import json
import random
import subprocess
import sys
from itertools import islice
from pathlib import Path
from statistics import fmean, median, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.types import Endpoint
from gateway.wire import requests
from loadtests.everyday import CHAT, CODE, SHARES, Mix, Service, arrivals, mean, quantile
from loadtests.prose import code, prose

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("service", [CHAT, CODE])
def test_the_tables_are_quantiles(service: Service) -> None:
    for table in (service.gaps, service.prompt, service.completion):
        assert len(table) == len(SHARES)
        assert sorted(table) == list(table)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_has_no_smaller_quantile(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert CHAT.prompt[0] <= quantile(CHAT.prompt, low) <= quantile(CHAT.prompt, high) <= CHAT.prompt[-1]


def test_requests_come_in_order_and_at_the_rate_asked_for() -> None:
    times = [arrival.at_s for arrival in islice(arrivals(random.Random(4), 50, Mix()), 4000)]
    assert times == sorted(times)
    assert 30 < len(times) / times[-1] < 90


def test_code_comes_in_bursts_and_chat_hardly() -> None:
    dice = random.Random(5)
    chat, bursts = ([quantile(each.gaps, dice.random()) for _ in range(20_000)] for each in (CHAT, CODE))
    assert 0.9 < pstdev(chat) / fmean(chat) < 1.3
    assert pstdev(bursts) / fmean(bursts) > 5


def test_lengths_are_the_traces() -> None:
    dice = random.Random(6)
    drawn = [quantile(CHAT.prompt, dice.random()) for _ in range(5000)]
    assert median(drawn) == pytest.approx(1020, rel=0.1)
    assert mean(CHAT.prompt) == pytest.approx(1155, rel=0.01)


def test_every_request_is_one_that_the_gateway_reads() -> None:
    everything = Mix(streamed=0.5, tools=0.5, private=0.5)
    for arrival in islice(arrivals(random.Random(7), 10, everything), 200):
        reading = requests.read(Endpoint.CHAT, json.dumps(arrival.request).encode())
        assert reading.stream is arrival.request.get("stream", False)
        assert reading.max_tokens == arrival.request["max_tokens"]


@given(st.integers(1, 500), st.integers(0, 100))
def test_generated_text_is_as_long_as_asked_and_repeatable(words: int, seed: int) -> None:
    for text in (prose, code):
        made = text(random.Random(seed), words)
        assert words <= len(made.split()) < words + 40
        assert made == text(random.Random(seed), words)


@pytest.mark.slow
def test_locust_runs_without_a_failure(upstream: str, tmp_path: Path) -> None:
    run = f"-m locust -f loadtests/locustfile.py --headless -u 1 -t 3 --rate 20 --host {upstream} --json"
    done = subprocess.run(
        [sys.executable, *run.split()], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["time to first token"]["num_requests"] > 0
    assert {row["num_failures"] for row in rows.values()} == {0}
