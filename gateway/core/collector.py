"""Which OpenTelemetry collector the standard variables name, and what it is to be told.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from gateway.core.errors import ConfigError
from gateway.core.tracing import Tracing

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SAMPLER, _SHARE = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
_SAMPLERS: Mapping[str, Callable[[float], Tracing]] = MappingProxyType(
    {
        "always_on": lambda share: Tracing(1.0, follows_caller=False),
        "always_off": lambda share: Tracing(0.0, follows_caller=False),
        "traceidratio": lambda share: Tracing(share, follows_caller=False),
        "parentbased_always_on": lambda share: Tracing(1.0),
        "parentbased_always_off": lambda share: Tracing(0.0),
        "parentbased_traceidratio": lambda share: Tracing(share),
    }
)


class Collector(msgspec.Struct, frozen=True):
    """Where traces, and where figures (durations, tokens, cost) go by OTLP over HTTP; "": nowhere. `tracing` None: no
    request is traced."""

    traces_url: str = ""
    figures_url: str = ""
    tracing: Tracing | None = None

    def __bool__(self) -> bool:
        return bool(self.traces_url or self.figures_url)

    @staticmethod
    def named(environment: Mapping[str, str]) -> "Collector":
        """Raises ConfigError where a sampler's variable cannot be used."""
        traces, figures = _url(environment, "TRACES"), _url(environment, "METRICS")
        return Collector(traces, figures, _tracing(environment) if traces else None)


def _url(environment: Mapping[str, str], signal: str) -> str:
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return ""
    if environment.get(f"OTEL_{signal}_EXPORTER", "otlp") not in ("", "otlp"):
        return ""
    own, common = environment.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", ""), environment.get(_ENDPOINT, "")
    return own or (f"{common.rstrip('/')}/v1/{signal.lower()}" if common else "")


def _tracing(environment: Mapping[str, str]) -> Tracing:
    name, said = environment.get(_SAMPLER) or "parentbased_always_on", environment.get(_SHARE) or "1"
    sampler = _SAMPLERS.get(name)
    if sampler is None:
        raise ConfigError(f"`{_SAMPLER}` must be one of {', '.join(f'`{each}`' for each in _SAMPLERS)}, not `{name}`")
    try:
        share = float(said)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ConfigError(f"`{_SHARE}` must be a number from 0 to 1, not `{said}`")
    return sampler(share)
