"""What a backtest found, as a table of then and now."""

from collections import Counter
from collections.abc import Iterator

from gateway.core.money import NanoUSD, dollars
from gateway.core.types import Sensitivity
from gateway.policy.backtest import SPREAD, Backtest, Way

MOST_WAYS = 12
_CENT = 10_000_000


def report(found: Backtest) -> Iterator[str]:
    yield f"  {found.records:,} records; {found.rerouted:,} would be routed differently"
    if found.of_this_policy:
        yield f"  {found.reproduced:,} of {found.of_this_policy:,} that this very file decided are reproduced exactly"
    yield ""
    yield _row("", "recorded", "now")
    for name in sorted({*found.old_backends, *found.new_backends}):
        label = f"answered by `{name}`" if name else "answered by nobody"
        yield _row(label, f"{found.old_backends[name]:,}", f"{found.new_backends[name]:,}")
    yield from _money(found)
    yield from _waits(found)
    yield _row("may newly reach an outer zone", "", f"{found.new_egress:,}")
    yield from _section("class → zone", _zones(found))
    yield from _section("refusals", _counted(found.old_refusals, found.new_refusals))
    yield from _section("what changes most", _ways(found.ways))


def _money(found: Backtest) -> Iterator[str]:
    cost = found.new_cost
    yield _row("US dollars", _usd(found.old_cost), _usd(cost.likely))
    if cost.least != cost.most:
        yield _row(f"  answers half to {SPREAD} times as long", "", f"{_usd(cost.least)} to {_usd(cost.most)}")
    if found.unknown_costs:
        yield _row("  not counted: no usage or price", "", f"{found.unknown_costs:,}")


def _waits(found: Backtest) -> Iterator[str]:
    old, new = found.mean_wait_ms(found.old_backends), found.mean_wait_ms(found.new_backends)
    if old is not None and new is not None:
        yield _row("mean time to the end", f"{old:,.0f} ms", f"{new:,.0f} ms")


def _zones(found: Backtest) -> Iterator[str]:
    for level, zone in sorted({*found.old_zones, *found.new_zones}, key=lambda each: (-each[0], each[1])):
        where = f"{Sensitivity(level).label} → " + (f"`{zone}`" if zone else "nowhere")
        yield _row(where, f"{found.old_zones[level, zone]:,}", f"{found.new_zones[level, zone]:,}")


def _counted(old: Counter[str], new: Counter[str]) -> Iterator[str]:
    for code in sorted({*old, *new}):
        yield _row(f"`{code}`" if code else "the client left", f"{old[code]:,}", f"{new[code]:,}")


def _ways(ways: dict[Way, tuple[int, int, str]]) -> Iterator[str]:
    """By dollars first, since they are what a count hides."""
    ranked = sorted(ways.items(), key=lambda each: (-abs(each[1][1]), -each[1][0]))
    for way, (count, extra, example) in ranked[:MOST_WAYS]:
        change = f"{_end(way.old_backend, way.old_rule)} ⇒ {_end(way.new_backend, way.new_rule)}"
        sign = "+" if extra >= 0 else ""
        yield f"  {count:,} {way.sensitivity}: {change}, {sign}{_usd(extra)} USD, such as {example}"
    if len(ranked) > MOST_WAYS:
        yield f"  and {len(ranked) - MOST_WAYS:,} more ways"


def _end(backend: str, rule: str) -> str:
    return (f"`{backend}`" if backend else "nobody") + f" by `{rule}`"


def _section(heading: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from ("", heading, *found)


def _row(label: str, old: str, new: str) -> str:
    return f"  {label:<38}{old:>14}  {new:>14}".rstrip()


def _usd(amount: int) -> str:
    """To the cent where there are dollars, exactly where there are only fractions of one."""
    return dollars(NanoUSD(round(amount / _CENT) * _CENT)) if abs(amount) >= 100 * _CENT else dollars(NanoUSD(amount))
