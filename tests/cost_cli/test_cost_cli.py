"""`gateway cost` and `gateway usage`: what they print is what the records and the prices give."""

import csv
import io
import json
import time
from pathlib import Path

import msgspec
import pytest

from gateway.cli import main
from gateway.core.money import NANO, NanoUSD, Price
from gateway.core.records import Attempt, Ending, Outcome, Record
from gateway.core.types import Caller, Decision, Endpoint, Need, Route, Sensitivity, Tier, Verdict
from gateway.core.usage import Usage
from gateway.cost_cli.plan import Assumed, needed, plans
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.usage import COLUMNS

POLICY = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: priced, version: 1}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal}
backends:
  local: {zone: on_prem, kind: tgi, urls: ["http://127.0.0.1:9"], model: llama, price: {gpu_hour_usd: 2, gpus: 2}}
  frontier:
    zone: openai
    kind: openai
    urls: ["http://127.0.0.1:9"]
    model: gpt-5.5
    price: {input_usd_per_million: 5, output_usd_per_million: 30}
baseline: frontier
otherwise: {route: [local, frontier]}
"""
API = Price(NanoUSD(5 * NANO), NanoUSD(30 * NANO))
FRONTIER, LOCAL = Usage(1_000, 200), Usage(30_000, 6_000)


def record(number: int, backend: str, usage: Usage, cost: int, **changes: object) -> Record:
    stem = f"_{number:024x}"
    plain = Record(
        id="req" + stem,
        decision_id="dec" + stem,
        at=time.time() - 60,
        caller=Caller("billing", "finance"),
        endpoint=Endpoint.CHAT,
        model="gpt-4o",
        stream=False,
        needs=(Need.CHAT,),
        prompt_tokens=20,
        max_tokens=None,
        body_bytes=900,
        verdict=Verdict(Sensitivity.PUBLIC, 0.25, Tier.SIMPLE),
        decision=Decision((Route(backend),), "otherwise", (), "ab" * 32),
        backend=backend,
        zone="on_prem" if backend == "local" else "openai",
        outcome=Outcome(
            Ending.COMPLETED, 200, "", (Attempt(backend, "a:1", 0.1, 3.5),), usage, NanoUSD(cost), 1_800_000.0
        ),
    )
    return msgspec.structs.replace(plain, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    journal.write(
        [
            record(1, "frontier", FRONTIER, FRONTIER.cost(API)),
            record(2, "local", LOCAL, 0),
            record(3, "local", LOCAL, 0, caller=Caller("=cmd()", "finance")),
        ]
    )
    journal.close()
    return tmp_path


def of(folder: Path) -> list[str]:
    return ["--policy", str(folder / "policy.yaml"), "--journal", str(folder / "journal.sqlite"), "--since", "24h"]


def test_a_report_adds_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "report", *of(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    paid = FRONTIER.cost(API)
    (local,) = told["machines"]
    assert told["paid"] == paid
    assert told["hours"] == local["cost"] == pytest.approx(2 * 2 * 24 * NANO, rel=1e-6)
    assert local["mean_in_flight"] == pytest.approx(2 * 1_800 / 86_400, rel=1e-3)
    assert local["elsewhere"] == Usage(60_000, 12_000).cost(API)
    assert told["baseline"] == paid + local["elsewhere"]
    assert local["break_even_tokens_a_day"] == pytest.approx(96 * NANO * 72_000 / local["elsewhere"], rel=1e-6)


def test_a_report_says_it_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "report", *of(folder)]) == 0
    told = capsys.readouterr().out
    assert "they break even at" in told
    assert "send more to it, or run fewer machines" in told
    assert "USD more was spent" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--since", "yesterday"], "`--since` must be an age such as `24h`, `7d` or `4w`, not `yesterday`"),
        (["--journal", "none.sqlite"], "the journal `none.sqlite` cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told(folder: Path, capsys: pytest.CaptureFixture[str], words, told) -> None:
    assert main(["cost", "report", *of(folder), *words]) == 2
    assert told in capsys.readouterr().err


ASSUMED = Assumed(500_000_000, 0.75, 0.2, 2_500, 0.4, NanoUSD(2 * NANO), NanoUSD(4 * NANO))


def test_a_plan_compares_four_ways_of_the_same_tokens() -> None:
    api, managed, own, routed = plans(ASSUMED, API)
    assert api.cost == Usage(375_000_000, 125_000_000).cost(API)
    assert managed.cost == 2 * own.cost == 4 * NANO * 730
    assert routed.cost == own.cost + api.cost // 5


def test_machines_are_counted_whole() -> None:
    made = int(2_500 * 0.4 * 730 * 3_600)
    counted = [needed(msgspec.structs.replace(ASSUMED, tokens=tokens)) for tokens in (1, made, made + 1, 3 * made)]
    assert counted == [1, 1, 2, 3]


def test_a_plan_prints_every_assumption(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "plan", "--policy", str(folder / "policy.yaml"), "--tokens-per-month", "500M"]) == 0
    told = capsys.readouterr().out
    for flag in ("--mix", "--speed", "--use", "--gpu-hour-usd"):
        assert flag in told
    assert main(["cost", "plan", "--policy", str(folder / "policy.yaml"), "--mix", "3"]) == 2
    assert "`--mix` such as `3:1`" in capsys.readouterr().err


def test_usage_is_exported_row_by_row_and_no_cell_is_a_formula(folder: Path) -> None:
    out = folder / "usage.csv"
    assert main(["usage", "export", "--journal", str(folder / "journal.sqlite"), "--csv", str(out)]) == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert tuple(rows[0]) == COLUMNS
    assert [row["caller"] for row in rows] == ["billing", "billing", "'=cmd()"]
    assert sum(float(row["cost_usd"]) for row in rows) == pytest.approx(FRONTIER.cost(API) / NANO)


def test_old_requests_are_pruned_in_lots_and_the_others_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, now = tmp_path / "journal.sqlite", time.time()
    journal = SqliteJournal(path)
    journal.write([record(number, "local", LOCAL, 1, at=now - 40 * 86_400) for number in range(501)])
    journal.write([record(501, "local", LOCAL, 1, at=now - 60)])
    assert main(["usage", "prune", "--journal", str(path), "--keep", "30d"]) == 0
    assert "501 requests deleted" in capsys.readouterr().err
    assert [left.at for left in journal.read(since=0, limit=10)] == [now - 60]
    journal.close()


@pytest.mark.parametrize(("file", "keep"), [("none.sqlite", "30d"), ("journal.sqlite", "a month")])
def test_a_pruning_that_cannot_be_understood_deletes_nothing(folder: Path, file: str, keep: str) -> None:
    assert main(["usage", "prune", "--journal", str(folder / file), "--keep", keep]) == 2
    assert not (folder / "none.sqlite").exists()
