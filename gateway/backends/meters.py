"""What a server's /metrics say of its load, by the names that each kind of engine gives its meters."""

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from gateway.core.types import BackendKind
from gateway.limits.load import Reading

PATH = "/metrics"


class Names(NamedTuple):
    """Gauges of those that wait and that run, and a histogram of the seconds that a request spends in the batch;
    `less`: a histogram of what must be taken off, where the engine has no such one."""

    waiting: str
    running: str
    served: str
    less: str | None = None


NAMES: Mapping[BackendKind, Names] = MappingProxyType(
    {
        BackendKind.TGI: Names("tgi_queue_size", "tgi_batch_current_size", "tgi_request_inference_duration"),
        BackendKind.VLLM: Names(
            "vllm:num_requests_waiting", "vllm:num_requests_running", "vllm:request_inference_time_seconds"
        ),
        BackendKind.SGLANG: Names(  # only with --enable-metrics
            "sglang:num_queue_reqs",
            "sglang:num_running_reqs",
            "sglang:e2e_request_latency_seconds",
            "sglang:queue_time_seconds",
        ),
    }
)


def reading(kind: BackendKind, text: bytes) -> Reading | None:
    """None where the text does not say how many wait. Series of one name (an engine each) are added up."""
    names, found = NAMES[kind], defaultdict[str, float](float)
    for name, value in _PATTERNS[kind].findall(text):
        found[name.decode()] += float(value)
    if names.waiting not in found or not all(map(math.isfinite, found.values())):
        return None
    less = 0.0 if names.less is None else found[f"{names.less}_sum"]
    return Reading(
        waiting=max(0, int(found[names.waiting])),
        running=max(0, int(found[names.running])),
        ended=max(0.0, found[f"{names.served}_count"]),
        served_s=max(0.0, found[f"{names.served}_sum"] - less),
    )


def _pattern(names: Names) -> re.Pattern[bytes]:
    """The lines of these meters only: a page of metrics has thousands."""
    wanted = [names.waiting, names.running, f"{names.served}_sum", f"{names.served}_count"]
    wanted += [] if names.less is None else [f"{names.less}_sum"]
    either = b"|".join(re.escape(name.encode()) for name in wanted)
    return re.compile(rb"^(" + either + rb")(?:\{[^\n]*\})? ([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)", re.MULTILINE)


_PATTERNS = {kind: _pattern(names) for kind, names in NAMES.items()}
