"""What traffic cost, beside all of it at the policy's baseline and all of it at home; what is estimated is said so."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.core.money import NanoUSD
from gateway.core.records import Ending
from gateway.core.types import BackendSpec, Endpoint, Sensitivity
from gateway.limits.economics import HOUR_S, Load, Machines, advice, machines
from gateway.policy.model import Policy

Row = Mapping[str, str | int]
COSTS: Mapping[str, Sequence[str]] = {"answered": ("backend", "ending")}
"""The sums that they are made from, and what they are wanted by."""


class Elsewhere(msgspec.Struct, frozen=True):
    """What the tokens of all completed answers would have cost at one backend, in nano-dollars: between `least` and
    `most`, which differ where its machines would have had to do more than they did. `how`: the estimate in words."""

    backend: str
    least: int
    most: int
    how: str


class Costs(msgspec.Struct, frozen=True):
    """Nano-dollars of a period. `paid`: answers with a known price; `machines`: hours of one's own, used or not. Either
    of the two ways is None where the policy names no such backend or its price is unknown."""

    since: float
    until: float
    paid: int
    machines: int
    unpriced: int
    all_baseline: Elsewhere | None
    all_local: Elsewhere | None
    break_even: tuple[Mapping[str, object], ...]


def costs(sums: Mapping[str, Sequence[Row]], policy: Policy, since: float, until: float) -> Costs:
    answered, seconds = sums["answered"], until - since
    done = [row for row in answered if row["backend"] and row["ending"] == Ending.COMPLETED.value]
    loads = {name: _load([row for row in done if row["backend"] == name]) for name in policy.backends}
    baseline = policy.backends.get(policy.baseline or "")
    own = {name: spec.price.gpu_hour for name, spec in policy.backends.items() if spec.price and spec.price.gpu_hour}
    price = None if baseline is None else baseline.price_for(Endpoint.CHAT)
    standing = [machines(name, hour, loads[name], seconds, price) for name, hour in own.items()]
    return Costs(
        since=since,
        until=until,
        paid=sum(int(row["cost_nano"]) for row in answered),
        machines=sum(each.cost for each in standing),
        unpriced=sum(int(row["requests"]) - int(row["priced"]) for row in done),
        all_baseline=None if baseline is None else _elsewhere(baseline, loads, seconds),
        all_local=_all_local(policy, loads, seconds),
        break_even=tuple(_break_even(each) for each in standing),
    )


def _load(rows: Sequence[Row]) -> Load:
    return Load(
        requests=sum(int(row["requests"]) for row in rows),
        prompt_tokens=sum(int(row["prompt_tokens"]) for row in rows),
        completion_tokens=sum(int(row["completion_tokens"]) for row in rows),
        cached_tokens=sum(int(row["cached_tokens"]) for row in rows),
        busy_s=sum(int(row["total_ms"]) for row in rows) / 1_000,
        paid=NanoUSD(sum(int(row["cost_nano"]) for row in rows)),
    )


def _all_local(policy: Policy, loads: Mapping[str, Load], seconds: float) -> Elsewhere | None:
    """At the backend that may see everything and answers most."""
    private = [spec for spec in policy.backends.values() if spec.zone.clearance is max(Sensitivity)]
    if not private:
        return None
    return _elsewhere(max(private, key=lambda spec: loads[spec.name].tokens), loads, seconds)


def _elsewhere(spec: BackendSpec, loads: Mapping[str, Load], seconds: float) -> Elsewhere | None:
    price = spec.price_for(Endpoint.CHAT)
    if price is None:
        return None
    total, here = _together(loads.values()), loads[spec.name]
    if not price.gpu_hour:
        bill = int(total.at(price))
        return Elsewhere(spec.name, bill, bill, "the same tokens at its price, none of them cached")
    hours = int(price.gpu_hour * seconds / HOUR_S)
    most = hours * total.tokens // here.tokens if here.tokens else hours
    how = "the machines there are, if they can do it all; at most as many more as they are busy now"
    return Elsewhere(spec.name, hours, max(hours, most), how)


def _together(loads: Iterable[Load]) -> Load:
    sums = [sum(column) for column in zip(*map(msgspec.structs.astuple, loads), strict=True)]
    return Load(*sums)


def _break_even(found: Machines) -> Mapping[str, object]:
    return {**msgspec.structs.asdict(found), "pays": found.pays, "advice": advice(found)}
