"""How hard requests are and how long backends take, as histograms with the thresholds that they are read against."""

from collections.abc import Iterable, Mapping, Sequence

from gateway.policy.model import Policy
from gateway.stores.rollups import PERCENT

QUANTILES = (0.5, 0.95, 0.99)
Row = Mapping[str, str | int]
QUALITY: Mapping[str, Sequence[str]] = {"scored": ("tier", "percent"), "timed": ("backend", "what", "up_to_ms")}
"""The sums that they are made from, and what they are wanted by."""


def histograms(sums: Mapping[str, Sequence[Row]], policy: Policy, since: float, until: float) -> dict[str, object]:
    """`scores`: requests whose complexity lies in [from, from + width); `times`: by backend, whole answers (`total`)
    and first bytes, each bin with its end, and quantiles as the ends of the bins that they lie in, in milliseconds."""
    labelling = policy.labelling
    return {
        "since": since,
        "until": until,
        "medium_from": labelling.medium_from,
        "hard_from": labelling.hard_from,
        "width": PERCENT / 100,
        "scores": [
            {"from": int(row["percent"]) / 100, "tier": row["tier"], "requests": row["requests"]}
            for row in sorted(sums["scored"], key=lambda row: int(row["percent"]))
        ],
        "times": [_time(backend, what, sums["timed"]) for backend, what in _measured(sums["timed"])],
    }


def _measured(rows: Iterable[Row]) -> list[tuple[str, str]]:
    return sorted({(str(row["backend"]), str(row["what"])) for row in rows})


def _time(backend: str, what: str, rows: Iterable[Row]) -> dict[str, object]:
    bins = [
        (int(row["up_to_ms"]), int(row["times"])) for row in rows if (row["backend"], row["what"]) == (backend, what)
    ]
    bins.sort()
    return {
        "backend": backend,
        "what": what,
        "bins": [{"up_to_ms": end, "times": times} for end, times in bins],
        "up_to_ms": {f"p{share * 100:g}": _quantile(bins, share) for share in QUANTILES},
    }


def _quantile(bins: Sequence[tuple[int, int]], share: float) -> int:
    """The end of the bin in which it lies: it is at most this."""
    left = share * sum(times for _, times in bins)
    for end, times in bins:
        left -= times
        if left <= 0:
            return end
    return bins[-1][0] if bins else 0
