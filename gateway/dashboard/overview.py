"""The overview: where data went, what that cost and would have cost, which way requests took. Sums in, figures out."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.core.money import NanoUSD
from gateway.core.records import Ending
from gateway.core.types import Endpoint, Sensitivity, Veto
from gateway.core.usage import Usage
from gateway.policy.model import Policy

UNSENT = frozenset({"connect", "unable", "budget", "clearance_violation"})
"""Errors of attempts in which no byte of a request left."""
STOPPED = "clearance_violation"
HOUR_S = 3_600
OVERVIEW: Mapping[str, Sequence[str]] = {
    "answered": ("sensitivity", "rule", "backend", "ending", "code"),
    "sent": ("sensitivity", "zone", "error"),
    "struck": ("sensitivity", "backend", "veto"),
}
"""The sums that it is made from, and what they are wanted by."""

Row = Mapping[str, str | int]


class Cell(msgspec.Struct, frozen=True):
    """One class in one zone. `requests`: attempts in which content of the class reached the zone. `vetoed`: requests of
    the class whose rule proposed the zone, and whose routes there were struck out for their class. `is_cleared`: the
    zone may see the class; where it may not, no request can get there under the policy in use (that is proved)."""

    sensitivity: str
    zone: str
    requests: int
    tokens: int
    masked: int
    vetoed: int
    is_cleared: bool


class Cost(msgspec.Struct, frozen=True):
    """Nano-dollars. `paid`: answers whose price is known; `machines`: GPU hours of the period, whether or not they were
    used; `baseline`: what the tokens of all priced answers would have cost at the backend `baseline_of`, "" where the
    policy names none. `unpriced`: answers whose price is unknown, which are in none of the sums."""

    paid: int
    machines: int
    baseline: int
    baseline_of: str
    unpriced: int
    by_backend: Mapping[str, int]


class Band(msgspec.Struct, frozen=True):
    """Requests that went the same way, each counted once. `backend` "" where none answered."""

    sensitivity: str
    rule: str
    backend: str
    ending: str
    requests: int


class ZoneFacts(msgspec.Struct, frozen=True):
    name: str
    clearance: str
    region: str
    retention: str
    backends: tuple[str, ...]


class Overview(msgspec.Struct, frozen=True):
    """`since` and `until`: seconds since the epoch. `sensitive`: confidential and restricted requests; `left`: attempts
    in which such content reached a zone that is not cleared for `restricted`, what was masked on the way not counted.
    `stopped`: requests that the guard at the door stopped. `codes`: of refused requests."""

    since: float
    until: float
    requests: int
    endings: Mapping[str, int]
    sensitive: int
    left: int
    stopped: int
    zones: tuple[ZoneFacts, ...]
    cells: tuple[Cell, ...]
    cost: Cost
    flow: tuple[Band, ...]
    codes: Mapping[str, int]


def overview(sums: Mapping[str, Sequence[Row]], policy: Policy, since: float, until: float) -> Overview:
    answered, sent = sums["answered"], sums["sent"]
    zones = {spec.zone.name: spec.zone for spec in policy.backends.values()}
    reached = [row for row in sent if row["error"] not in UNSENT]
    private = {name for name, zone in zones.items() if zone.clearance is max(Sensitivity)}
    sensitive = {level.label for level in Sensitivity if level >= Sensitivity.CONFIDENTIAL}
    return Overview(
        since=since,
        until=until,
        requests=_total(answered, "requests"),
        endings={each.value: _total(answered, "requests", ending=each.value) for each in Ending},
        sensitive=sum(_total(answered, "requests", sensitivity=each) for each in sensitive),
        left=sum(
            int(row["attempts"]) for row in reached if row["sensitivity"] in sensitive and row["zone"] not in private
        ),
        stopped=_total(sent, "attempts", error=STOPPED),
        zones=tuple(_zone(policy, name) for name in zones),
        cells=tuple(_cells(policy, reached, sums["struck"], zones)),
        cost=_cost(policy, answered, until - since),
        flow=_flow(answered),
        codes=_by(answered, "code", ending=Ending.REFUSED.value),
    )


def _zone(policy: Policy, name: str) -> ZoneFacts:
    backends = [spec for spec in policy.backends.values() if spec.zone.name == name]
    zone = backends[0].zone
    return ZoneFacts(name, zone.clearance.label, zone.region, zone.retention, tuple(spec.name for spec in backends))


def _cells(
    policy: Policy, reached: Sequence[Row], struck: Sequence[Row], zones: Mapping[str, object]
) -> Iterable[Cell]:
    where = {name: spec.zone.name for name, spec in policy.backends.items()}
    clearances = {spec.zone.name: spec.zone.clearance for spec in policy.backends.values()}
    for level in sorted(Sensitivity, reverse=True):
        for zone in zones:
            here = [row for row in reached if row["sensitivity"] == level.label and row["zone"] == zone]
            vetoes = [row for row in struck if where.get(str(row["backend"])) == zone]
            yield Cell(
                sensitivity=level.label,
                zone=zone,
                requests=_total(here, "attempts"),
                tokens=_total(here, "tokens"),
                masked=_total(here, "masked"),
                vetoed=_total(vetoes, "requests", sensitivity=level.label, veto=Veto.CLEARANCE.value),
                is_cleared=level <= clearances[zone],
            )


def _cost(policy: Policy, answered: Sequence[Row], seconds: float) -> Cost:
    completed = [row for row in answered if row["backend"] and row["ending"] == Ending.COMPLETED.value]
    spec = policy.backends.get(policy.baseline or "")
    price = None if spec is None else spec.price_for(Endpoint.CHAT)
    priced = [row for row in completed if int(row["priced"])]
    baseline = 0 if price is None else sum(_usage(row).cost(price) for row in priced)
    hourly = sum(spec.price.gpu_hour for spec in policy.backends.values() if spec.price is not None)
    return Cost(
        paid=_total(answered, "cost_nano"),
        machines=int(hourly * seconds / HOUR_S),
        baseline=baseline,
        baseline_of="" if price is None or spec is None else spec.name,
        unpriced=_total(completed, "requests") - _total(completed, "priced"),
        by_backend={name: NanoUSD(nano) for name, nano in _by(completed, "backend", of="cost_nano").items()},
    )


def _usage(row: Row) -> Usage:
    return Usage(int(row["prompt_tokens"]), int(row["completion_tokens"]))


def _flow(answered: Sequence[Row]) -> tuple[Band, ...]:
    bands: dict[tuple[str, str, str, str], int] = {}
    for row in answered:
        way = (str(row["sensitivity"]), str(row["rule"]), str(row["backend"]), str(row["ending"]))
        bands[way] = bands.get(way, 0) + int(row["requests"])
    return tuple(Band(*way, requests) for way, requests in bands.items())


def _total(rows: Iterable[Row], of: str, **chosen: str) -> int:
    return sum(int(row[of]) for row in rows if all(row[name] == value for name, value in chosen.items()))


def _by(rows: Iterable[Row], name: str, of: str = "requests", **chosen: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        if all(row[key] == value for key, value in chosen.items()):
            sums[str(row[name])] = sums.get(str(row[name]), 0) + int(row[of])
    return sums
