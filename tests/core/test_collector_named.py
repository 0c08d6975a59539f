"""Which collector OpenTelemetry's own variables name."""

import pytest

from gateway.core.collector import Collector
from gateway.core.errors import ConfigError
from gateway.core.tracing import Tracing

HERE = "http://collector:4318"
BOTH = Collector(f"{HERE}/v1/traces", f"{HERE}/v1/metrics", Tracing())


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, Collector()),
        ({"ENDPOINT": HERE}, BOTH),
        ({"ENDPOINT": HERE + "/"}, BOTH),
        ({"TRACES_ENDPOINT": "http://t/x"}, Collector("http://t/x", "", Tracing())),
        ({"ENDPOINT": HERE, "METRICS_ENDPOINT": "http://m/x"}, Collector(BOTH.traces_url, "http://m/x", Tracing())),
    ],
)
def test_one_address_is_for_both_and_one_of_its_own_is_taken_as_it_is(variables, named) -> None:
    assert Collector.named({f"OTEL_EXPORTER_OTLP_{name}": value for name, value in variables.items()}) == named


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("OTEL_SDK_DISABLED", "true", Collector()),
        ("OTEL_TRACES_EXPORTER", "none", Collector("", BOTH.figures_url, None)),
        ("OTEL_METRICS_EXPORTER", "none", Collector(BOTH.traces_url, "", Tracing())),
        ("OTEL_METRICS_EXPORTER", "otlp", BOTH),
    ],
)
def test_what_is_not_wanted_is_left_out(variable, value, named) -> None:
    assert Collector.named({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, variable: value}) == named


@pytest.mark.parametrize(
    ("sampler", "tracing"),
    [
        ("always_on", Tracing(1.0, follows_caller=False)),
        ("always_off", Tracing(0.0, follows_caller=False)),
        ("traceidratio", Tracing(0.25, follows_caller=False)),
        ("parentbased_always_on", Tracing(1.0)),
        ("parentbased_always_off", Tracing(0.0)),
        ("parentbased_traceidratio", Tracing(0.25)),
    ],
)
def test_a_sampler_says_which_requests(sampler, tracing) -> None:
    given = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": HERE,
        "OTEL_TRACES_SAMPLER": sampler,
        "OTEL_TRACES_SAMPLER_ARG": "0.25",
    }
    assert Collector.named(given).tracing == tracing


@pytest.mark.parametrize("share", ["1.5", "-0.1", "nan", "half"])
def test_a_share_is_a_number_from_none_to_all(share) -> None:
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_TRACES_SAMPLER_ARG": share}
    with pytest.raises(ConfigError, match=f"`OTEL_TRACES_SAMPLER_ARG` must be a number from 0 to 1, not `{share}`"):
        Collector.named(given)
