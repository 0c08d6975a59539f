"""A backend's `price`: written out, looked up in litellm's list with changes, or the hours of the GPUs it runs on."""

import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal

import yaml

from gateway.core.money import MILLION, NANO, NanoUSD, Price, nano_usd
from gateway.policy import schema
from gateway.policy.problems import suggestion
from gateway.policy.read import Reader, Value

LISTED = "litellm"
_UNIT = "_usd_per_million"
_RATES: Mapping[str, str] = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "input_audio": "input_cost_per_audio_token",
    "input_image": "input_cost_per_image_token",
    "output_audio": "output_cost_per_audio_token",
    "reasoning": "output_cost_per_reasoning_token",
}
"""The fields of `Price`, and the list's words for them."""
_ABOVE = re.compile(r"input_cost_per_token_above_([0-9]+)k_tokens")
_FREE = Price(NanoUSD(0), NanoUSD(0))


def read_prices(reader: Reader, value: Value | None, models: Mapping[str, str]) -> Mapping[str, Price]:
    """By endpoint word; the empty one is for all endpoints without a price of their own."""
    if value is None:
        return {}
    if _is_for_endpoints(value):
        fields = reader.fields(value, schema.PRICES)
        prices = {word: _price(reader, each, _model(models, word)) for word, each in fields.items()}
        return prices | ({"": prices["chat"]} if "chat" in prices else {})
    endpoints = [word for word in models if word and models[word] != models.get("chat")]
    if not isinstance(value.node, yaml.MappingNode):
        reader.word(value, {LISTED})
        own = {word: _listed(reader, value, models[word]) for word in endpoints}
        return own | ({"": _listed(reader, value, models["chat"])} if "chat" in models else {})
    return {"": _price(reader, value, models.get("chat") or next(iter(models.values()), ""))}


def _is_for_endpoints(value: Value) -> bool:
    node = value.node
    return isinstance(node, yaml.MappingNode) and any(key.value in schema.PRICES.keys for key, _ in node.value)


def _model(models: Mapping[str, str], endpoint: str) -> str:
    return models.get(endpoint) or models.get("chat", "")


def _price(reader: Reader, value: Value, model: str) -> Price:
    if not isinstance(value.node, yaml.MappingNode):
        reader.word(value, {LISTED})
        return _listed(reader, value, model)
    fields = reader.fields(value, schema.PRICE)
    if "gpu_hour_usd" in fields or "gpus" in fields:
        return _hours(reader, value, fields)
    rates = {name: NanoUSD(nano_usd(reader.price(fields[name + _UNIT]))) for name in _RATES if name + _UNIT in fields}
    if "from" in fields:
        reader.word(fields["from"], {LISTED})
        named = fields.get("model")
        return _changed(_listed(reader, named or value, reader.text(named, model)), rates)
    if "model" in fields:
        reader.problems.add(fields["model"].node, f"{fields['model'].what} is a name in a list; add `from: {LISTED}`")
    for name in ("input", "output"):
        if name not in rates:
            remedy = f"add it, or `from: {LISTED}`, or `gpu_hour_usd`"
            reader.problems.add(value.node, f"missing key `{name}{_UNIT}` in {value.what}; {remedy}")
    return _changed(_FREE, rates)


def _hours(reader: Reader, value: Value, fields: Mapping[str, Value]) -> Price:
    """INVARIANT: a GPU is paid whether or not it is asked, so what one more answer costs is nothing."""
    others = [key for key in fields if key not in ("gpu_hour_usd", "gpus")]
    if others:
        sentence = f"{value.what} is either by the hour of a GPU or by tokens; remove `{others[0]}`"
        reader.problems.add(value.node, sentence)
    if "gpu_hour_usd" not in fields:
        reader.problems.add(value.node, f"missing key `gpu_hour_usd` in {value.what}; add it, or remove `gpus`")
    an_hour = reader.price(fields.get("gpu_hour_usd"), "US dollars an hour such as `2.50`")
    return Price(NanoUSD(0), NanoUSD(0), gpu_hour=nano_usd(an_hour * reader.integer(fields.get("gpus"), 1, least=1)))


def _changed(price: Price, rates: Mapping[str, NanoUSD]) -> Price:
    """A rate that the file gives counts for prompts of every length."""
    if not rates:
        return price
    long = None if price.long is None else _changed(price.long, rates)
    kept = {name: getattr(price, name) for name in _RATES}
    return Price(**{**kept, **rates}, long_from=price.long_from, long=long)


def _listed(reader: Reader, value: Value, model: str) -> Price:
    """What the list says; a model that it does not have, or has at no price, is a problem and not free."""
    price_list = reader.price_list()
    if price_list is None:
        remedy = "run `pip install 'hybrid-gateway[litellm]'`, which need not be used, or write the prices out"
        reader.problems.add(
            value.node, f"{value.what} is in the list that comes with litellm, which is missing; {remedy}"
        )
        return _FREE
    row = _row(price_list, model)
    price = None if row is None else _of_row(row)
    if price is None:
        near = suggestion(model, price_list) if row is None else "; it is there without one"
        sentence = (
            f"{value.what}: litellm's list has no price for `{model}`{near}; name another with `model`, or write it"
        )
        reader.problems.add(value.node, sentence)
    return price or _FREE


def _row(price_list: Mapping[str, Mapping[str, object]], model: str) -> Mapping[str, object] | None:
    """A name may begin with its provider's, with or without an entry of its own."""
    if model in price_list:
        return price_list[model]
    provider, slash, rest = model.partition("/")
    row = price_list.get(rest) if slash else None
    return row if row is not None and row.get("litellm_provider") == provider else None


def _of_row(row: Mapping[str, object]) -> Price | None:
    """Zero stands in the list for what nobody has looked up."""
    price: Price | None = None
    for bound in sorted(_bounds(row), reverse=True):
        rates = {name: rate for name, word in _RATES.items() if (rate := _rate(row, word, bound)) is not None}
        if not rates.get("input") and not rates.get("output"):
            return None
        rates = {"input": NanoUSD(0), "output": NanoUSD(0), **rates}
        price = Price(**rates, long_from=0 if price is None else _next(row, bound), long=price)
    return price


def _bounds(row: Mapping[str, object]) -> Iterable[int]:
    """Thousands of prompt tokens from which other prices hold; 0: from the first."""
    return {0, *(int(found[1]) for key in row if (found := _ABOVE.fullmatch(key)))}


def _next(row: Mapping[str, object], bound: int) -> int:
    return 1000 * min(each for each in _bounds(row) if each > bound)


def _rate(row: Mapping[str, object], word: str, bound: int) -> NanoUSD | None:
    """Dollars a token to nano-dollars a million, rounded up; what has no price for long prompts keeps its own."""
    dollars = row.get(f"{word}_above_{bound}k_tokens", row.get(word)) if bound else row.get(word)
    if not isinstance(dollars, int | float):
        return None
    return NanoUSD(int((Decimal(str(dollars)) * MILLION * NANO).to_integral_value(ROUND_CEILING)))
