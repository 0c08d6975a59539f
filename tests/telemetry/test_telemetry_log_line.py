"""The log line: one flat line of JSON per request, its keys documented."""

import io
import json
import os
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import ANSWERED, REFUSED, a_policy, a_record

from gateway.core.errors import JournalUnavailable
from gateway.core.records import Record
from gateway.core.tracing import Trace
from gateway.core.types import Caller
from gateway.telemetry.log_line import JsonLines, LogLine

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"

TRACE = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def printed(*records: Record) -> list[str]:
    out = io.StringIO()
    JsonLines(out).write(records)
    lines = out.getvalue().split("\n")
    assert lines.pop() == ""
    return lines


def test_a_line_tells_what_was_decided_and_how_it_ended() -> None:
    (line,) = printed(a_record(1, trace=TRACE))
    assert json.loads(line) == {
        "at": "2026-09-21T14:13:21.250000Z",
        "id": "req_000000000000000000000001",
        "decision_id": "dec_000000000000000000000001",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "caller": "billing",
        "team": "finance",
        "endpoint": "chat",
        "model": "gpt-4o",
        "stream": True,
        "sensitivity": "restricted",
        "basis": "default",
        "tier": "simple",
        "complexity": 0.123,
        "task": "chat",
        "findings": {"card": 2},
        "unknown": ["odd"],
        "rule": "otherwise",
        "backend": "local",
        "zone": "on_prem",
        "masked": [],
        "spilled_from": "",
        "shadow": None,
        "excluded": {"frontier": "clearance"},
        "attempts": [
            {"backend": "local", "replica": "a:1", "first_byte_ms": None, "error": "overloaded"},
            {"backend": "local", "replica": "b:1", "first_byte_ms": 120.0, "error": ""},
        ],
        "ending": "completed",
        "status": 200,
        "code": "",
        "prompt_tokens": 21,
        "completion_tokens": 8,
        "cost_usd": 0.000196,
        "total_ms": 345.7,
        "policy": a_policy().digest[:12],
    }


def test_what_is_unknown_is_null_not_zero() -> None:
    line = json.loads(printed(a_record(outcome=REFUSED))[0])
    assert [line[key] for key in ("prompt_tokens", "completion_tokens", "cost_usd")] == [None, None, None]


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=9), max_size=4))
def test_every_record_is_one_line_whatever_is_in_its_names(names: list[str]) -> None:
    lines = printed(*(a_record(caller=Caller(name, name), model=name, backend=name) for name in names))
    assert [json.loads(line)["team"] for line in lines] == names


@given(st.integers(0, 10**20))
def test_dollars_are_exact_decimals(nano: int) -> None:
    line = printed(a_record(outcome=msgspec.structs.replace(ANSWERED, cost=nano)))[0]
    written = re.search(r'"cost_usd":([0-9.]+),', line)
    assert written
    whole, _, fraction = written[1].partition(".")
    assert int(whole) * 10**9 + int(fraction.ljust(9, "0")) == nano


def test_the_documented_keys_are_the_ones_there_are() -> None:
    section = DOCS.read_text().partition("## The log line")[2].partition("## The journal")[0]
    example = re.search(r"^{.*}$", section, re.MULTILINE)
    assert example
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(LogLine.__struct_fields__)
    assert list(json.loads(example[0])) == list(LogLine.__struct_fields__)


def test_a_pipe_that_nobody_reads_any_more_is_told() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w")
    with pytest.raises(JournalUnavailable, match="the log cannot be written: broken pipe"):
        JsonLines(out).write([a_record()])
    with pytest.raises(BrokenPipeError):
        out.close()
