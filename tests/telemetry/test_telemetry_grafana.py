"""What Grafana and Prometheus are given to ask: every query is one, and asks for figures that the gateway has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from gateway.core.records import Ending
from gateway.core.types import Veto
from gateway.limits.budgets import WARN_AT
from gateway.telemetry.families import FAMILIES, Family

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "hybrid-gateway.json").read_text())
ALERTS = [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

SERIES: dict[str, Family] = {family.name: family for family in FAMILIES if family.kind != "histogram"} | {
    family.name + end: family
    for family in FAMILIES
    if family.kind == "histogram"
    for end in ("_bucket", "_sum", "_count")
}
SCRAPED = {"job", "instance", "worker", "le"}
WORDS = {
    "ending": set(Ending),
    "veto": set(Veto),
    "outcome": {"served", "refused"},
    "to": {"journal", "log", "traces", "figures"},
    "percent": {str(percent) for percent in WARN_AT},
    "state": {"limit", "spent", "held", "left"},
}
"""Labels with a closed set of values: a query for another one would stay empty without a word."""


def queries() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]
    for alert in ALERTS:
        yield alert["alert"], alert["expr"]


def parsed(query: str) -> Any:
    return promql_parser.parse(re.sub(r"\$__\w+", "5m", query))


def asked(expression: Any) -> Iterator[Any]:
    """Every selector of series within it."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        if getattr(expression, name, None) is not None:
            yield from asked(getattr(expression, name))
    for argument in getattr(expression, "args", None) or ():
        yield from asked(argument)


def grouped(query: str) -> set[str]:
    return {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", query) for label in group.split(",")}


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_every_query_asks_for_figures_and_labels_that_there_are(where: str, query: str) -> None:
    selectors = list(asked(parsed(query)))
    assert selectors, where
    families = [SERIES[selector.name] for selector in selectors]
    labels = {label for family in families for label in family.labels}
    assert grouped(query) <= labels | SCRAPED
    for selector, family in zip(selectors, families, strict=True):
        for matcher in selector.matchers.matchers:
            assert matcher.name in {*family.labels, *SCRAPED}
            if matcher.name in WORDS and matcher.value:
                assert matcher.value in WORDS[matcher.name]


def test_every_metric_is_on_the_dashboard_or_in_an_alert_or_is_told_why_not() -> None:
    shown = {SERIES[selector.name].name for _, query in queries() for selector in asked(parsed(query))}
    detail = {  # of interest once something else has shown that something is wrong
        "gateway_refusals_total",
        "gateway_masked_total",
        "gateway_shadows_total",
        "gateway_shadow_cost_usd_total",
        "gateway_uncounted_total",
        "gateway_in_flight",
        "gateway_weights_info",
    }
    assert {family.name for family in FAMILIES} - shown == detail


def test_panels_lie_side_by_side_and_say_what_they_show() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["description"].endswith(".")
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert alert["labels"]["severity"] in {"warning", "critical"}
        assert {"summary", "remedy"} == set(alert["annotations"])
        for label in re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]):
            assert label in grouped(alert["expr"])
