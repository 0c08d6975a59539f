"""Several workers' metrics on one page: every series there, under its worker's number, and nothing else changed."""

from prometheus_client.parser import text_string_to_metric_families
from recorded import Fleet, Sweep, a_policy, a_record

from gateway.telemetry.metrics import Metrics
from gateway.telemetry.together import together


def series(page: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(page.decode())
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def headed(page: bytes) -> list[str]:
    return [line for line in page.decode().splitlines() if line.startswith("#")]


def test_every_series_of_every_worker_is_there_under_its_number() -> None:
    first, second = Metrics(a_policy(), Fleet(), Sweep()), Metrics(a_policy(), Fleet(), Sweep())
    first.count(a_record(1))
    second.turned_away("invalid_json")
    pages = {1: first.render(), 2: second.render()}
    page = together(pages)
    assert series(page) == {
        (name, labels | {("worker", str(number))}): value
        for number, each in pages.items()
        for (name, labels), value in series(each).items()
    }
    assert len(set(headed(page))) == len(headed(page))
    assert set(headed(page)) == {*headed(pages[1]), *headed(pages[2])}
