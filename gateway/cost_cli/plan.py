"""`gateway cost plan`: what a month of so many tokens costs in four ways, with every assumption printed."""

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.config import load_policy
from gateway.core.errors import ConfigError
from gateway.core.money import NanoUSD, Price, dollars, nano_usd
from gateway.core.types import Endpoint
from gateway.core.usage import Usage
from gateway.policy.model import Policy

HOURS_A_MONTH = 730
_TOKENS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([kMG]?)")
_TIMES = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_MIX = re.compile(r"([0-9]{1,3}):([0-9]{1,3})")


class Assumed(msgspec.Struct, frozen=True):
    """What a plan rests on. Shares are 0 to 1; tokens are of a month; `speed` is tokens a second of a machine at full
    load, prompt and answer together; prices are of an hour."""

    tokens: int
    prompt_share: float
    to_api: float
    speed: int
    use: float
    gpu_hour: NanoUSD
    managed_hour: NanoUSD

    @property
    def usage(self) -> Usage:
        prompt = int(self.tokens * self.prompt_share)
        return Usage(prompt, self.tokens - prompt)

    def part(self, share: float) -> "Assumed":
        return msgspec.structs.replace(self, tokens=int(self.tokens * share))


class Plan(msgspec.Struct, frozen=True):
    """Nano-dollars a month, and machines where there are any."""

    name: str
    cost: NanoUSD
    machines: int
    how: str


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="whose baseline is the API")
    parser.add_argument("--tokens-per-month", default="500M", metavar="N", help="such as `500M` (default 500M)")
    parser.add_argument("--mix", default="3:1", metavar="P:C", help="prompt to completion tokens (default 3:1)")
    parser.add_argument("--to-api", type=float, default=15, metavar="PERCENT", help="that the policy sends to the API")
    parser.add_argument(
        "--speed", type=int, default=2500, metavar="N", help="tokens a second of a machine, at full load"
    )
    parser.add_argument("--use", type=float, default=40, metavar="PERCENT", help="of its hours that a machine is busy")
    parser.add_argument("--gpu-hour-usd", default="2.40", metavar="USD", help="of a machine of your own (default 2.40)")
    parser.add_argument(
        "--managed-hour-usd", default="4.00", metavar="USD", help="of one that is managed (default 4.00)"
    )


def run(given: argparse.Namespace) -> int:
    policy = load_policy(given.policy, os.environ)
    print("\n".join(_told(_assumed(given), api_price(policy), policy)))
    return 0


def api_price(policy: Policy) -> Price:
    """What the baseline asks. Raises ConfigError."""
    spec = policy.backends.get(policy.baseline or "")
    price = None if spec is None else spec.price_for(Endpoint.CHAT)
    if price is None:
        raise ConfigError(f"policy `{policy.name}` names no `baseline` with a `price`: there is no API to compare with")
    return price


def plans(assumed: Assumed, api: Price) -> tuple[Plan, ...]:
    """The four ways, the dearest machines counted whole: half a machine is not for rent."""
    here = assumed.part(1 - assumed.to_api)
    there = NanoUSD(assumed.part(assumed.to_api).usage.cost(api))
    own, all_own = needed(here), needed(assumed)
    return (
        Plan("all at the API", assumed.usage.cost(api), 0, "by the token"),
        Plan("managed endpoints", _hours(all_own, assumed.managed_hour), all_own, "by the hour, others run them"),
        Plan("self-hosted", _hours(all_own, assumed.gpu_hour), all_own, "by the hour, you run them"),
        Plan(
            "routed by this gateway",
            NanoUSD(_hours(own, assumed.gpu_hour) + there),
            own,
            f"{100 * assumed.to_api:.0f} % of the tokens to the API, the rest on your machines",
        ),
    )


def needed(assumed: Assumed) -> int:
    """Machines that make so many tokens in a month, one at least."""
    made = assumed.speed * assumed.use * HOURS_A_MONTH * 3_600
    return max(1, -int(-assumed.tokens // made))


def _hours(machines: int, hour: NanoUSD) -> NanoUSD:
    return NanoUSD(machines * hour * HOURS_A_MONTH)


def _assumed(given: argparse.Namespace) -> Assumed:
    tokens, mix = _TOKENS.fullmatch(given.tokens_per_month), _MIX.fullmatch(given.mix)
    if tokens is None or mix is None or not int(mix[1]) + int(mix[2]):
        raise ConfigError("`--tokens-per-month` must be such as `500M`, `--mix` such as `3:1`")
    if not (0 <= given.to_api <= 100 and 0 < given.use <= 100 and given.speed > 0):
        raise ConfigError("`--to-api` and `--use` must be percentages, `--speed` more than 0")
    prompt, completion = int(mix[1]), int(mix[2])
    return Assumed(
        tokens=int(float(tokens[1]) * _TIMES[tokens[2]]),
        prompt_share=prompt / (prompt + completion),
        to_api=given.to_api / 100,
        speed=given.speed,
        use=given.use / 100,
        gpu_hour=_usd("--gpu-hour-usd", given.gpu_hour_usd),
        managed_hour=_usd("--managed-hour-usd", given.managed_hour_usd),
    )


def _usd(flag: str, said: str) -> NanoUSD:
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,6})?", said):
        raise ConfigError(f"`{flag}` must be dollars such as `2.40`, not `{said}`")
    return nano_usd(said)


def _told(assumed: Assumed, api: Price, policy: Policy) -> Iterator[str]:
    found = plans(assumed, api)
    dearest = max(plan.cost for plan in found) or 1
    yield f"{assumed.tokens:,} tokens a month"
    yield ""
    for plan in found:
        count = f"{plan.machines} machine{'s' if plan.machines != 1 else ''}" if plan.machines else ""
        bar = "█" * max(1, round(24 * plan.cost / dearest))
        yield f"{plan.name:<24}{round(plan.cost / 1e9):>10,} USD  {bar:<24}  {count:<12}{plan.how}"
    yield ""
    yield "assumed:"
    usage = assumed.usage
    yield f"  {usage.prompt_tokens:,} tokens of prompts and {usage.completion_tokens:,} of answers (--mix)"
    yield f"  the API is `{policy.baseline}`: {dollars(api.input)} USD in, {dollars(api.output)} out per million tokens"
    yield f"  a machine makes {assumed.speed:,} tokens/s (--speed) in {100 * assumed.use:.0f} % of its time (--use)"
    hourly = dollars(assumed.gpu_hour), dollars(assumed.managed_hour)
    yield f"  it costs {hourly[0]} USD an hour of your own (--gpu-hour-usd), {hourly[1]} managed (--managed-hour-usd)"
    yield f"  {HOURS_A_MONTH} hours a month; machines are whole, and at least one; people who run them are not counted"
    yield "  measure your own: `gateway cost report` has the mix, `gateway policy backtest` the share of the API"
